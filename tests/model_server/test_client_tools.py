"""Tools, JSON, embeddings and lists through the clients that people use, unchanged."""

import asyncio
import json
from typing import Any, Literal

import numpy as np
import ollama
import openai
import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_ollama import ChatOllama, OllamaEmbeddings
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

from model_server.embeddings import embed
from records.proof import check

pytestmark = pytest.mark.usefixtures("no_downloads")
MODEL = "llama3.1"
CALL = "Please call get_weather for Paris"


@tool
def get_weather(city: str, days: int, unit: Literal["C", "F"], hourly: bool = False) -> str:
    """The weather of a city."""
    assert isinstance(city, str) and type(days) is int and unit in ("C", "F") and hourly is False
    return f"sunny in {city}"


TOOL: Any = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": get_weather.args_schema.model_json_schema()},  # type: ignore[union-attr]
}


def fits(arguments: Any) -> bool:
    """What is required, and nothing else, of the right types: the tool can be called with it."""
    return set(arguments) == {"city", "days", "unit"} and get_weather.invoke(arguments).startswith("sunny in")


def openai_client(shared: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{shared.url}/v1", api_key="none", max_retries=0)


def llm(shared: Any, name: str) -> Any:
    if name == "ChatOllama":
        return ChatOllama(model=MODEL, base_url=shared.url)
    return ChatOpenAI(model=MODEL, base_url=f"{shared.url}/v1", api_key="none")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["ChatOllama", "ChatOpenAI"])
@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
def test_bound_tools_are_called_and_their_result_is_answered_in_words(shared: Any, name: str, streams: bool):
    bound = llm(shared, name).bind_tools([get_weather])

    def ask(messages: list[Any]) -> Any:
        pieces = list(bound.stream(messages)) if streams else [bound.invoke(messages)]
        whole = pieces[0]
        for piece in pieces[1:]:
            whole += piece
        return whole

    called = ask([HumanMessage(CALL)])
    (call,) = called.tool_calls
    assert (call["name"], called.text, fits(call["args"])) == ("get_weather", "", True)
    result = ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"])
    answered = ask([HumanMessage(CALL), AIMessage("", tool_calls=[call]), result])
    assert (answered.tool_calls, check(answered.text, CALL).outcome) == ([], "ok")
    assert ask([HumanMessage("Hello")]).tool_calls == []


@pytest.mark.parametrize("choice", ["any", "get_weather"])
def test_a_tool_that_is_demanded_is_called(shared: Any, choice: str):
    called = llm(shared, "ChatOpenAI").bind_tools([get_weather], tool_choice=choice).invoke("Hello")

    assert fits(called.tool_calls[0]["args"])
    assert called.response_metadata["finish_reason"] == "tool_calls"


def test_ollamas_client_is_told_of_a_call(shared: Any):
    messages = [{"role": "user", "content": CALL}]

    whole = ollama.Client(shared.url).chat(MODEL, messages, tools=[TOOL])
    parts = list(ollama.Client(shared.url).chat(MODEL, messages, tools=[TOOL], stream=True))

    for told in (whole, parts[0]):
        assert told.message.tool_calls is not None
        assert told.message.tool_calls[0].function.name == "get_weather"
        assert fits(told.message.tool_calls[0].function.arguments)
    assert [part.done for part in parts] == [False, True]


def test_openais_client_is_told_of_a_call(shared: Any):
    """Its streaming helper puts the pieces together itself."""
    client = openai_client(shared)
    messages: Any = [{"role": "user", "content": CALL}]

    (choice,) = client.chat.completions.create(model=MODEL, messages=messages, tools=[TOOL]).choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    called: Any = choice.message.tool_calls
    assert (called[0].type, called[0].function.name, fits(json.loads(called[0].function.arguments))) == (
        "function",
        "get_weather",
        True,
    )
    with client.chat.completions.stream(model=MODEL, messages=messages, tools=[TOOL]) as stream:
        streamed: Any = stream.get_final_completion().choices[0].message.tool_calls
    assert streamed[0].function.arguments == called[0].function.arguments


class Plan(BaseModel):
    """A journey."""

    city: str
    days: int


@pytest.mark.parametrize("name", ["ChatOllama", "ChatOpenAI"])
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output(shared: Any, name: str, method: str):
    """ChatOllama cannot demand a tool, so there it has to be named."""
    assert isinstance(llm(shared, name).with_structured_output(Plan, method=method).invoke("Plan: a trip"), Plan)


