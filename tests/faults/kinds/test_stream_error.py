"""Errors behind a status of 200."""

import pytest

from faults.actions import Finish
from faults.kinds.stream_error import runner_death, stream_error
from tests.faults.wires import ANTHROPIC, ANTHROPIC_BODY, OLLAMA, OLLAMA_BODY, OPENAI, OPENAI_BODY, play, play_json

OPENAIS = b'{"error":{"message":"no","type":"server_error","param":null,"code":null}}'
ERRORS = [
    ("ollama", OLLAMA, b'{"error":"no"}\n'),
    ("openai", OPENAI, b"data: " + OPENAIS + b"\n\n"),
    ("openai", [one.replace(b"\n", b"\r\n") for one in OPENAI], b"data: " + OPENAIS + b"\r\n\r\n"),
    ("anthropic", ANTHROPIC, b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"no"}}\n\n'),
]


@pytest.mark.parametrize(("provider", "stream", "error"), ERRORS)
@pytest.mark.parametrize("at", [0, 1, 3])
def test_an_error_in_a_stream_ends_it(provider, stream, error, at):
    """Before the first token, and after."""
    played = play(stream_error, stream, provider, at=at, text="no")

    assert played.actions == [*stream[:at], error, Finish()]
    assert played.struck[0]["message"] == at


@pytest.mark.parametrize(
    ("provider", "params", "error"),
    [
        (
            "openai",
            {"status": 429, "error_type": "insufficient_quota", "code": "insufficient_quota", "text": "spent"},
            b'data: {"error":{"message":"spent","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}\n\n',
        ),
        (
            "anthropic",
            {"status": 529},
            b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
        ),
        ("ollama", {"status": 429}, b'{"error":"rate limit exceeded, please try again later"}\n'),
        ("ollama", {"text": "überlastet"}, '{"error":"überlastet"}\n'.encode()),
    ],
)
def test_any_error_that_has_a_status(provider, params, error):
    stream = {"ollama": OLLAMA, "openai": OPENAI, "anthropic": ANTHROPIC}[provider]

    assert play(stream_error, stream, provider, **params).actions == [error, Finish()]


@pytest.mark.parametrize(
    ("provider", "body", "error"),
    [
        ("ollama", OLLAMA_BODY, b'{"error":"no"}'),
        ("openai", OPENAI_BODY, OPENAIS),
        ("anthropic", ANTHROPIC_BODY, b'{"type":"error","error":{"type":"api_error","message":"no"}}'),
    ],
)
def test_a_json_body_becomes_the_error(provider, body, error):
    assert play_json(stream_error, body, provider, text="no").actions == [error, Finish()]


@pytest.mark.parametrize(
    ("content_type", "at"), [("text/event-stream", len(OPENAI)), ("application/json", 1), ("text/html", 0)]
)
def test_what_is_over_or_unknown_has_no_error(content_type, at):
    """A chunk of whatever it is may end anywhere."""
    played = play(stream_error, OPENAI, content_type=content_type, at=at)

    assert (played.body, played.struck) == (b"".join(OPENAI), [])


def test_the_runner_dies():
    played = play(runner_death, OLLAMA, "ollama", at=2)

    line = b'{"error":"an error was encountered while running the model: unexpected EOF"}\n'
    assert played.actions == [*OLLAMA[:2], line, Finish()]
    assert played.struck[0]["kind"] == "runner_death"
