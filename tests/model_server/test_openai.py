"""OpenAI's API byte for byte; its clients are in test_clients.py."""

import asyncio
from base64 import b64decode
from typing import Any

import httpx
import numpy as np
import orjson
import pytest

from model_server.embeddings import embed
from records.proof import check

QUESTION = "Why is the sky blue?"
ASKED: dict[str, Any] = {"model": "llama3.1", "messages": [{"role": "user", "content": QUESTION}], "temperature": 0.3}
STREAMED = {**ASKED, "stream": True}
TOOL = {
    "tools": [{"type": "function", "function": {"name": "add", "parameters": {"required": ["a", "b"]}}}],
    "tool_choice": "required",
}


def events(body: bytes) -> list[Any]:
    """All events of a stream but the last, which says that it is done."""
    *told, done, rest = body.split(b"\n\n")
    assert (done, rest) == (b"data: [DONE]", b"")
    return [orjson.loads(event.removeprefix(b"data: ")) for event in told]


def post(url: str, path: str = "chat/completions", **how: Any) -> httpx.Response:
    return httpx.post(f"{url}/v1/{path}", timeout=10, **how)


def test_a_stream_byte_for_byte(model: Any):
    """Role, one event a token, the reason of the end, and that it is done: each event its own HTTP chunk but the last two."""
    with httpx.stream("POST", f"{model('--words', 3).url}/v1/chat/completions", json=STREAMED) as answer:
        head, chunks = answer.headers, list(answer.iter_raw())

    assert head["content-type"] == "text/event-stream; charset=utf-8"
    assert len(chunks) == 1 + 5 + 1 and [chunk.count(b"\n\n") for chunk in chunks] == [1] * 6 + [2]
    told = events(b"".join(chunks))
    assert [list(event) for event in told] == [["id", "object", "created", "model", "system_fingerprint", "choices"]] * 7
    assert {(event["id"], event["object"], event["created"], event["model"]) for event in told} == {
        (told[0]["id"], "chat.completion.chunk", told[0]["created"], "llama3.1")
    }
    choices = [event["choices"][0] for event in told]
    assert choices[0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert [list(choice["delta"]) for choice in choices[1:]] == [["content"]] * 5 + [[]]
    assert [choice["finish_reason"] for choice in choices] == [None] * 6 + ["stop"]
    assert check("".join(choice["delta"]["content"] for choice in choices[:-1]), QUESTION, {"temperature": 0.3}).outcome == "ok"


def test_usage_is_the_last_event_where_it_is_asked_for(shared: Any):
    told = events(post(shared.url, json={**STREAMED, "stream_options": {"include_usage": True}}).content)

    assert [event["usage"] for event in told[:-1]] == [None] * 12
    assert told[-1]["choices"] == []
    assert told[-1]["usage"] == {"prompt_tokens": 9, "completion_tokens": 10, "total_tokens": 19}


def test_one_json_when_not_streamed(shared: Any):
    """The same words as the stream says to the same request."""
    who = {"x-request-id": "openai-000001"}
    answer = post(shared.url, json=ASKED, headers=who)
    told = answer.json()
    (choice,) = told["choices"]

    assert answer.headers["content-type"] == "application/json"
    assert (told["object"], told["id"][:9], choice["index"]) == ("chat.completion", "chatcmpl-", 0)
    assert (choice["message"]["role"], choice["finish_reason"]) == ("assistant", "stop")
    assert told["usage"] == {"prompt_tokens": 9, "completion_tokens": 10, "total_tokens": 19}
    assert choice["message"]["content"].startswith("[[q=") and "temperature=0.3]]" in choice["message"]["content"]
    streamed = events(post(shared.url, json=STREAMED, headers=who).content)
    assert "".join(event["choices"][0]["delta"].get("content", "") for event in streamed) == choice["message"]["content"]


def test_the_row_is_as_with_ollama(shared: Any):
    post(shared.url, json=ASKED, headers={"x-request-id": "openai-000417", "x-stainless-retry-count": "1"})

    row = shared.row("openai-000417")
    assert (row["attempt"], row["model"], row["tokens_in"], row["tokens_out"]) == (2, "llama3.1", 9, 10)
    assert (row["cancelled"], row["first_token_s"] is None) == (False, False)


def test_the_arguments_of_a_tool_are_streamed_in_pieces(shared: Any):
    """Id and name come first and once; the pieces are one JSON."""
    deltas = [event["choices"][0] for event in events(post(shared.url, json={**STREAMED, **TOOL}).content)]

    (call,) = deltas[0]["delta"].pop("tool_calls")
    assert deltas[0]["delta"] == {"role": "assistant", "content": None, "refusal": None}
    assert (call["index"], call["id"][:5], call["type"]) == (0, "call_", "function")
    assert call["function"] == {"name": "add", "arguments": ""}
    assert (deltas[-1]["delta"], deltas[-1]["finish_reason"]) == ({}, "tool_calls")
    pieces = [delta["delta"]["tool_calls"] for delta in deltas[1:-1]]
    assert all(piece == [{"index": 0, "function": piece[0]["function"]}] for piece in pieces) and len(pieces) > 3
    assert list(orjson.loads("".join(piece[0]["function"]["arguments"] for piece in pieces))) == ["a", "b"]


def test_arguments_that_are_cut_off_say_so(shared: Any):
    (choice,) = post(shared.url, json={**ASKED, **TOOL, "max_tokens": 2}).json()["choices"]

    assert (choice["finish_reason"], choice["message"]["tool_calls"][0]["function"]["arguments"]) == ("length", '{"a')


def test_completions_streamed_and_not(shared: Any):
    asked = {"model": "llama3.1", "prompt": QUESTION, "seed": 1}

    whole = post(shared.url, "completions", json=asked).json()
    streamed = events(post(shared.url, "completions", json={**asked, "stream": True}).content)

    (choice,) = whole["choices"]
    assert (whole["object"], streamed[0]["object"], choice["finish_reason"]) == ("text_completion", "text_completion", "stop")
    assert check(choice["text"], QUESTION, {"seed": 1}).outcome == "ok"
    assert "".join(event["choices"][0]["text"] for event in streamed) == choice["text"]
    assert [event["choices"][0]["finish_reason"] for event in streamed] == [None] * 10 + ["stop"]


def test_embeddings_as_numbers_and_as_bytes(shared: Any):
    asked = {"model": "llama3.1", "input": ["river stone", "moss"]}

    floats = post(shared.url, "embeddings", json=asked).json()
    packed = post(shared.url, "embeddings", json={**asked, "encoding_format": "base64"}).json()

    assert (floats["object"], [one["index"] for one in floats["data"]]) == ("list", [0, 1])
    assert floats["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
    assert np.array_equal(np.array(floats["data"][0]["embedding"], dtype=np.float32), embed("river stone"))
    assert np.array_equal(np.frombuffer(b64decode(packed["data"][1]["embedding"]), dtype="<f4"), embed("moss"))


def test_models(shared: Any):
    listed = httpx.get(f"{shared.url}/v1/models").json()

    told = {"id": "llama3.1", "object": "model", "created": 1_721_746_800, "owned_by": "library"}
    assert listed == {"object": "list", "data": [told, {**told, "id": "nomic-embed-text"}]}
    assert httpx.get(f"{shared.url}/v1/models/llama3.1").json() == told


@pytest.mark.parametrize(
    ("method", "path", "status", "told", "code"),
    [
        ("GET", "/v1/models/org/x", 404, "The model `org/x` does not exist", "model_not_found"),
        ("POST", "/v1/images", 404, "Invalid URL (POST /v1/images)", None),
        ("GET", "/v1/embeddings", 405, "Not allowed to GET on /v1/embeddings.", None),
    ],
)
def test_what_is_not_there_is_refused_in_openais_words(shared: Any, method: str, path: str, status: int, told: str, code: Any):
    answer = httpx.request(method, shared.url + path)

    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["code"]) == (status, "invalid_request_error", code)
    assert error["message"].startswith(told)


def test_beyond_slots_and_queue_it_is_busy_as_openai_is(model: Any):
    url = model("--slots", 1, "--queue", 0, "--words", 20).url

    async def two() -> list[httpx.Response]:
        async with httpx.AsyncClient(timeout=10) as client:
            return await asyncio.gather(*(client.post(f"{url}/v1/chat/completions", json=ASKED) for _ in range(2)))

    served, turned_away = sorted(asyncio.run(two()), key=lambda answer: answer.status_code)
    assert (served.status_code, turned_away.status_code) == (200, 503)
    assert turned_away.json()["error"] == {
        "message": "The engine is currently overloaded, please try again later",
        "type": "server_error",
        "param": None,
        "code": "server_is_overloaded",
    }
