"""Ollama's API as its real clients speak it, and byte for byte."""

import asyncio
import re
from typing import Any

import httpx
import ollama
import orjson
import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_ollama import ChatOllama

from model_server.answers import Prompt
from model_server.ollama_parse import Refused, parse_chat, parse_generate
from records.proof import check

ASKED = {
    "model": "llama3.1",
    "messages": [{"role": "user", "content": "Why is the sky blue?"}],
    "options": {"temperature": 0.7},
}
QUESTION = "Why is the sky blue?"


def lines(body: bytes) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in body.splitlines()]


def test_what_chat_asks():
    """Question, turn and sampling options; what only says where to run is no part of the proof."""
    options = {"temperature": 0.0, "num_predict": -1, "num_ctx": 4096, "stop": ["x"], "top_p": None}
    messages = [
        {"role": role, "content": text} for role, text in (("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c"))
    ]

    prompt = parse_chat({"messages": messages, "options": options})

    params = {"temperature": 0.0, "num_predict": -1, "stop": ["x"]}
    assert prompt == Prompt("c", ["s", "a", "b", "c"], params, turn=2, so_far="", limit=None, stop=("x",))


def test_an_unfinished_answer_at_the_end_is_to_be_continued():
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]

    assert parse_chat({"messages": messages}) == Prompt("a", ["a", "b"], {}, turn=1, so_far="b")


def test_what_generate_asks():
    asked = {"prompt": "a", "system": "s", "options": {"num_predict": 3}}

    assert parse_generate(asked) == Prompt("a", ["s", "a"], {"num_predict": 3}, limit=3)


@pytest.mark.parametrize(
    "body",
    [
        {"messages": "x"},
        {"messages": ["x"]},
        {"messages": [{"content": 1}]},
        {"options": {"seed": "x"}},
        {"options": {"top_p": True}},
        {"options": {"stop": [[[]]]}},
        {"options": []},
        {"tools": {}},
        {"tools": [{"type": "function"}]},
        {"format": 1},
        {"format": "xml"},
    ],
)
def test_a_field_of_the_wrong_type_is_refused(body: dict[str, Any]):
    with pytest.raises(Refused) as refused:
        parse_chat(body)
    assert refused.value.status == 400


def test_a_message_without_content_has_none():
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": None, "tool_calls": []}, {"role": "tool"}]

    assert parse_chat({"messages": messages}).texts == ["a", "", ""]


def test_a_stream_byte_for_byte(model: Any):
    """One line a token and one that ends it, each one HTTP chunk, with Ollama's fields in Ollama's order."""
    with httpx.stream("POST", f"{model('--words', 3).url}/api/chat", json=ASKED) as answer:
        head, chunks = answer.headers, list(answer.iter_raw())

    assert head["content-type"] == "application/x-ndjson"
    assert head["transfer-encoding"] == "chunked"
    assert len(chunks) == 3 + 2 + 1 and all(chunk.endswith(b"\n") and chunk.count(b"\n") == 1 for chunk in chunks)
    stamp = rb'"created_at":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"'
    token = rb'\{"model":"llama3\.1",' + stamp + rb',"message":\{"role":"assistant","content":" 1:\w+"\},"done":false\}\n'
    assert re.fullmatch(token, chunks[1])
    names = ["total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration", "eval_count", "eval_duration"]
    assert list(orjson.loads(chunks[-1])) == ["model", "created_at", "message", "done", "done_reason", *names]


