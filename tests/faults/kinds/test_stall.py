"""Silence in the middle."""

from itertools import islice
from math import inf

import pytest

from faults.actions import Message, Pause
from faults.kinds.stall import masked_stall, stall
from tests.faults.wires import ANTHROPIC, OLLAMA, OPENAI, OPENAI_BODY, play, play_json


def test_stall():
    assert list(stall(Message(3, 9, b"a"), at=4)) == [b"a"]
    assert list(stall(Message(4, 9, b"a"), at=4)) == [Pause(inf), b"a"]
    assert list(stall(Message(0, 0, b"a"), seconds=2.0)) == [Pause(2.0), b"a"]
    assert list(stall(Message(1, 1, b"a"), seconds=2.0)) == [b"a"]


@pytest.mark.parametrize(
    ("after_bytes", "actions"),
    [
        (8, [b"abcd"]),
        (9, [b"", Pause(1.0), b"abcd"]),
        (10, [b"a", Pause(1.0), b"bcd"]),
        (12, [b"abc", Pause(1.0), b"d"]),
        (13, [b"abcd"]),
    ],
)
def test_a_stall_after_any_byte(after_bytes, actions):
    """As a connection does that is half open: TCP knows no messages."""
    assert list(stall(Message(2, 9, b"abcd"), after_bytes=after_bytes, seconds=1.0)) == actions


@pytest.mark.parametrize("after_bytes", range(30))
def test_it_stalls_once(after_bytes):
    stream = [b"data: a\n\n", b"data: b\n\n"]
    played = play(stall, stream, after_bytes=after_bytes, seconds=1.0)

    assert played.body == b"".join(stream)
    assert played.actions.count(Pause(1.0)) == len(played.struck) == (after_bytes < 18)
    sent = played.actions[: played.actions.index(Pause(1.0))] if played.struck else [played.body[:after_bytes]]
    assert b"".join(sent) == played.body[:after_bytes]


PING = b'{"model":"m","created_at":"2025-01-01T00:00:00Z","message":{"role":"assistant","content":""},"done":false}\n'


@pytest.mark.parametrize(
    ("provider", "stream", "named", "sent"),
    [
        ("ollama", OLLAMA, False, PING),
        ("ollama", OLLAMA, True, PING),
        ("openai", OPENAI, False, b": ping\n\n"),
        ("openai", OPENAI, True, b'event: ping\ndata: {"type": "ping"}\n\n'),
        ("openai", [one.replace(b"\n", b"\r\n") for one in OPENAI], False, b": ping\r\n\r\n"),
        ("anthropic", ANTHROPIC, False, b'event: ping\ndata: {"type": "ping"}\n\n'),
    ],
)
def test_a_masked_stall_sends_keep_alives_and_no_content(provider, stream, named, sent):
    played = play(masked_stall, stream, provider, at=2, seconds=1.2, every_s=0.5, named=named)

    waits = [Pause(0.5), sent, Pause(0.5), sent, Pause(pytest.approx(0.2)), sent]
    assert played.actions == [*stream[:2], *waits, *stream[2:]]
    assert played.struck[0]["message"] == 2


def test_a_masked_stall_sends_no_two_keep_alives_at_once():
    """Six times 0.1 s are 0.6 s, whatever floats make of it."""
    actions = play(masked_stall, OPENAI, at=0, seconds=0.6, every_s=0.1).actions

    assert [action for action in actions if isinstance(action, Pause)] == [Pause(pytest.approx(0.1))] * 6


def test_a_masked_stall_for_ever_never_goes_on():
    message = Message(0, 0, OPENAI[0], sort="sse")

    assert list(islice(masked_stall(message), 40)) == [Pause(5.0), b": ping\n\n"] * 20


def test_before_a_json_body_a_keep_alive_is_an_empty_line():
    assert play_json(masked_stall, OPENAI_BODY, seconds=1.0, every_s=1.0).actions == [Pause(1.0), b"\n", *OPENAI_BODY]


@pytest.mark.parametrize(("content_type", "params"), [("text/html", {}), ("text/event-stream", {"at": 99})])
def test_a_masked_stall_of_what_it_cannot_mask_is_missed(content_type, params):
    played = play(masked_stall, OPENAI, content_type=content_type, **params)

    assert (played.body, played.struck) == (b"".join(OPENAI), [])
