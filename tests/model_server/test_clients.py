"""The clients that people use, unchanged: the same questions get the same kind of answer through every one of them."""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ollama
import openai
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_ollama import ChatOllama
from langchain_openai import ChatOpenAI

from records.proof import check

pytestmark = pytest.mark.usefixtures("no_downloads")
QUESTION = "Why is the sky blue?"
MODEL = "llama3.1"


@dataclass
class Told:
    """What a client made of an answer."""

    text: str
    reason: str | None
    tokens_in: int
    tokens_out: int
    pieces: int = 1


Client = Callable[..., Told]


def _ollama(parts: list[Any]) -> Told:
    last = parts[-1]
    text = "".join(part.message.content or "" for part in parts)
    return Told(text, last.done_reason, last.prompt_eval_count, last.eval_count, len(parts))


def ollama_sync(url: str, headers: dict[str, str], streams: bool, messages: list[Any], **options: Any) -> Told:
    client = ollama.Client(url, headers=headers)
    told = client.chat(MODEL, messages, options=options, stream=streams)
    return _ollama(list(told) if streams else [told])


def ollama_async(url: str, headers: dict[str, str], streams: bool, messages: list[Any], **options: Any) -> Told:
    async def ask() -> Told:
        told: Any = await ollama.AsyncClient(url, headers=headers).chat(MODEL, messages, options=options, stream=streams)
        return _ollama([part async for part in told] if streams else [told])

    return asyncio.run(ask())


def _openai(parts: list[Any]) -> Told:
    deltas = [choice.delta.content or "" for part in parts for choice in part.choices]
    reason = [choice.finish_reason for part in parts for choice in part.choices][-1]
    usage = parts[-1].usage
    return Told("".join(deltas), reason, usage.prompt_tokens, usage.completion_tokens, len(parts))


def _whole(told: Any) -> Told:
    (choice,) = told.choices
    return Told(choice.message.content, choice.finish_reason, told.usage.prompt_tokens, told.usage.completion_tokens)


def _streaming(streams: bool) -> dict[str, Any]:
    return {"stream": True, "stream_options": {"include_usage": True}} if streams else {}


def _renamed(options: dict[str, Any]) -> dict[str, Any]:
    return {"max_tokens" if name == "num_predict" else name: value for name, value in options.items()}


def openai_sync(url: str, headers: dict[str, str], streams: bool, messages: list[Any], **options: Any) -> Told:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", default_headers=headers, max_retries=0) as client:
        told: Any = client.chat.completions.create(model=MODEL, messages=messages, **_streaming(streams), **_renamed(options))
        return _openai(list(told)) if streams else _whole(told)


def openai_async(url: str, headers: dict[str, str], streams: bool, messages: list[Any], **options: Any) -> Told:
    async def ask() -> Told:
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", default_headers=headers) as client:
            told: Any = await client.chat.completions.create(
                model=MODEL, messages=messages, **_streaming(streams), **_renamed(options)
            )
            return _openai([part async for part in told]) if streams else _whole(told)

    return asyncio.run(ask())


ROLES: dict[str, Any] = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}


def _langchain(llm: Any, streams: bool, messages: list[Any]) -> Told:
    asked = [ROLES[message["role"]](message["content"]) for message in messages]
    pieces = list(llm.stream(asked)) if streams else [llm.invoke(asked)]
    whole = pieces[0]
    for piece in pieces[1:]:
        whole += piece
    meta, usage = whole.response_metadata, whole.usage_metadata
    reason = meta.get("finish_reason", meta.get("done_reason"))
    return Told(whole.text, reason, usage["input_tokens"], usage["output_tokens"], len(pieces))


def chat_ollama(url: str, headers: dict[str, str], streams: bool, messages: list[Any], **options: Any) -> Told:
    llm = ChatOllama(model=MODEL, base_url=url, client_kwargs={"headers": headers}, **options)
    return _langchain(llm, streams, messages)


def chat_openai(url: str, headers: dict[str, str], streams: bool, messages: list[Any], **options: Any) -> Told:
    llm = ChatOpenAI(
        model=MODEL,
        base_url=f"{url}/v1",
        api_key="none",  # type: ignore[arg-type]
        default_headers=headers,
        stream_usage=True,
        **_renamed(options),
    )
    return _langchain(llm, streams, messages)


CLIENTS: list[Client] = [ollama_sync, ollama_async, openai_sync, openai_async, chat_ollama, chat_openai]


@pytest.fixture(params=CLIENTS, ids=lambda client: client.__name__)
def client(request: pytest.FixtureRequest, shared: Any) -> Client:
    """client(streams, question, num_predict=3): each request has an id of its own."""

    def ask(streams: bool, question: str | list[Any], **options: Any) -> Told:
        messages = [{"role": "user", "content": question}] if isinstance(question, str) else question
        told: Told = request.param(shared.url, {"x-request-id": uuid.uuid4().hex}, streams, messages, **options)
        return told

    return ask


