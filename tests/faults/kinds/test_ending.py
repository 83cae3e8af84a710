"""Ends that deceive."""

from math import inf

import pytest

from faults.actions import Finish, Pause
from faults.kinds.ending import linger, silent_truncation
from tests.faults.wires import ANTHROPIC, OLLAMA, OLLAMA_BODY, OLLAMA_CALL, OPENAI, OPENAI_BODY, OPENAI_CALL, play, play_json

STREAMS = [
    ("ollama", OLLAMA, 4),
    ("openai", OPENAI, 5),
    ("openai", [one.replace(b"\n", b"\r\n") for one in OPENAI], 5),
    ("anthropic", ANTHROPIC, 8),
    ("ollama", OLLAMA_CALL, 1),
    ("openai", OPENAI_CALL, 5),
]


@pytest.mark.parametrize(("provider", "stream", "end"), STREAMS)
def test_all_of_the_text_arrives_and_nothing_says_that_it_is_all(provider, stream, end):
    """No `done`, no finish_reason, no usage, no [DONE]."""
    played = play(silent_truncation, stream, provider)

    assert played.actions == [*stream[:end], Finish()]
    assert (played.struck[0]["message"], played.struck[0]["byte"]) == (end, len(played.body))


@pytest.mark.parametrize(("provider", "stream", "end"), STREAMS)
@pytest.mark.parametrize("at", range(12))
def test_it_ends_before_a_message_but_never_behind_the_end(provider, stream, end, at):
    assert play(silent_truncation, stream, provider, at=at).actions == [*stream[: min(at, end)], Finish()]


@pytest.mark.parametrize(("provider", "body"), [("ollama", OLLAMA_BODY), ("openai", OPENAI_BODY)])
@pytest.mark.parametrize("at", [None, 0, 1])
def test_a_json_body_passes(provider, body, at):
    played = play_json(silent_truncation, body, provider, at=at)

    assert (played.body, played.struck) == (body[0], [])


@pytest.mark.parametrize(("provider", "stream"), [("ollama", OLLAMA), ("openai", OPENAI), ("openai", [])])
def test_linger(provider, stream):
    assert play(linger, stream, provider).actions == [*stream, Pause(inf)]
    assert play(linger, stream, provider, seconds=2.0).actions == [*stream, Pause(2.0)]


def test_a_json_body_lingers_too():
    assert play_json(linger, OPENAI_BODY, seconds=2.0).actions == [*OPENAI_BODY, Pause(2.0)]
