"""The graph of a turn: `ask` asks the model, `settle` makes question and answer part of the conversation, both or none."""

from collections.abc import Sequence
from contextlib import aclosing
from typing import Any, TypedDict, cast

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import StreamWriter

from reference_app.conversation.said import Said
from reference_app.tokens import PER_MESSAGE, tokens_of

Graph = CompiledStateGraph[Any, Any, Any, Any]


class Asked(TypedDict):
    """A question under way."""

    question: str
    params: dict[str, Any]
    request_id: str
    resumed: int
    """How often it was begun again, after its process had died."""


class State(TypedDict):
    """What a checkpoint holds. A turn that breaks off has changed no message."""

    messages: list[BaseMessage]
    """Of turns whose users were told that they are complete; or nearly told."""
    asked: Asked | None
    answer: str | None
    """Whole, and not yet part of the conversation; None also of what is not to become part of it."""
    settled: str
    """The request id of the last turn."""


def build(model: BaseChatModel, saver: BaseCheckpointSaver[str], max_tokens: int, max_messages: int) -> Graph:
    """The graph over `model`. Without a retry policy: the model has its own, and both would multiply calls and tokens."""

    async def ask(state: State, writer: StreamWriter) -> dict[str, Any]:
        asked = cast(Asked, state["asked"])
        prompt = [*fitting(state.get("messages", []), asked["question"], max_tokens), HumanMessage(asked["question"])]
        said = Said()
        async with aclosing(cast(Any, model.astream(prompt, **asked["params"]))) as chunks:
            async for chunk in chunks:
                said.note(chunk)
                writer(chunk)
        return {"answer": said.kept()}

    async def settle(state: State) -> dict[str, Any]:
        asked, answer, messages = cast(Asked, state["asked"]), state["answer"], state.get("messages", [])
        if answer is None:
            return {"messages": messages, "asked": None}
        messages = [*messages, HumanMessage(asked["question"]), AIMessage(answer)]
        # In whole turns.
        return {"messages": messages[-(max_messages // 2 * 2) :], "asked": None, "answer": None, "settled": asked["request_id"]}

    graph = StateGraph(State)
    graph.add_node("ask", ask)
    graph.add_node("settle", settle)
    graph.add_edge(START, "ask")
    graph.add_edge("ask", "settle")
    graph.add_edge("settle", END)
    return graph.compile(checkpointer=saver)


def fitting(messages: Sequence[BaseMessage], question: str, max_tokens: int) -> list[BaseMessage]:
    """As many of the newest turns as the tokens allow, beside the question, which is never left out.

    What LangChain's trim_messages returns when it is to start on a human message; it would count all words of all turns.
    """
    room, first = max_tokens - tokens_of(question) - PER_MESSAGE, len(messages)
    while first >= 2:
        room -= sum(tokens_of(one.text) + PER_MESSAGE for one in messages[first - 2 : first])
        if room < 0:
            break
        first -= 2
    return list(messages[first:])
