"""Frames that are not as they should be."""

import json

import pytest

from faults.kinds.frame import duplicated, empty_choices, junk_line, malformed, reordered
from tests.faults.wires import ANTHROPIC, EMBEDDINGS, OLLAMA, OLLAMA_BODY, OPENAI, OPENAI_BODY, play, play_json

STREAMS = [("ollama", OLLAMA), ("openai", OPENAI), ("anthropic", ANTHROPIC)]
BODIES = [("ollama", OLLAMA_BODY), ("openai", OPENAI_BODY), ("openai", EMBEDDINGS)]


@pytest.mark.parametrize(
    ("provider", "stream", "at", "broken"),
    [
        ("ollama", [b'{"a":"xx"}\n', b'{"b":"xx"}\n'], 1, b'{"b":\n'),
        ("openai", [b'id: 1\r\ndata: {"a":"xx"}\r\nretry: 2\r\n\r\n'], 0, b'id: 1\r\ndata: {"a":\r\nretry: 2\r\n\r\n'),
        ("openai", OPENAI, 7, b"data: [DO\n\n"),
        ("ollama", ['{"a":"ü"}\n'.encode()], 0, b'{"a":\n'),
        ("ollama", ['{"ü":1}\n'.encode()], 0, b'{"\xc3\xbc\n'),
        ("ollama", ['{"":"ü"}'.encode()], 0, b'{"":'),
        ("ollama", ['{"世":1}'.encode()], 0, b'{"'),
    ],
)
def test_half_of_the_json_is_missing(provider, stream, at, broken):
    """But no half character: it is the JSON that is wrong."""
    assert play(malformed, stream, provider, at=at).actions == [*stream[:at], broken, *stream[at + 1 :]]


@pytest.mark.parametrize(("provider", "stream"), STREAMS)
def test_broken_json_is_no_json(provider, stream):
    played = play(malformed, stream, provider)

    assert played.actions[0] == stream[0] and played.actions[2:] == stream[2:]
    with pytest.raises(json.JSONDecodeError):
        json.loads(played.actions[1].splitlines()[-1 if provider == "ollama" else -2].removeprefix(b"data: "))


@pytest.mark.parametrize(("provider", "body"), BODIES)
def test_a_json_body_can_be_broken(provider, body):
    assert play_json(malformed, body, provider, at=0).body == body[0][: len(body[0]) // 2]
    assert play_json(malformed, body, provider, at=1).body == body[0]


@pytest.mark.parametrize(("provider", "stream"), STREAMS)
def test_twice(provider, stream):
    played = play(duplicated, stream, provider, at=2)

    assert played.actions == [*stream[:3], *stream[2:]]
    assert played.struck[0]["message"] == 2


@pytest.mark.parametrize(("provider", "stream"), STREAMS)
def test_out_of_order(provider, stream):
    played = play(reordered, stream, provider, at=2)

    assert played.actions == [*stream[:2], stream[3], stream[2], *stream[4:]]
    assert played.struck[0]["message"] == 2


@pytest.mark.parametrize(("provider", "stream", "last"), [("ollama", OLLAMA, 3), ("openai", OPENAI, 4)])
def test_the_last_token_may_come_behind_the_end(provider, stream, last):
    assert play(reordered, stream, provider, at=last).actions == [
        *stream[:last],
        stream[last + 1],
        stream[last],
        *stream[last + 2 :],
    ]
    end = play(reordered, stream, provider, at=last + 1)
    assert (end.body, end.struck) == (b"".join(stream), [])


def test_nothing_is_lost_where_nothing_follows():
    assert play(reordered, OPENAI[:3], at=2).body == b"".join(OPENAI[:3])


AZURE = (
    b'data: {"id":"","object":"","created":0,"model":"","choices":[],"prompt_filter_results":[{"prompt_index":0,'
    b'"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},'
    b'"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}}]}\n\n'
)


@pytest.mark.parametrize("at", [0, 3])
def test_a_frame_without_choices(at):
    assert play(empty_choices, OPENAI, at=at).actions == [*OPENAI[:at], AZURE, *OPENAI[at:]]
    windows = [one.replace(b"\n", b"\r\n") for one in OPENAI]
    assert play(empty_choices, windows, at=at).actions[at] == AZURE.replace(b"\n", b"\r\n")


@pytest.mark.parametrize(
    ("provider", "stream", "at"),
    [("ollama", OLLAMA, 0), ("anthropic", ANTHROPIC, 3), ("openai", OPENAI, 6), ("openai", OPENAI, 9)],
)
def test_who_knows_no_choices_never_sends_them_empty(provider, stream, at):
    played = play(empty_choices, stream, provider, at=at)

    assert (played.actions, played.struck) == (stream, [])


@pytest.mark.parametrize(
    ("provider", "stream", "text", "junk"),
    [
        ("ollama", OLLAMA, "", b"\n"),
        ("ollama", OLLAMA, "<br>", b"<br>\n"),
        ("openai", OPENAI, "", b"\n"),
        ("openai", OPENAI, "Müll", "Müll\n\n".encode()),
        ("openai", [one.replace(b"\n", b"\r\n") for one in OPENAI], "x", b"x\r\n\r\n"),
    ],
)
def test_a_line_of_junk(provider, stream, text, junk):
    assert play(junk_line, stream, provider, text=text).actions == [stream[0], junk, *stream[1:]]


def test_junk_before_a_json_body():
    assert play_json(junk_line, OPENAI_BODY, at=0).actions == [b"\n", *OPENAI_BODY]
    assert play_json(junk_line, OPENAI_BODY, at=0, text="x").actions == [b"x\n", *OPENAI_BODY]
    assert play_json(junk_line, OPENAI_BODY, at=1, text="x").struck == []


@pytest.mark.parametrize("kind", [duplicated, reordered, empty_choices])
@pytest.mark.parametrize(("provider", "body"), BODIES)
@pytest.mark.parametrize("at", [0, 1])
def test_a_json_body_passes(kind, provider, body, at):
    played = play_json(kind, body, provider, at=at)

    assert (played.body, played.struck) == (body[0], [])
