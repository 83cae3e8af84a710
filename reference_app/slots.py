"""Room for so many calls at once: who finds none waits in a line, and is let in in order."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from math import isinf
from typing import Any, Self, cast

from langchain_core.outputs import ChatGenerationChunk

from reference_app.call import Attempt, Call, Chunks, Next
from reference_app.watch import deadline_exceeded

WEIGHT = 0.1
"""Of the newest call in the mean of how long calls take."""


class Slots:
    """At most `limit` are held at once; the limit may change at any time."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held: dict[str, float] = {}
        """Since when, by ticket."""
        self.line: deque[tuple[str, asyncio.Future[None]]] = deque()
        self.service_s: float | None = None
        """How long a slot is held, as a moving mean; None until one was given back."""
        self._tickets = 0

    async def take(self, until: float) -> str:
        """The ticket to give back; TimeoutError where there is no room by `until`."""
        ticket = self._ticket()
        place = asyncio.get_running_loop().create_future()
        self.line.append((ticket, place))
        self.admit()
        if place.done():
            return ticket
        try:
            async with asyncio.timeout_at(None if isinf(until) else until):
                await place
        except BaseException:
            self._leave(ticket, place)
            raise
        return ticket

    def give(self, ticket: str) -> None:
        """Once or more often: the second time, nothing happens."""
        since = self.held.pop(ticket, None)
        if since is None:
            return
        held_s = asyncio.get_running_loop().time() - since
        self.service_s = held_s if self.service_s is None else self.service_s + WEIGHT * (held_s - self.service_s)
        self._given(ticket)
        self.admit()

    def admit(self) -> None:
        """Lets in whom there is room for."""
        self._admit_up_to(self.limit)

    def wait_s(self) -> float:
        """How long who comes now would wait, as far as can be told: 0 while there is room."""
        beyond = len(self.line) + len(self.held) + 1 - self.room
        return max(0, beyond) * (self.service_s or 0.0) / max(1, self.room)

    @property
    def room(self) -> int:
        """How many calls of this process may be held at once."""
        return self.limit

    def counters(self) -> dict[str, float]:
        """What /metrics tells of them, summed up over processes."""
        return {"waiting_now": len(self.line), "in_flight_now": len(self.held), "limit_now": self.room}

    async def aclose(self) -> None:
        """Nothing to close here."""

    def _admit_up_to(self, limit: int) -> None:
        while self.line and len(self.held) < limit:
            ticket, place = self.line.popleft()
            self._let_in(ticket, place)

    def _let_in(self, ticket: str, place: "asyncio.Future[None]") -> None:
        if not place.done():
            self.held[ticket] = asyncio.get_running_loop().time()
            place.set_result(None)

    def _leave(self, ticket: str, place: "asyncio.Future[None]") -> None:
        if ticket in self.held:
            # Let in and gone at the same moment.
            del self.held[ticket]
        elif (ticket, place) in self.line:
            self.line.remove((ticket, place))
        self._given(ticket)
        self.admit()

    def _given(self, ticket: str) -> None:
        """For who shares slots with others."""

    def _ticket(self) -> str:
        self._tickets += 1
        return f"{self._tickets:012}"


class Holding:
    """The chunks of a call that holds a slot from before its attempt until after it.

    After the first chunk the inner iterator's own awaitables are handed on, and an observer gives the slot back: no step more
    a token.
    """

    def __init__(self, call: Call, next: Next, slots: Slots) -> None:
        self._call, self._next, self._slots = call, next, slots
        self._ticket = ""
        self._chunks: Chunks | None = None
        self._step: Callable[[], Awaitable[ChatGenerationChunk]] = self._begin

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Awaitable[ChatGenerationChunk]:
        return self._step()

    async def aclose(self) -> None:
        try:
            if self._chunks is not None:
                await self._chunks.aclose()
        finally:
            self._slots.give(self._ticket)

    async def _begin(self) -> ChatGenerationChunk:
        try:
            self._ticket = await self._slots.take(self._call.account.deadline_at)
        except TimeoutError:
            raise deadline_exceeded(self._call) from None
        try:
            self._chunks = chunks = self._next(replace(self._call, observers=(*self._call.observers, self._note)))
            self._step = chunks.__anext__
            return await chunks.__anext__()
        except BaseException:
            # Also where no attempt was made, and so none has ended.
            self._slots.give(self._ticket)
            raise

    def _note(self, _: Attempt, __: BaseException | None) -> None:
        self._slots.give(self._ticket)


def holding(call: Call, next: Next, slots: Slots) -> Chunks:
    """The call, once there is room for it."""
    return cast(Chunks, cast(Any, Holding(call, next, slots)))
