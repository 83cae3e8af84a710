"""What Ollama's API tells beyond words: calls of tools, JSON, embeddings, and what is in memory."""

import time
from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np
import orjson
import pytest

from model_server.embeddings import DIMENSIONS, embed

TOOL = {"type": "function", "function": {"name": "add", "parameters": {"required": ["a", "b"]}}}
CALLING: dict[str, Any] = {"model": "llama3.1", "messages": [{"role": "user", "content": "add these"}], "tools": [TOOL]}


def post(url: str, path: str, **body: Any) -> Any:
    answer = httpx.post(f"{url}/api/{path}", json={"model": "llama3.1", **body}, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_call_is_told_in_one_piece(shared: Any):
    """A line with the call, then the line that ends it, whose reason is "stop", as Ollama's is."""
    body = httpx.post(f"{shared.url}/api/chat", json=CALLING).content
    call, end = (orjson.loads(line) for line in body.splitlines())

    (told,) = call["message"]["tool_calls"]
    assert (call["done"], call["message"]["content"], told["id"][:5]) == (False, "", "call_")
    assert (told["function"]["index"], told["function"]["name"]) == (0, "add")
    assert list(told["function"]["arguments"]) == ["a", "b"]
    assert (end["done"], end["done_reason"], end["message"]) == (True, "stop", {"role": "assistant", "content": ""})
    assert end["eval_count"] > 5
    whole = post(shared.url, "chat", **CALLING, stream=False)
    assert whole["message"]["tool_calls"][0]["function"] == told["function"]
    assert whole["done_reason"] == "stop"


def test_a_call_that_is_cut_off_is_none(shared: Any):
    told = post(shared.url, "chat", **CALLING, stream=False, options={"num_predict": 2})

    assert (told["message"], told["done_reason"]) == ({"role": "assistant", "content": ""}, "length")


def test_json_where_a_format_asks_for_it(shared: Any):
    schema = {"type": "object", "properties": {"days": {"type": "integer"}}, "required": ["days"]}

    told = post(shared.url, "generate", prompt="How long?", format=schema, stream=False)["response"]
    said = post(shared.url, "chat", messages=[{"role": "user", "content": "Why?"}], format="json", stream=False)

    assert isinstance(orjson.loads(told)["days"], int)
    assert list(orjson.loads(said["message"]["content"])) == ["answer"]


def test_embeddings_of_one_text_and_of_many(shared: Any):
    one, many = post(shared.url, "embed", input="river stone"), post(shared.url, "embed", input=["river stone", "moss"])

    assert np.array_equal(np.array(one["embeddings"], dtype=np.float32), [embed("river stone")])
    assert many["embeddings"] == [one["embeddings"][0], post(shared.url, "embed", input="moss")["embeddings"][0]]
    assert (one["model"], one["prompt_eval_count"], many["prompt_eval_count"]) == ("llama3.1", 2, 3)
    assert one["total_duration"] > 0
    assert post(shared.url, "embeddings", prompt="river stone") == {"embedding": one["embeddings"][0]}


def test_no_text_gets_no_embedding(shared: Any):
    for nothing in ({}, {"input": ""}, {"input": []}, {"input": None}):
        assert post(shared.url, "embed", **nothing) == {"model": "llama3.1", "embeddings": []}
    assert post(shared.url, "embeddings") == {"embedding": []}
    assert len(post(shared.url, "embed", input=["", "a"])["embeddings"]) == 2


@pytest.mark.parametrize(("asked", "got"), [(3, 3), (DIMENSIONS + 1, DIMENSIONS), (0, DIMENSIONS), (-1, DIMENSIONS)])
def test_dimensions_are_as_many_as_make_sense(shared: Any, asked: int, got: int):
    (vector,) = post(shared.url, "embed", input="river", dimensions=asked)["embeddings"]

    assert len(vector) == got


def test_a_text_too_long_is_cut_unless_that_is_forbidden(shared: Any):
    body = {"model": "llama3.1", "input": "word " * 8193}
    refused = httpx.post(f"{shared.url}/api/embed", json={**body, "truncate": False})

    assert post(shared.url, "embed", **body)["prompt_eval_count"] == 8192
    assert (refused.status_code, refused.json()) == (400, {"error": "the input length exceeds the context length"})


def test_what_is_in_memory_and_until_when(model: Any):
    """Nothing at first; loaded by an empty prompt, by a question and by OpenAI's API; gone when it is told to go."""
    url = model("--words", 3).url

    def running() -> list[Any]:
        models: list[Any] = httpx.get(f"{url}/api/ps").json()["models"]
        return models

    def seconds_left() -> float:
        (loaded,) = running()
        assert (loaded["name"], loaded["size_vram"] > 0, loaded["context_length"]) == ("llama3.1:latest", True, 8192)
        return (datetime.fromisoformat(loaded["expires_at"]) - datetime.now(UTC)).total_seconds()

    assert running() == []
    assert post(url, "generate")["done_reason"] == "load"
    assert seconds_left() == pytest.approx(300, abs=5)
    post(url, "generate", prompt="Why?", stream=False, keep_alive="1h")
    assert seconds_left() == pytest.approx(3600, abs=5)
    post(url, "embed", input="a", keep_alive=-1)
    assert seconds_left() > 1e9

    told = post(url, "chat", messages=[], keep_alive=0)
    assert (told["done"], told["done_reason"], told["message"]["content"]) == (True, "unload", "")
    assert running() == []
    asked = {"model": "llama3.1", "messages": [{"role": "user", "content": "Why?"}]}
    httpx.post(f"{url}/v1/chat/completions", json=asked)
    assert seconds_left() == pytest.approx(300, abs=5)
    post(url, "generate", prompt="Why?", stream=False, keep_alive=0)
    assert running() == []


def test_while_it_speaks_it_is_in_memory(model: Any):
    server = model("--words", 500)
    asked = {"model": "llama3.1", "prompt": "Why?", "keep_alive": 0}
    with httpx.stream("POST", f"{server.url}/api/generate", json=asked) as answer:
        read = answer.iter_raw()  # kept: httpx closes the connection with its iterator
        next(read)
        assert len(httpx.get(f"{server.url}/api/ps").json()["models"]) == 1
    deadline = time.monotonic() + 5
    while httpx.get(f"{server.url}/api/ps").json()["models"]:
        assert time.monotonic() < deadline
