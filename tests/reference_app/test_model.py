"""The model as LangChain sees it: with no feature on it is ChatOllama or ChatOpenAI, chunk for chunk and error for error."""

import asyncio
import time

import httpx
import pytest
from langchain_core.messages import HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_ollama import ChatOllama
from langchain_openai import ChatOpenAI

from reference_app import features
from reference_app.call import Account, current_account
from reference_app.means import Means
from reference_app.model import ResilientChatModel
from reference_app.provider import make_provider
from reference_app.settings import Settings
from reference_app.transport import ProviderTransport, make_transport
from tests.reference_app.stub import Provider

QUESTIONS = ["n=5", "n=0", *(f"n=5 cut=2 how={how}" for how in ("rst", "fin", "clean", "halfline", "error", "junk", "drop"))]
STATUSES = [f"n=5 status={status}" for status in (400, 401, 404, 408, 409, 422, 429, 500, 503)]


async def heard(model, question, **params):
    """The chunks without what is drawn for each run, and the error; with the requests that were made."""
    chunks = []
    try:
        async for chunk in model.astream([HumanMessage(question)], **params):
            chunks.append(chunk.model_dump(exclude={"id"}))
    except Exception as error:
        told = getattr(error, "error", None) or getattr(error, "body", None)
        return chunks, type(error), getattr(error, "status_code", None), told
    return chunks, None, None, None


def on(provider, features_on="all", **settings):
    settings = Settings(**{**provider.settings, "features": features_on, "model": "m", **settings})
    chat = make_provider(settings, ProviderTransport(make_transport()))
    return ResilientChatModel(provider=chat, features=features.build(Means(settings, chat)))


def plain(provider):
    """As anybody would write it, but for what is no feature of ours: retries, and usage, which OpenAI tells when asked."""
    if provider.api == "ollama":
        return ChatOllama(model="m", base_url=provider.url)
    # LangChain's own client is one for all models, and belongs to the loop of the first.
    own = {"http_async_client": httpx.AsyncClient()}
    return ChatOpenAI(model="m", base_url=provider.url, api_key="none", max_retries=0, stream_usage=True, **own)


@pytest.mark.parametrize("question", [*QUESTIONS, *STATUSES])
def test_all_off_is_the_plain_class(provider, question):
    """Errors are compared by their family: what httpx calls ReadError and what RemoteProtocolError depends on the carrier."""
    before = len(provider.seen)
    expected = asyncio.run(heard(plain(provider), question))
    got = asyncio.run(heard(on(provider, "none"), question))

    assert got[0] == expected[0] and got[2:] == expected[2:]
    assert _family(got[1]) == _family(expected[1])
    plain_call, our_call = provider.seen[before:]
    assert our_call.body == plain_call.body


def _family(error):
    return "transport" if error and error.__module__.startswith("httpx") else error


def test_a_provider_that_is_not_there_is_the_same_error(provider):
    """By name: httpx-aiohttp would say ConnectTimeout."""
    nowhere = Provider(provider.api, url="http://127.0.0.1:9")

    assert asyncio.run(heard(on(nowhere, "none"), "n=1"))[1] is asyncio.run(heard(plain(nowhere), "n=1"))[1]


def test_all_off_waits_as_long_as_it_takes(provider):
    model = on(provider, "none").provider
    if provider.api == "openai":
        assert model.root_async_client.timeout is None and model.stream_chunk_timeout is None
    else:
        assert set(model._async_client._client.timeout.as_dict().values()) == {None}


def test_chains_streams_and_invocations_all_recover(provider):
    chain = ChatPromptTemplate.from_messages([("human", "{question}")]) | on(provider) | StrOutputParser()

    async def run():
        # One loop: a client belongs to the loop it was first used in.
        streamed = "".join([text async for text in chain.astream({"question": "n=5 cut=2 how=fin times=1 chain"})])
        return streamed, await chain.ainvoke({"question": "n=5 cut=2 how=clean times=1 chain"})

    assert asyncio.run(run()) == (provider.words(5), provider.words(5))


def test_calls_of_one_request_are_numbered_together(provider):
    """A graph with several nodes makes several calls; the provider sees one request."""

    async def run():
        model, account = on(provider, "none"), Account(time.monotonic(), "graph-1", max_attempts=3)
        current_account.set(account)
        await model.ainvoke("n=1")
        await model.ainvoke("n=2")
        return account

    account = asyncio.run(run())
    assert [seen.attempt for seen in provider.of("graph-1")] == ["1", "2"]
    assert [attempt.reason for attempt in account.attempts] == ["first", "first"]


def test_parameters_reach_the_wire_and_stay_with_their_call(provider):
    async def run():
        model = on(provider, "none", temperature=0.1)
        await heard(model, "n=1", temperature=0.9, max_tokens=5)
        await heard(model, "n=1")

    asyncio.run(run())
    assert [seen.sampling for seen in provider.seen[-2:]] == [{"temperature": 0.9, "max_tokens": 5}, {"temperature": 0.1}]


def test_whatever_the_models_name_it_is_asked_by_the_same_route(provider):
    """LangChain would ask this one by OpenAI's other API, whose streams end in another way; the provider knows one route."""
    answer = asyncio.run(on(provider, "all", model="gpt-5-pro").ainvoke("n=2 whatever the name"))

    assert answer.text == provider.words(2) and provider.seen[-1].body["model"] == "gpt-5-pro"


def test_tools_go_along(provider):
    def add(a: int, b: int) -> int:
        """Adds."""
        return a + b

    asyncio.run(on(provider).bind_tools([add], tool_choice="add").ainvoke("n=1 tools"))
    body = provider.seen[-1].body

    assert body["tools"][0]["function"]["name"] == "add"
    # Ollama knows no choice, and LangChain leaves it out there.
    assert ("tool_choice" in body) is (provider.api == "openai")


def test_it_says_that_it_is_async_only(provider):
    with pytest.raises(NotImplementedError, match="async only"):
        on(provider).invoke("n=1")
