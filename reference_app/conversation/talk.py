"""One turn in the graph: begun, gone on with after a crash, and told only once it is saved."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage

from reference_app.call import Account
from reference_app.conversation.checkpoints import Checkpoints, StoreDown
from reference_app.conversation.said import Said

if TYPE_CHECKING:
    from langgraph.types import StateSnapshot

    from reference_app.conversation.graph import Asked, Graph

Messages = AsyncGenerator[AIMessageChunk, None]
MOST_RESUMED = 2
"""A turn that was gone on with so often in vain may be what ends the process: no other question is to begin it again."""
Way = Literal["begin", "told already", "resume", "finish first"]


@dataclass(frozen=True)
class Found:
    """What a thread's latest checkpoint tells."""

    is_there: bool = False
    messages: Sequence[BaseMessage] = ()
    settled: str = ""
    left: "Asked | None" = None
    """A question whose turn was cut."""
    answer: str | None = None
    """Its answer, where that was saved."""
    id: str = ""
    """The checkpoint's: the time, in 32 hexadecimal digits."""


def found_in(snapshot: "StateSnapshot") -> Found:
    """Of a thread that nobody has ever asked anything, too."""
    state = snapshot.values
    left = state.get("asked") if snapshot.next else None
    # Written down as soon as a node has ended, which is before the checkpoint that it leads to.
    results = [task.result for task in snapshot.tasks if isinstance(task.result, dict)]
    answer = state.get("answer") or next((one["answer"] for one in results if one.get("answer")), None)
    known = snapshot.config["configurable"].get("checkpoint_id", "")
    return Found(bool(state), state.get("messages", ()), state.get("settled", ""), left, answer if left else None, known)


def way_of(found: Found, asked: "Asked") -> Way:
    """What to do with a question, by what its thread holds."""
    if found.left is None:
        again = found.settled == asked["request_id"] and found.messages[-2].text == asked["question"]
        return "told already" if again else "begin"
    if (found.left["question"], found.left["params"]) == (asked["question"], asked["params"]):
        return "resume"
    return "finish first" if found.answer is not None or found.left["resumed"] < MOST_RESUMED else "begin"


class Talk:
    """The turn of one request, which has its thread to itself."""

    def __init__(self, graph: "Graph", checkpoints: Checkpoints, thread: str, account: Account) -> None:
        self.graph, self.checkpoints, self.thread, self.account = graph, checkpoints, thread, account
        self.config: Any = {"configurable": {"thread_id": thread}}
        self.durability = checkpoints.settings.durability
        self.way: Way = "begin"
        self.said = Said()
        self._found: Found | None = None

    async def look(self) -> Found:
        """What the thread holds now."""
        self._found = found_in(await self.graph.aget_state(self.config))
        return self._found

    def chunks(self, found: Found, asked: "Asked") -> Messages:
        """The answer, after whose last chunk it is saved."""
        self.way = way_of(found, asked)
        mine = self._chunks(found, asked)

        async def owned() -> Messages:
            async with aclosing(mine):
                async for chunk in mine:
                    # The model has put its own stream there, which runs in another task: who closes that meets it running.
                    self.account.stream = cast(Any, mine)
                    self.said.note(chunk)
                    yield chunk

        return owned()

    async def whole(self, found: Found, asked: "Asked") -> AIMessage:
        """The answer in one piece."""
        async for _ in self.chunks(found, asked):
            pass
        return AIMessage(self.said.text)

    async def _chunks(self, found: Found, asked: "Asked") -> Messages:
        if self.way == "told already":
            self.account.served = "checkpoint"
            yield _whole(found.messages[-1].text)
        else:
            if self.way == "finish first":
                await self._finish(found)
            resumed = found if self.way == "resume" else None
            async with aclosing(self._run(resumed, asked)) as chunks:
                async for chunk in chunks:
                    yield chunk
        await self.checkpoints.confirm(self.thread)

    async def _finish(self, found: Found) -> None:
        """The turn that was cut becomes part of the conversation; where it cannot, it is as if it had never been asked."""
        left = cast("Asked", found.left)
        try:
            async with aclosing(self._run(found, left)) as chunks:
                async for _ in chunks:
                    pass
            await self.look()
        except StoreDown:
            raise
        except Exception as error:
            self._tell("graph_turn_dropped", error=f"{type(error).__name__}: {error}")

    async def _run(self, found: Found | None, asked: "Asked") -> Messages:
        """Through the graph, from where `found` was cut or from its beginning; what then breaks off leaves nothing behind."""
        saved = found.answer if found else None
        given: Any = {"asked": asked, "answer": None}
        if found:
            left = cast("Asked", found.left)
            self._tell("graph_turn_resumed", saved=saved is not None)
            given = None if saved is not None else {"asked": {**left, "resumed": left["resumed"] + 1}, "answer": None}
        if saved is not None:
            yield _whole(saved)
        try:
            runs: Any = self.graph.astream(given, self.config, stream_mode="custom", durability=self.durability)
            async with aclosing(runs):
                async for chunk in runs:
                    yield chunk
        except BaseException as error:
            # Also when the user leaves: what nobody waits for is not to be finished before the next question.
            if not isinstance(error, StoreDown):
                with suppress(Exception):
                    await self._forget()
            raise

    async def _forget(self) -> None:
        if self._found and self._found.messages:
            await self.graph.aupdate_state(self.config, {"asked": None, "answer": None}, as_node="settle")
        else:
            await self.checkpoints.guard((await self.checkpoints.store()).saver.adelete_thread(self.thread))

    def _tell(self, event: str, **what: Any) -> None:
        self.account.log(event, request_id=self.account.request_id, **what)


def _whole(text: str) -> AIMessageChunk:
    return AIMessageChunk(content=text, response_metadata={"finish_reason": "stop"})
