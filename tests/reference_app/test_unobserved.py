"""A call that nobody follows is answered as LangChain answers it; where somebody does, LangChain's own way is taken."""

import asyncio

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import AsyncCallbackHandler, get_usage_metadata_callback
from langchain_core.globals import set_llm_cache
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableLambda

from reference_app.model import ResilientChatModel
from reference_app.unobserved import is_unobserved
from tests.reference_app.speaker import Speaker

ASKED = [HumanMessage("say three words")]


class Notes(AsyncCallbackHandler):
    """What LangChain tells of a run."""

    def __init__(self):
        self.told = []

    async def on_chat_model_start(self, *_, **__):
        self.told.append("start")

    async def on_llm_new_token(self, token, **_):
        self.told.append(token)

    async def on_llm_end(self, *_, **__):
        self.told.append("end")


def resilient(**fields):
    return ResilientChatModel(provider=Speaker(), **fields)


async def both(model, **how):
    chunks = [chunk.model_dump(exclude={"id"}) async for chunk in model.astream(ASKED, **how)]
    return chunks, (await model.ainvoke(ASKED, **how)).model_dump(exclude={"id"})


def test_the_answer_is_the_same_as_langchains():
    """Chunk by chunk, with what the last one tells, and in one piece. A config, though empty, is LangChain's business."""
    model = resilient()
    assert is_unobserved(model, ASKED, None) and not is_unobserved(model, ASKED, {})

    plain, by_langchain = asyncio.run(both(model)), asyncio.run(both(model, config={}))
    assert plain == by_langchain
    assert len(plain[0]) == 5 and plain[1]["content"] == "word word word "
    assert plain[1]["response_metadata"] == {"done_reason": "stop"}


def test_an_answer_without_anything_is_the_same_error():
    class Silent(Speaker):
        async def _astream(self, *_, **__):
            for chunk in ():
                yield chunk

    for how in ({}, {"config": {}}):
        with pytest.raises(ValueError, match="No generation chunks were returned"):
            asyncio.run(both(ResilientChatModel(provider=Silent()), **how))


@pytest.mark.parametrize("where", ["config", "model"])
def test_callbacks_are_told(where):
    notes = Notes()
    model = resilient(callbacks=[notes] if where == "model" else None)
    asyncio.run(both(model, **({"config": {"callbacks": [notes]}} if where == "config" else {})))

    assert notes.told.count("start") == notes.told.count("end") == 2 and notes.told.count("word ") >= 3


def test_within_a_chain_whoever_follows_the_chain_follows_the_model():
    """Python hands the config of a chain down to what its functions call without one."""
    notes, model = Notes(), resilient()

    async def ask(_):
        return await model.ainvoke(ASKED)

    asyncio.run(RunnableLambda(ask).ainvoke("", config={"callbacks": [notes]}))
    assert notes.told.count("start") == 1


def test_langchains_own_cache_is_asked_where_one_is_set():
    model = resilient()
    set_llm_cache(InMemoryCache())
    try:
        assert not is_unobserved(model, ASKED, None)
    finally:
        set_llm_cache(None)
    assert is_unobserved(model, ASKED, None)


class Emptied(InMemoryCache):
    """False while nothing is in it, as any container is."""

    def __len__(self):
        return len(self._cache)


@pytest.mark.parametrize("where", ["process", "model"])
def test_a_cache_that_is_still_empty_is_one(where):
    cache = Emptied()
    assert not cache
    set_llm_cache(cache if where == "process" else None)
    try:
        asyncio.run(both(resilient(cache=cache if where == "model" else None)))
    finally:
        set_llm_cache(None)
    assert len(cache) == 1


async def outcome_of(asking):
    try:
        return (await asking).content
    except Exception as error:
        return type(error)


@pytest.mark.parametrize("name", ["callbacks", "tags", "run_name", "ls_structured_output_format"])
def test_what_langchain_takes_for_itself_is_not_sent_to_the_provider(name):
    """The same as with an empty config: refused, or kept from the provider."""
    seen = []

    class Noting(Speaker):
        async def _astream(self, *given, **named):
            seen.append(set(named))
            async for chunk in super()._astream(*given, **named):
                yield chunk

    model = ResilientChatModel(provider=Noting())
    told = [asyncio.run(outcome_of(model.ainvoke(ASKED, **how, **{name: None}))) for how in ({}, {"config": {}})]

    assert told[0] == told[1] and not any(name in one for one in seen)


def test_a_copy_with_other_features_has_these():
    """Not those of the model it was made of, which had answered before."""
    called = []

    def counted(call, next):
        called.append(call)
        return next(call)

    model = resilient(features={"counted": counted})
    asyncio.run(both(model))
    before = len(called)
    asyncio.run(both(model.model_copy(update={"features": {}})))

    assert before == len(called) == 2


@pytest.mark.parametrize("name", ["LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"])
def test_tracing_is_not_gone_around(monkeypatch, name):
    from langsmith.utils import get_env_var

    monkeypatch.setenv("LANGSMITH_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv(name, "true")
    get_env_var.cache_clear()
    try:
        assert not is_unobserved(resilient(), ASKED, None)
    finally:
        monkeypatch.undo()
        get_env_var.cache_clear()
    assert is_unobserved(resilient(), ASKED, None)


def test_a_callback_of_the_context_is_no_secret():
    with get_usage_metadata_callback():
        assert not is_unobserved(resilient(), ASKED, None)


@pytest.mark.parametrize("asked", ["words", [("human", "words")], [HumanMessage([{"type": "text", "text": "words"}])]])
def test_what_langchain_would_convert_it_converts(asked):
    assert not is_unobserved(resilient(), asked, None)