@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
def test_an_answer_is_proven_and_told_with_its_usage(client: Client, streams: bool):
    told = client(streams, QUESTION, temperature=0.3, top_p=0.9)

    assert check(told.text, QUESTION, {"temperature": 0.3, "top_p": 0.9}).outcome == "ok"
    assert (told.reason, told.tokens_in, told.tokens_out) == ("stop", 9, 10)
    assert (told.pieces > 10) == (streams)


@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
def test_a_limit_ends_it_with_length(client: Client, streams: bool):
    told = client(streams, QUESTION, num_predict=3)

    assert check(told.text, QUESTION).outcome == "truncated"
    assert (told.reason, told.tokens_out) == ("length", 3)


@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
def test_a_stop_sequence_ends_it_and_is_left_out(client: Client, streams: bool):
    told = client(streams, QUESTION, stop=["6:", "4:"], seed=3)

    assert check(told.text, QUESTION, {"seed": 3}).why == "ends after word 3"
    assert (told.reason, told.text[-1]) == ("stop", " ")


def test_a_seed_repeats_the_words_and_chance_does_not(client: Client):
    def words(**options: Any) -> str:
        return client(False, QUESTION, **options).text.split("]]", 1)[1]

    assert words(seed=7, temperature=0.8) == words(seed=7, temperature=0.8)
    assert words(temperature=0.0) == words(temperature=0.0)
    assert words(seed=7, temperature=0.8) != words(seed=8, temperature=0.8)
    assert words(temperature=0.8) != words(temperature=0.8)


def test_a_conversation_counts_its_turns(client: Client):
    told = client(
        True,
        [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hello!"},
            {"role": "user", "content": QUESTION},
        ],
    )

    assert check(told.text, QUESTION, turn=2).outcome == "ok"
    assert told.tokens_in == 4 * 4 + 2 + 1 + 1 + 5


@pytest.mark.parametrize(
    "question", ["什么是向量数据库?", "Où est la bibliothèque ? 🏛️", "ما هو الطقس؟", 'a\n"b"\\ \x00 \u2028']
)
def test_any_script_is_understood(client: Client, question: str):
    assert check(client(True, question).text, question).outcome == "ok"


@pytest.mark.parametrize(("ask", "before"), [(openai_sync, ""), (chat_openai, ""), (chat_ollama, "\n")])
def test_parts_of_a_message_are_one_text(shared: Any, ask: Client, before: str):
    """Ollama's API knows no parts: there, ChatOllama makes a text of them, each on a line of its own."""
    parts = [{"type": "text", "text": QUESTION}]
    told = ask(shared.url, {}, False, [{"role": "user", "content": parts}])

    assert check(told.text, before + QUESTION).outcome == "ok"


def test_an_unknown_model_is_each_clients_own_error(shared: Any):
    url = shared.url
    with pytest.raises(ollama.ResponseError, match="model 'x' not found") as missed:
        ollama.Client(url).chat("x", [{"role": "user", "content": "a"}])
    assert missed.value.status_code == 404
    with pytest.raises(openai.NotFoundError, match="The model `x` does not exist") as strange:
        openai.OpenAI(base_url=f"{url}/v1", api_key="none").chat.completions.create(
            model="x", messages=[{"role": "user", "content": "a"}]
        )
    assert (strange.value.code, strange.value.param) == ("model_not_found", "model")
    with pytest.raises(ollama.ResponseError, match="model 'x' not found"):
        ChatOllama(model="x", base_url=url).invoke("a")
    with pytest.raises(openai.NotFoundError):
        ChatOpenAI(model="x", base_url=f"{url}/v1", api_key="none").invoke("a")  # type: ignore[arg-type]


def test_a_bad_request_is_each_clients_own_error(shared: Any):
    messages = [{"role": "user", "content": "a"}]
    with pytest.raises(ollama.ResponseError, match="seed is of the wrong type") as bad:
        ollama.Client(shared.url).chat(MODEL, messages, options={"seed": "x"})
    assert bad.value.status_code == 400
    with pytest.raises(openai.BadRequestError, match="Invalid 'n': integer above maximum") as several:
        openai_sync(shared.url, {}, False, messages, n=2)
    assert several.value.param == "n"
    with pytest.raises(openai.BadRequestError, match="Invalid 'n'"):
        ChatOpenAI(model=MODEL, base_url=f"{shared.url}/v1", api_key="none", n=2).invoke("a")  # type: ignore[arg-type]


def test_retries_of_openais_client_are_attempts(model: Any):
    """Its own header tells; turned away twice, it is served as the third attempt."""
    server = model("--slots", 1, "--queue", 0, "--words", 60)
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=4)
    held: Any = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "a"}], stream=True)
    next(held)

    told = client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "b"}], extra_headers={"x-request-id": "p01-000001"}
    )
    held.close()

    assert told.choices[0].finish_reason == "stop"
    assert server.row("p01-000001")["attempt"] > 1
