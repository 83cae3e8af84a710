"""The articles on streams: how they break, who notices, and what LangChain's own means do about it."""

import asyncio

import aiohttp
import httpx
import pytest
import requests
from langchain_core.runnables import RunnableLambda
from langchain_ollama import ChatOllama, OllamaLLM

from reference_app.as_published.streamed import streamed


def gathered(chunks):
    """What came, and the error that ended it."""
    came = []
    try:
        for chunk in chunks:
            came.append(chunk if isinstance(chunk, str) else chunk.text)
    except Exception as error:
        return "".join(came), error
    return "".join(came), None


async def gathered_async(chunks):
    came = []
    try:
        async for chunk in chunks:
            came.append(chunk if isinstance(chunk, str) else chunk.text)
    except Exception as error:
        return "".join(came), error
    return "".join(came), None


@pytest.mark.parametrize("how", ["rst", "fin"])
def test_a_cut_stream_of_the_community_s_is_no_error_of_httpx(community_ollama, how):
    """Article A catches httpx.ReadError: it is of requests, or of aiohttp."""
    one = community_ollama()
    text, error = gathered(one.model.stream(f"n=6 cut=3 how={how}"))
    text_async, error_async = asyncio.run(gathered_async(one.model.astream(f"n=6 cut=3 how={how}")))
    print(f"{how}: stream {type(error).__name__}, astream {type(error_async).__name__}")

    assert text == text_async == "w0 w1 w2"
    assert isinstance(error, requests.exceptions.ChunkedEncodingError) and not isinstance(error, httpx.ReadError)
    assert isinstance(error_async, aiohttp.ClientPayloadError) and not isinstance(error_async, httpx.ReadError)


@pytest.mark.parametrize(("how", "kind"), [("rst", httpx.ReadError), ("fin", httpx.RemoteProtocolError)])
def test_a_cut_stream_of_the_partner_package_has_two_names(chat_ollama, how, kind):
    """Who catches httpx.ReadError only, misses the orderly close."""
    text, error = gathered(chat_ollama().model.stream(f"n=6 cut=3 how={how}"))

    assert (text, type(error)) == ("w0 w1 w2", kind)


def test_an_error_within_the_stream_is_swallowed_by_the_community_s(community_ollama, chat_ollama):
    """The line {"error": ...} is taken for an empty piece of the answer."""
    text, error = gathered(community_ollama().model.stream("n=6 cut=3 how=error"))
    of_partner = gathered(chat_ollama().model.stream("n=6 cut=3 how=error"))[1]
    print(f"community: {error}, langchain-ollama: {type(of_partner).__name__}")

    assert (text, error) == ("w0 w1 w2", None) and type(of_partner).__name__ == "ResponseError"


def test_nobody_notices_an_end_without_done(community_ollama, chat_ollama, chat_openai):
    """Article A watches StopAsyncIteration, which is how every stream ends; the missing finish tells."""
    for one in (community_ollama(), chat_ollama(), chat_openai()):
        text, error = asyncio.run(gathered_async(one.model.astream("n=6 cut=3 how=clean")))
        assert (text, error) == ("w0 w1 w2", None)
    told = chat_ollama().model.invoke("n=6 cut=3 how=clean")
    assert told.text == "w0 w1 w2" and "done_reason" not in told.response_metadata


def test_the_partner_s_llm_streams_asynchronously(prompts):
    """Article A says that OllamaLLM has no astream."""
    told = asyncio.run(_pieces(OllamaLLM(model="m", base_url=prompts.url).astream("n=4")))

    assert [piece for piece in told if piece] == ["w0", " w1", " w2", " w3"]


async def _pieces(chunks):
    return [chunk async for chunk in chunks]


def test_the_published_fallback_returns_one_text_and_never_falls_back(community_ollama):
    """Article A's second patch: whole, it is a joined text; cut, it is one call and the error."""
    whole, cut = community_ollama(), community_ollama()

    assert streamed(whole.model, "n=4") == "w0 w1 w2 w3"
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        streamed(cut.model, "n=6 cut=3 how=rst times=1")
    assert (whole.calls, cut.calls) == (1, 1)


def test_with_retry_does_nothing_for_a_stream(chat_ollama):
    """Articles B and C: one call for a 503 that would have passed; ainvoke makes the second."""
    calls = {}
    for how in ("astream", "ainvoke"):
        one = chat_ollama()
        retrying = one.model.with_retry(stop_after_attempt=3, exponential_jitter_params={"initial": 0.01, "jitter": 0.01})
        question = "n=2 status=503 times=1"
        if how == "astream":
            _, error = asyncio.run(gathered_async(retrying.astream(question)))
            assert type(error).__name__ == "ResponseError"
        else:
            assert asyncio.run(retrying.ainvoke(question)).text == "w0 w1"
        calls[how] = one.calls
    print("calls:", calls)

    assert calls == {"astream": 1, "ainvoke": 2}


def test_with_fallbacks_helps_until_the_first_chunk(chat_ollama):
    """Article C: what is refused goes to the other model; what breaks at word 3 goes to the user."""
    for question, expected, failed in (("status=503 n=2", "other", False), ("n=6 cut=3 how=fin", "w0 w1 w2", True)):
        safe = chat_ollama().model.with_fallbacks([RunnableLambda(lambda _: "other")])
        text, error = asyncio.run(gathered_async(safe.astream(question)))
        assert (text, error is not None) == (expected, failed)


def test_usage_is_there_in_streams_and_whole_answers(chat_ollama):
    """Article A says that it is lost when a stream is replaced by invoke; what is lost is the cut attempt's."""
    model: ChatOllama = chat_ollama().model
    whole = model.invoke("n=4").usage_metadata
    chunks = list(model.stream("n=4"))
    cut = []
    with pytest.raises(httpx.RemoteProtocolError):
        cut.extend(iter(model.stream("n=4 cut=2 how=fin")))

    assert (
        whole["output_tokens"] == 4 == next(chunk.usage_metadata for chunk in chunks if chunk.usage_metadata)["output_tokens"]
    )
    assert not any(chunk.usage_metadata for chunk in cut)


def test_openai_streams_tell_no_usage_to_another_address_unless_asked(chat_openai):
    """Article B counts tokens: with a base_url ChatOpenAI asks for none."""
    asked = {}
    for wanted in (None, True):
        one = chat_openai(**({} if wanted is None else {"stream_usage": wanted}))
        asyncio.run(_pieces(one.model.astream("n=2")))
        asked[wanted] = "stream_options" in one.bodies[0]

    assert asked == {None: False, True: True}