def test_a_line_is_an_http_chunk(model: Any):
    """As read from the socket: chunk sizes are line lengths."""
    url = httpx.URL(model("--words", 2).url)

    async def raw() -> bytes:
        reader, writer = await asyncio.open_connection(url.host, url.port)
        body = orjson.dumps(ASKED)
        writer.write(
            b"POST /api/chat HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        )
        return await reader.read()

    rest = asyncio.run(raw()).split(b"\r\n\r\n", 1)[1]
    sizes = []
    while size := int(rest[: rest.index(b"\r\n")], 16):
        chunk, rest = rest[rest.index(b"\r\n") + 2 :][:size], rest[rest.index(b"\r\n") + 2 + size + 2 :]
        sizes.append(size)
        assert chunk.index(b"\n") == size - 1
    assert len(sizes) == 5 and rest == b"0\r\n\r\n"


def test_one_json_when_not_streamed(model: Any):
    answer = httpx.post(f"{model('--words', 3).url}/api/chat", json={**ASKED, "stream": False})
    told = answer.json()

    assert answer.headers["content-type"].startswith("application/json")
    assert check(told["message"]["content"], QUESTION, {"temperature": 0.7}).outcome == "ok"
    assert (told["done"], told["done_reason"], told["eval_count"], told["prompt_eval_count"]) == (True, "stop", 5, 9)
    assert told["total_duration"] >= 0.14e9 and told["prompt_eval_duration"] >= 0.1e9 and told["eval_duration"] >= 0.04e9


def test_generate_streamed_and_not(model: Any):
    url = model("--words", 3).url + "/api/generate"
    asked = {"model": "llama3.1:latest", "prompt": "Why?", "options": {"seed": 1}}

    streamed = lines(httpx.post(url, json=asked).content)
    whole = httpx.post(url, json={**asked, "stream": False}).json()

    assert "".join(line["response"] for line in streamed) == whole["response"]
    assert check(whole["response"], "Why?", {"seed": 1}).outcome == "ok"
    assert (whole["model"], streamed[-1]["done"], streamed[-1]["done_reason"]) == ("llama3.1:latest", True, "stop")


def test_refusals_are_ollamas(model: Any):
    url = model().url + "/api/chat"

    def refused(**how: Any) -> tuple[int, str]:
        answer = httpx.post(url, **how)
        return answer.status_code, answer.json()["error"]

    assert refused(json={**ASKED, "model": "x"}) == (404, "model 'x' not found")
    assert refused(json={"messages": []}) == (400, "model is required")
    assert refused(content=b"") == (400, "missing request body")
    assert refused(content=b"{no")[0] == 400
    assert refused(json=[1]) == (400, "the request body must be a JSON object")


def test_an_empty_prompt_only_loads_the_model(model: Any):
    told = httpx.post(f"{model().url}/api/chat", json={"model": "llama3.1", "messages": []}).json()

    assert (told["done"], told["done_reason"], told["message"]["content"]) == (True, "load", "")


def test_the_ollama_client_understands_it(model: Any):
    """Its own classes parse every answer, streamed and not."""
    client = ollama.AsyncClient(host=model("--words", 3).url)
    messages, options = ASKED["messages"], {"temperature": 0.0}

    async def talk() -> None:
        listed = await client.list()
        assert [one.model for one in listed.models] == ["llama3.1:latest", "nomic-embed-text:latest"]
        assert (await client.show("llama3.1")).capabilities == ["completion", "tools", "embedding"]
        parts = [part async for part in await client.chat("llama3.1", messages, options=options, stream=True)]
        whole = await client.chat("llama3.1", messages, options=options)
        assert "".join(part.message.content for part in parts) == whole.message.content
        assert (parts[-1].done_reason, parts[-1].eval_count) == ("stop", 5)
        with pytest.raises(ollama.ResponseError, match="model 'x' not found"):
            await client.chat("x", messages)

    asyncio.run(talk())


def test_chat_ollama_streams_a_proven_answer_with_its_usage(model: Any):
    llm = ChatOllama(model="llama3.1", base_url=model("--words", 8).url, temperature=0.5, top_p=0.9)

    async def ask() -> Any:
        whole = None
        async for chunk in llm.astream(QUESTION):
            whole = chunk if whole is None else whole + chunk
        return whole

    whole = asyncio.run(ask())
    assert check(whole.content, QUESTION, {"temperature": 0.5, "top_p": 0.9}).outcome == "ok"
    assert whole.usage_metadata == {"input_tokens": 9, "output_tokens": 10, "total_tokens": 19}
    assert whole.response_metadata["done_reason"] == "stop"


def test_chat_ollama_gets_a_cut_answer_continued(model: Any):
    """The unfinished answer, sent back as the last message, and what comes then are one right answer."""
    llm = ChatOllama(model="llama3.1", base_url=model("--words", 8).url, temperature=0.5)

    async def cut_and_continue() -> str:
        partial, count = "", 0
        async for chunk in llm.astream(QUESTION):
            partial, count = partial + chunk.text, count + 1
            if count == 5:
                break
        rest = await llm.ainvoke([HumanMessage(QUESTION), AIMessage(partial)])
        return partial + str(rest.content)

    assert check(asyncio.run(cut_and_continue()), QUESTION, {"temperature": 0.5}).outcome == "ok"


def test_what_else_a_client_asks_first(model: Any):
    url = model("--model", "qwen3:8b").url

    assert httpx.get(url).text == "Ollama is running"
    assert httpx.get(f"{url}/api/version").json() == {"version": "0.12.6"}
    assert httpx.get(f"{url}/api/tags").json()["models"][0]["name"] == "qwen3:8b"
