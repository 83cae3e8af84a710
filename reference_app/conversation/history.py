"""A question within a session: what was said before goes to the model with it, and its answer is saved before it is told."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from reference_app.call import Account, finish_in
from reference_app.conversation.store import SessionStore, Turn
from reference_app.conversation.threads import new_session, thread_of
from reference_app.conversation.turns import Turns
from reference_app.errors import Refused, TruncatedStream
from reference_app.features.cache import COMPLETE
from reference_app.tokens import PER_MESSAGE, tokens_of

if TYPE_CHECKING:
    from reference_app.settings import Settings

T = TypeVar("T")
RETRY_AFTER_S = 1.0


class Histories:
    """Reads and saves the turns of sessions. Without the history there is no answer; an answer that was not saved is marked."""

    def __init__(self, settings: "Settings", store: SessionStore) -> None:
        self.settings, self.store = settings, store
        self.turns = Turns(settings.deadline_s)
        self.saved = self.unsaved = self.outages = 0

    def counters(self) -> dict[str, float]:
        return {"saved": self.saved, "unsaved": self.unsaved, "outages": self.outages}

    async def begin(self, session: str | None, question: str, account: Account) -> "Asked":
        """This request's turn, with what was said before. No session: a new one."""
        begins, session = session is None, session or new_session()
        await self.turns.take(thread_of(account.user, "chat", session), account)
        before = [] if begins else await self.read(session, account)
        return Asked(self, account, session, question, fitting(before, question, self.settings.session_max_tokens), begins)

    async def read(self, session: str, account: Account) -> list[Turn]:
        """The turns of the user's session; a 404 where there is none."""
        turns = await self._tried("read", self.store.read(thread_of(account.user, "chat", session)), account)
        if turns is None:
            told = "The history of this session cannot be read now, and an answer without it could be wrong."
            raise Refused(503, told, RETRY_AFTER_S)
        return turns or self._unknown()

    async def forget(self, session: str, account: Account) -> None:
        """A 404 where there was none. An answer that is under way is not saved any more."""
        was_there = await self._tried("forget", self.store.forget(thread_of(account.user, "chat", session)), account)
        if was_there is None:
            raise Refused(503, "Sessions cannot be deleted now.", RETRY_AFTER_S)
        if not was_there:
            self._unknown()

    async def save(self, thread: str, turn: Turn, begins: bool, account: Account) -> bool:
        """False where it was not, and also where that cannot be known."""
        saved = bool(await self._tried("save", self.store.add(thread, turn, begins), account))
        self.saved, self.unsaved = self.saved + saved, self.unsaved + (not saved)
        return saved

    async def _tried(self, doing: str, work: Awaitable[T], account: Account) -> T | None:
        """None after an outage, which the log is told. It is tried each time: a conversation cannot do without."""
        try:
            async with asyncio.timeout(self.settings.session_timeout_s):
                return await work
        except Exception as error:
            self.outages += 1
            told = f"{type(error).__name__}: {error}"
            account.log("session_outage", request_id=account.request_id, doing=doing, error=told)
            return None

    def _unknown(self) -> NoReturn:
        kept_s = self.settings.session_ttl_s
        told = f"This user has no such session: it was deleted, or not used for {kept_s:g} s."
        raise Refused(404, f'{told} Leave "session" out to begin one.')

    async def aclose(self) -> None:
        await self.store.aclose()


@dataclass(frozen=True)
class Asked:
    """One question on its way."""

    histories: Histories
    account: Account
    session: str
    question: str
    messages: Sequence[BaseMessage]
    begins: bool

    async def end(self, answer: AIMessage) -> Mapping[str, Any]:
        """Saves the turn if it is whole, and tells whether; what broke off is no answer here."""
        finish = finish_in(answer.response_metadata)
        if finish is None:
            raise TruncatedStream("the answer ended without saying that it is complete")
        # Not where the provider has withheld words, or the words are an apology of ours: those are no part of the conversation.
        saved = finish in COMPLETE and bool(answer.text) and await self._save(answer.text)
        if not saved:
            account = self.account
            account.degraded = True
            account.headers["x-degraded"] = ", ".join(filter(None, [account.headers.get("x-degraded"), "history not saved"]))
        return {"session": self.session, "saved": saved}

    async def _save(self, answer: str) -> bool:
        turn = Turn(self.question, answer, tokens_of(self.question) + tokens_of(answer) + 2 * PER_MESSAGE)
        thread = thread_of(self.account.user, "chat", self.session)
        return await self.histories.save(thread, turn, self.begins, self.account)


def fitting(turns: Sequence[Turn], question: str, max_tokens: int) -> list[BaseMessage]:
    """As many of the newest turns as the tokens allow, and the question, which is never left out.

    What LangChain's trim_messages returns when it is to start on a human message, without counting all words at every question.
    """
    room, first = max_tokens - tokens_of(question) - PER_MESSAGE, len(turns)
    while first and turns[first - 1].tokens <= room:
        first -= 1
        room -= turns[first].tokens
    said = (one for turn in turns[first:] for one in (HumanMessage(turn.question), AIMessage(turn.answer)))
    return [*said, HumanMessage(question)]
