"""The conversations in the graph: whose they are, one turn at a time in each, and the graph, built when it is first asked."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage

from reference_app.call import Account
from reference_app.conversation.checkpoints import POLL_S, Checkpoints, StoreDown
from reference_app.conversation.talk import Found, Messages, Talk
from reference_app.conversation.threads import new_session, thread_of
from reference_app.conversation.turns import Turns
from reference_app.errors import Refused

if TYPE_CHECKING:
    from reference_app.conversation.graph import Asked, Graph

T = TypeVar("T")
KIND = "graph"


@dataclass(frozen=True)
class Begun:
    """A turn that has its thread to itself, and whose model has not been asked yet."""

    talks: "Talks"
    talk: Talk
    name: str
    """What its user calls the thread."""
    found: Found
    asked: "Asked"

    def chunks(self) -> Messages:
        return self.talk.chunks(self.found, self.asked)

    async def whole(self) -> AIMessage:
        return await self.talk.whole(self.found, self.asked)

    async def end(self, _: object) -> dict[str, Any]:
        """What to tell along with the answer, which is saved by now."""
        self.talks.note(self.talk, self.found)
        saved, account = self.talk.said.kept() is not None, self.talk.account
        if not saved:
            account.degraded = True
            account.headers["x-degraded"] = ", ".join(filter(None, [account.headers.get("x-degraded"), "history not saved"]))
        return {"thread": self.name, "saved": saved, "resumed": self.talk.way == "resume"}


class Talks:
    """One for the app."""

    def __init__(self, model: BaseChatModel, checkpoints: Checkpoints) -> None:
        self.model, self.checkpoints, self.settings = model, checkpoints, checkpoints.settings
        self.turns = Turns(self.settings.graph_wait_s)
        self.counts = Counter({"turns": 0, "resumed": 0, "finished_first": 0, "told_again": 0})
        self._graph: Graph | None = None

    def counters(self) -> dict[str, float]:
        return {**self.counts, "outages": self.checkpoints.outages}

    async def graph(self) -> "Graph":
        """The graph over a store that works, as far as is known."""
        store = await self.checkpoints.ready()
        if self._graph is None:
            # Imported by now, in a thread.
            from reference_app.conversation.checkpoints_guarded import Guarded
            from reference_app.conversation.graph import build

            saver = Guarded(store.saver, self.checkpoints.guard) if store.failures else store.saver
            self._graph = build(self.model, saver, self.settings.graph_max_tokens, self.settings.graph_max_messages)
        return self._graph

    async def begin(self, name: str | None, question: str, params: dict[str, Any], account: Account) -> Begun:
        """This request's turn; in a new thread where none is named, a 404 where there is none of that name."""
        is_new, name = name is None, name or new_session()
        talk = await self._alone(name, account)
        found = Found() if is_new else await self._surely(talk.look)
        if not is_new and not found.is_there:
            _unknown()
        await self._later_than(found)
        asked: Asked = {"question": question, "params": params, "request_id": account.request_id, "resumed": 0}
        return Begun(self, talk, name, found, asked)

    async def _alone(self, name: str, account: Account) -> Talk:
        talk = await self._talk(name, account)
        await self.turns.take(talk.thread, account)
        await self._surely(lambda: self.checkpoints.hold(talk.thread, account, self.settings.graph_wait_s))
        return talk

    async def _later_than(self, found: Found) -> None:
        """Returns when new checkpoints are newer than what was found, by the clocks of whoever wrote that and of this machine.

        LangGraph takes the highest id for the latest checkpoint: a turn with a lower one would be confirmed, and lost.
        """
        from langgraph.checkpoint.base.id import uuid6

        clock = asyncio.get_running_loop().time
        until_s = clock() + self.settings.graph_wait_s
        while str(uuid6()) <= found.id:
            if clock() > until_s:
                raise StoreDown("the last answer is from the future, by the clock of this machine", self.settings.graph_wait_s)
            await asyncio.sleep(POLL_S)

    async def _talk(self, name: str, account: Account) -> Talk:
        return Talk(await self.graph(), self.checkpoints, thread_of(account.user, KIND, name), account)

    async def _surely(self, work: Callable[[], Awaitable[T]]) -> T:
        """Once more after what may have been a connection from before the store's restart; not after it kept us waiting."""
        try:
            return await work()
        except StoreDown as error:
            if error.__cause__ is None:
                raise
            await self.checkpoints.ready()
            return await work()

    def note(self, talk: Talk, found: Found) -> None:
        """Counts it. Every so many turns, those before lose their checkpoints."""
        self.counts.update({"turns": 1, "resumed": talk.way == "resume", "told_again": talk.way == "told already"})
        self.counts["finished_first"] += talk.way == "finish first"
        keep = self.settings.checkpoints_keep_turns
        if keep and (len(found.messages) // 2 + 1) % keep == 0:
            self.checkpoints.prune(talk.thread)

    async def read(self, name: str, account: Account) -> Found:
        """What was said, also while the next answer is on its way."""
        talk = await self._talk(name, account)
        found = await self._surely(talk.look)
        return found if found.is_there else _unknown()

    async def forget(self, name: str, account: Account) -> None:
        """Deletes it, once the answer that is on its way is there."""
        talk = await self._alone(name, account)
        if not (await self._surely(talk.look)).is_there:
            _unknown()
        await self.checkpoints.guard((await self.checkpoints.store()).saver.adelete_thread(talk.thread))

    async def warm(self) -> None:
        """Imports and opens what is set, so that no user waits for it; what is down now is tried again when it is needed."""
        with suppress(Refused):
            await self.graph()


def _unknown() -> NoReturn:
    raise Refused(404, 'No such conversation of this user. Without "thread" a new one begins.')
