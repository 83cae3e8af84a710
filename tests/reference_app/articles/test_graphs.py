"""The article on LangGraph: its checkpointer, its retries, its thread ids."""

import asyncio
import json
from hashlib import md5
from typing import TypedDict

import ollama
import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import RetryPolicy
from psycopg_pool import AsyncConnectionPool

CONFIG = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    said: str


def one_node(node, checkpointer=None, schema=State, **how):
    graph = StateGraph(schema)
    graph.add_node("answer", node, **how)
    graph.add_edge(START, "answer")
    graph.add_edge("answer", END)
    return graph.compile(checkpointer=checkpointer)


def test_a_synchronous_saver_over_an_asynchronous_pool_answers_nothing():
    """Article E's PostgresSaver(AsyncConnectionPool): neither way to call the graph works."""

    async def run():
        pool = AsyncConnectionPool("host=127.0.0.1", open=False)
        graph = one_node(lambda state: {"said": "yes"}, PostgresSaver(pool))
        with pytest.raises(NotImplementedError):
            await graph.ainvoke({}, CONFIG)
        with pytest.raises(TypeError, match="Invalid connection type"):
            graph.invoke({}, CONFIG)

    asyncio.run(run())


def test_a_pool_of_100_is_used_by_one_at_a_time():
    """Article E's max_size=100: the saver holds one lock around every operation, until it is given another."""

    async def run():
        saver = AsyncPostgresSaver(AsyncConnectionPool("host=127.0.0.1", min_size=0, max_size=100, open=False))
        assert isinstance(saver.lock, asyncio.Lock)
        saver.lock = asyncio.Semaphore(10)
        async with saver.lock, saver.lock:
            return "two at once"

    assert asyncio.run(run()) == "two at once"


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (ollama.ResponseError("unprocessable", 422), 3),
        (ollama.ResponseError("busy", 503), 3),
        (json.JSONDecodeError("garbled", "{", 0), 1),
        (TimeoutError("slow"), 1),
    ],
    ids=["422", "503", "garbled", "timeout"],
)
def test_a_node_s_retries_are_the_wrong_ones_by_default(error, tries):
    """What cannot be helped is tried again, and what can is not: hand in your own retry_on."""
    calls = []

    def node(_):
        calls.append(1)
        raise error

    policy = RetryPolicy(initial_interval=0.01, jitter=False, max_attempts=3)
    with pytest.raises(type(error)):
        one_node(node, retry_policy=policy).invoke({})
    print(f"{type(error).__name__} {getattr(error, 'status_code', '')}: {len(calls)} tries")

    assert len(calls) == tries


def test_a_node_that_is_tried_again_says_its_words_again(chat_ollama):
    """Who streams a graph's messages gets the beginning twice, as two messages."""
    one = chat_ollama()

    async def node(state):
        return {"messages": [await one.model.ainvoke(state["messages"])]}

    async def run():
        policy = RetryPolicy(initial_interval=0.01, jitter=False, max_attempts=2, retry_on=Exception)
        graph = one_node(node, schema=MessagesState, retry_policy=policy)
        asked = {"messages": [HumanMessage("n=5 cut=3 how=fin times=1")]}
        return [piece async for piece, _ in graph.astream(asked, stream_mode="messages")]

    pieces = asyncio.run(run())
    said = "".join(piece.text for piece in pieces)
    print("the user reads:", said)

    assert said == "w0 w1 w2w0 w1 w2 w3 w4" and len({piece.id for piece in pieces}) == 2


def test_a_thread_id_made_of_user_kind_and_second_is_not_one_conversation():
    """Article E's way: two conversations of one second are one thread, and each reads what the other said."""

    def thread_of(user, kind, second):
        return f"{user}_{kind}_{second}_{md5(f'{user}{kind}{second}'.encode()).hexdigest()[:8]}"

    async def run():
        graph = one_node(lambda state: {"said": state["said"]}, InMemorySaver())
        for said in ("first", "second"):
            config = {"configurable": {"thread_id": thread_of("bob_smith", "chat", 1_700_000_000)}}
            await graph.ainvoke({"said": said}, config)
        return [state.values.get("said") async for state in graph.aget_state_history(config)]

    history = asyncio.run(run())

    assert {"first", "second"} <= set(history)
    assert thread_of_user("bob_smith_chat_1700000000_0000") == "bob"


def thread_of_user(thread):
    """As published, the part before the first underline."""
    return thread.split("_")[0]


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_checkpoints_need_no_queue_of_ones_own(durability):
    """Article E writes its own, which drops what is too much; LangGraph's is told by one word and is awaited at the end."""

    async def run():
        graph = one_node(lambda state: {"said": "kept"}, InMemorySaver())
        await graph.ainvoke({"said": "asked"}, CONFIG, durability=durability)
        return [state.values.get("said") async for state in graph.aget_state_history(CONFIG)]

    kept = asyncio.run(run())
    print(f"{durability}: {len(kept)} checkpoints")

    assert kept[0] == "kept" and len(kept) == (1 if durability == "exit" else 3)
