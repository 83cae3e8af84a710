"""Answers that a filter ends."""

import json

import pytest

from faults.actions import Finish
from faults.kinds.content_filter import content_filter
from tests.faults.wires import (
    ANTHROPIC,
    ANTHROPIC_BODY,
    EMBEDDINGS,
    OLLAMA,
    OLLAMA_BODY,
    OPENAI,
    OPENAI_BODY,
    anthropic,
    event,
    play,
    play_json,
)

FOUND = (
    b'"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},'
    b'"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":true,"severity":"medium"}}'
)
OPENAIS = (
    b'data: {"id":"c-1","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{},'
    b'"finish_reason":"content_filter",' + FOUND + b"}]}\n\n"
)


def test_openais_stream_ends_as_azures():
    played = play(content_filter, OPENAI)

    assert played.actions == [*OPENAI[:3], OPENAIS, b"data: [DONE]\n\n", Finish()]
    assert played.struck[0]["message"] == 3
    windows = play(content_filter, [one.replace(b"\n", b"\r\n") for one in OPENAI])
    assert windows.body == b"".join(played.actions[:-1]).replace(b"\n", b"\r\n")


def test_plain_completions_too():
    chunk = {"choices": [{"text": "a", "index": 0, "logprobs": {"tokens": ["a"]}, "finish_reason": None}]}
    played = play(content_filter, [event(**chunk)], at=0)

    assert b'{"choices":[{"text":"","index":0,"logprobs":null,"finish_reason":"content_filter",' in played.body


def test_ollamas_stream_ends_with_the_reason():
    line = (
        b'{"model":"m","created_at":"2025-01-01T00:00:00Z","message":{"role":"assistant","content":""},'
        b'"done":true,"done_reason":"content_filter"}\n'
    )
    assert play(content_filter, OLLAMA, "ollama", at=2).actions == [*OLLAMA[:2], line, Finish()]
    generate = play(content_filter, [b'{"model":"m","response":"a","done":false}\n'], "ollama", at=0)
    assert generate.body == b'{"model":"m","response":"","done":true,"done_reason":"content_filter"}\n'


@pytest.mark.parametrize(
    ("at", "kept"),
    [
        (0, [ANTHROPIC[0]]),
        (1, []),
        (2, []),
        (4, [anthropic("content_block_stop", index=0)]),
        (7, [ANTHROPIC[7]]),
    ],
)
def test_anthropic_refuses_and_ends_what_it_began(at, kept):
    played = play(content_filter, ANTHROPIC, "anthropic", at=at)

    delta = {"stop_reason": "refusal", "stop_sequence": None}
    end = [anthropic("message_delta", delta=delta, usage={"output_tokens": 0}), anthropic("message_stop")]
    assert played.actions == [*ANTHROPIC[:at], *kept, *end, Finish()]
    assert len(played.struck) == 1


def test_json_bodies_are_emptied():
    (openai_,) = (json.loads(play_json(content_filter, OPENAI_BODY, at=0).body)["choices"],)
    assert openai_[0]["message"] == {"role": "assistant", "content": None}
    assert openai_[0]["finish_reason"] == "content_filter" and openai_[0]["content_filter_results"]["violence"]["filtered"]

    ollama = json.loads(play_json(content_filter, OLLAMA_BODY, "ollama", at=0).body)
    assert (ollama["message"]["content"], ollama["done"], ollama["done_reason"]) == ("", True, "content_filter")

    anthropic_ = json.loads(play_json(content_filter, ANTHROPIC_BODY, "anthropic", at=0).body)
    assert (anthropic_["content"], anthropic_["stop_reason"]) == ([], "refusal")


@pytest.mark.parametrize(
    ("provider", "stream", "at"),
    [("ollama", OLLAMA, 4), ("openai", OPENAI, 5), ("openai", OPENAI, 6), ("openai", OPENAI, 7), ("anthropic", ANTHROPIC, 8)],
)
def test_what_is_complete_is_not_filtered(provider, stream, at):
    played = play(content_filter, stream, provider, at=at)

    assert (played.actions, played.struck) == (stream, [])


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(EMBEDDINGS, "application/json"), ([b"data: {}\n\n", b": c\n\n"], "text/event-stream"), (OPENAI, "text/html")],
)
@pytest.mark.parametrize("at", [0, 1])
def test_what_is_no_answer_passes(body, content_type, at):
    played = play(content_filter, body, content_type=content_type, at=at)

    assert (played.body, played.struck) == (b"".join(body), [])
