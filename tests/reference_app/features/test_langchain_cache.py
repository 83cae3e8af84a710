"""LangChain's cache interface: what its own caches and langchain-community's get wrong, and ours over the same interface."""

import asyncio

import pytest
from langchain_community.cache import AsyncRedisCache, SQLiteCache
from langchain_core.caches import InMemoryCache
from redis.asyncio import Redis

from reference_app.features.cache_sqlite import SqliteStore
from reference_app.features.cache_store import Keeping, MemoryStore
from reference_app.features.langchain_cache import LangChainCache
from reference_app.provider import make_provider
from reference_app.settings import Settings
from reference_app.transport import ProviderTransport, make_transport


def asking(provider, work, **settings):
    """`work(model)` with a model of LangChain's; what it was answered, and the calls it took."""

    async def run():
        carrier = ProviderTransport(make_transport())
        model = make_provider(Settings(**{**provider.settings, **settings}), carrier)
        before = len(provider.seen)
        try:
            return await work(model), len(provider.seen) - before
        finally:
            await carrier.aclose()

    return asyncio.run(run())


def twice(cache_of, question, other=None, **params):
    """The question, and then again with these parameters, or to the model of another name; its text both times."""

    async def work(model):
        cached = model.model_copy(update={"cache": cache_of(model)})
        first = await cached.ainvoke(question)
        if other:
            name = "model_name" if hasattr(model, "model_name") else "model"
            model = model.model_copy(update={name: other})
            cached = model.model_copy(update={"cache": cache_of(model)})
        return first.text, (await cached.ainvoke(question, **params)).text

    return work


def ours():
    store = MemoryStore(Keeping(100, 100))
    return lambda model: LangChainCache(store, model)


def theirs():
    cache = InMemoryCache()
    return lambda model: cache


def test_ours_answers_the_same_question_once(provider):
    assert asking(provider, twice(ours(), "n=3 once")) == (("w0 w1 w2",) * 2, 1)


def test_ours_keeps_models_and_parameters_apart(provider):
    assert asking(provider, twice(ours(), "n=3 apart", other="b"))[1] == 2
    assert asking(provider, twice(ours(), "n=3 apart", stop=["x"]))[1] == 2


def test_half_an_answer_is_stored_by_theirs_and_not_by_ours(provider):
    """ChatOllama's `ainvoke` streams; ChatOpenAI's asks for the answer in one piece, which is never half."""
    half = "n=5 cut=3 how=clean half"
    calls = [asking(provider, twice(cache_of(), half))[1] for cache_of in (theirs, ours)]

    assert calls == ([1, 2] if provider.api == "ollama" else [1, 1])


def test_theirs_mixes_ollama_models(provider):
    """Its key for ChatOllama holds not even the model's name; for ChatOpenAI it does."""
    calls = asking(provider, twice(theirs(), "n=3 mixed", other="b"))[1]

    assert calls == (1 if provider.api == "ollama" else 2)


@pytest.mark.parametrize("cache_of", [ours, theirs])
def test_no_cache_of_this_interface_is_asked_for_a_stream(provider, cache_of):
    async def work(model):
        cached = model.model_copy(update={"cache": cache_of()(model)})
        await cached.ainvoke("n=3 streamed")
        return "".join([chunk.text async for chunk in cached.astream("n=3 streamed")])

    assert asking(provider, work) == ("w0 w1 w2", 2)


def test_an_outage_is_a_miss_with_either(provider, tmp_path):
    """AsyncRedisCache: of all in langchain-community the asynchronous one; sound in this."""

    def community(model):
        return AsyncRedisCache(Redis.from_url("redis://127.0.0.1:1/0"))

    def away(model):
        return LangChainCache(SqliteStore(str(tmp_path / "no" / "such.db"), Keeping(100, 100)), model)

    for cache_of in (community, away):
        assert asking(provider, twice(cache_of, "n=3 away")) == (("w0 w1 w2",) * 2, 2)


def test_what_is_in_the_community_s_sqlite_stays_for_ever(tmp_path):
    """Neither a time to live nor a bound, and no way to ask for one."""
    with pytest.raises(TypeError):
        SQLiteCache(str(tmp_path / "lc.db"), ttl=1)


def test_a_synchronous_call_finds_ours_empty():
    async def run():
        cache = ours()(make_provider(Settings(), make_transport()))
        await cache.aclear()
        with pytest.raises(NotImplementedError):
            cache.clear()
        return cache.lookup("a", "b")

    assert asyncio.run(run()) is None