QUESTIONS = ["What is the capital of France?", "Which city is the capital of France?", "How do I bake bread?"]


def embedded(shared: Any) -> dict[str, Any]:
    url = shared.url
    langchain_openai = OpenAIEmbeddings(
        model=MODEL,
        base_url=f"{url}/v1",
        api_key="none",  # type: ignore[arg-type]
        check_embedding_ctx_length=False,  # with it, tiktoken would fetch its tables
    )
    told = openai_client(shared).embeddings.create(model=MODEL, input=QUESTIONS)
    assert (told.usage.prompt_tokens, told.usage.total_tokens) == (18, 18)
    return {
        "ollama": ollama.Client(url).embed(MODEL, QUESTIONS).embeddings,
        "ollama, one by one": [ollama.Client(url).embeddings(MODEL, question).embedding for question in QUESTIONS],
        "openai": [one.embedding for one in told.data],
        "OllamaEmbeddings": OllamaEmbeddings(model=MODEL, base_url=url).embed_documents(QUESTIONS),
        "OpenAIEmbeddings": langchain_openai.embed_documents(QUESTIONS),
        "OpenAIEmbeddings, one by one": [langchain_openai.embed_query(question) for question in QUESTIONS],
    }


def test_embeddings_are_the_same_through_every_client(shared: Any):
    """Bytes or numbers, one text or many."""
    for client, vectors in embedded(shared).items():
        assert np.allclose(vectors, [embed(question) for question in QUESTIONS], atol=1e-6), client


def test_embeddings_asynchronously_and_with_fewer_dimensions(shared: Any):
    async def ask() -> tuple[Any, Any]:
        told = await ollama.AsyncClient(shared.url).embed(MODEL, "river", dimensions=8)
        async with openai.AsyncOpenAI(base_url=f"{shared.url}/v1", api_key="none") as client:
            packed = await client.embeddings.create(model=MODEL, input="river", dimensions=8)
            floats = await client.embeddings.create(model=MODEL, input="river", dimensions=8, encoding_format="float")
        assert packed.data[0].embedding == pytest.approx(floats.data[0].embedding)
        return told.embeddings[0], packed.data[0].embedding

    one, other = asyncio.run(ask())
    assert one == pytest.approx(other) and len(one) == 8


def test_lists_of_models(shared: Any):
    client = ollama.Client(shared.url)

    assert [one.model for one in client.list().models] == ["llama3.1:latest", "nomic-embed-text:latest"]
    shown = client.show(MODEL)
    assert shown.modelinfo is not None and shown.modelinfo["llama.embedding_length"] == 768
    assert [one.id for one in openai_client(shared).models.list()] == [MODEL, "nomic-embed-text"]
    assert openai_client(shared).models.retrieve(MODEL).owned_by == "library"


def test_keep_alive_through_its_clients(model: Any):
    url = model("--words", 3).url
    client = ollama.Client(url)

    ChatOllama(model=MODEL, base_url=url, keep_alive=-1).invoke("Hello")
    (running,) = client.ps().models
    assert running.expires_at is not None and running.expires_at.year > 2300
    assert client.generate(MODEL, keep_alive=0).done_reason == "unload"
    assert client.ps().models == []
    assert client.generate(MODEL, keep_alive="10m").done_reason == "load"
    assert [one.name for one in client.ps().models] == ["llama3.1:latest"]


def test_generate_and_completions(shared: Any):
    whole = ollama.Client(shared.url).generate(MODEL, "Why?", options={"seed": 1})
    parts = list(ollama.Client(shared.url).generate(MODEL, "Why?", options={"seed": 1}, stream=True))
    told = openai_client(shared).completions.create(model=MODEL, prompt="Why?", seed=1)
    streamed = list(openai_client(shared).completions.create(model=MODEL, prompt="Why?", seed=1, stream=True))

    assert check(whole.response, "Why?", {"seed": 1}).outcome == "ok"
    assert "".join(part.response for part in parts) == whole.response == told.choices[0].text
    assert "".join(part.choices[0].text for part in streamed) == whole.response
    assert (parts[-1].done_reason, streamed[-1].choices[0].finish_reason) == ("stop", "stop")
