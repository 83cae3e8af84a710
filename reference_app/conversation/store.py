"""Where the turns of sessions are kept: in the memory of this process, an SQLite file that survives it, a shared Redis."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import orjson

if TYPE_CHECKING:
    import redis.asyncio

    from reference_app.settings import Settings


class Turn(NamedTuple):
    """A question and its whole answer: kept together, and forgotten together."""

    question: str
    answer: str
    tokens: int
    """Of both, about."""

    def packed(self) -> bytes:
        return orjson.dumps(tuple(self))


def unpacked(value: bytes) -> Turn:
    return Turn(*orjson.loads(value))


class SessionStore(Protocol):
    """Keeps the turns of each thread in their order. What it has confirmed is there, what it has not may be."""

    async def read(self, thread: str) -> list[Turn]:
        """The newest ones, the oldest first; none of a thread that is not there."""

    async def add(self, thread: str, turn: Turn, begins: bool) -> bool:
        """Adds one at the end; False where the thread is to be there already, and is not: a half history is never begun."""

    async def forget(self, thread: str) -> bool:
        """False where it was not there."""

    async def aclose(self) -> None: ...


@dataclass(frozen=True)
class Keeping:
    """How long a thread is kept after its last use, and how much of it; and how many threads there may be in memory."""

    ttl_s: float
    max_turns: int
    max_threads: int


def open_sessions(settings: "Settings", redis: "Callable[[], redis.asyncio.Redis | None]") -> SessionStore:
    """The store that "memory", "sqlite:PATH" or "redis" names."""
    keeping = Keeping(settings.session_ttl_s, settings.session_max_messages // 2, settings.session_max)
    if settings.sessions == "memory":
        return MemorySessions(keeping)
    # Imported here: whoever uses the one need not load the other.
    if settings.sessions == "redis" and (client := redis()) is not None:
        from reference_app.conversation.store_redis import RedisSessions

        return RedisSessions(client, keeping)
    from reference_app.conversation.store_sqlite import SqliteSessions

    return SqliteSessions(settings.sessions.removeprefix("sqlite:"), keeping)


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


class MemorySessions:
    """The least recently used thread leaves first."""

    def __init__(self, keeping: Keeping, clock: Callable[[], float] = _loop_time) -> None:
        self.keeping, self.clock = keeping, clock
        self._threads: OrderedDict[str, tuple[float, deque[Turn]]] = OrderedDict()

    async def read(self, thread: str) -> list[Turn]:
        return list(self._used(thread) or ())

    async def add(self, thread: str, turn: Turn, begins: bool) -> bool:
        if begins:
            self._threads[thread] = self.clock() + self.keeping.ttl_s, deque(maxlen=self.keeping.max_turns)
        turns = self._used(thread)
        if turns is None:
            return False
        turns.append(turn)
        self._leave()
        return True

    async def forget(self, thread: str) -> bool:
        was_there = self._used(thread) is not None
        self._threads.pop(thread, None)
        return was_there

    async def aclose(self) -> None:
        self._threads.clear()

    def _used(self, thread: str) -> deque[Turn] | None:
        """Its turns; from now on it is the one that was used last."""
        expires_s, turns = self._threads.pop(thread, (0.0, None))
        if turns is None or expires_s <= self.clock():
            return None
        self._threads[thread] = self.clock() + self.keeping.ttl_s, turns
        return turns

    def _leave(self) -> None:
        # All have the same time to live: what was used least recently also ends first.
        while len(self._threads) > self.keeping.max_threads or next(iter(self._threads.values()))[0] <= self.clock():
            self._threads.popitem(last=False)
