"""The model as LangChain sees it: with no feature on it is ChatOllama, chunk for chunk and error for error."""

import asyncio
import time

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_ollama import ChatOllama

from reference_app import features
from reference_app.call import Account, current_account
from reference_app.model import ResilientChatModel
from reference_app.provider import ProviderTransport, make_provider, make_transport
from reference_app.settings import Settings

QUESTIONS = ["n=5", "n=0", *(f"n=5 cut=2 how={how}" for how in ("rst", "fin", "clean", "halfline", "error", "junk", "drop"))]
STATUSES = [f"n=5 status={status}" for status in (400, 408, 422, 429, 500, 503)]


async def heard(model, question, **params):
    """The chunks without what is drawn for each run, and the error; with the requests that were made."""
    chunks = []
    try:
        async for chunk in model.astream([HumanMessage(question)], **params):
            chunks.append(chunk.model_dump(exclude={"id"}))
    except Exception as error:
        return chunks, type(error), getattr(error, "status_code", None), getattr(error, "error", None)
    return chunks, None, None, None


def on(provider, features_on="all", **settings):
    settings = Settings(provider_url=provider.url, features=features_on, model="m", **settings)
    chat = make_provider(settings, ProviderTransport(make_transport()))
    return ResilientChatModel(provider=chat, features=features.build(settings))


def plain(provider):
    return ChatOllama(model="m", base_url=provider.url)


@pytest.mark.parametrize("question", [*QUESTIONS, *STATUSES])
def test_all_off_is_plain_chatollama(provider, question):
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
    nowhere = type(provider)(url="http://127.0.0.1:9")

    assert asyncio.run(heard(on(nowhere, "none"), "n=1"))[1] is asyncio.run(heard(plain(nowhere), "n=1"))[1]


def test_all_off_waits_as_long_as_it_takes(provider):
    assert on(provider, "none").provider._async_client._client.timeout.as_dict() == dict.fromkeys(
        ("connect", "read", "write", "pool")
    )


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
    assert [seen.body["options"] for seen in provider.seen[-2:]] == [
        {"temperature": 0.9, "num_predict": 5},
        {"temperature": 0.1},
    ]


def test_tools_go_along(provider):
    def add(a: int, b: int) -> int:
        """Adds."""
        return a + b

    asyncio.run(on(provider).bind_tools([add]).ainvoke("n=1 tools"))
    assert provider.seen[-1].body["tools"][0]["function"]["name"] == "add"


def test_it_says_that_it_is_async_only(provider):
    with pytest.raises(NotImplementedError, match="async only"):
        on(provider).invoke("n=1")
