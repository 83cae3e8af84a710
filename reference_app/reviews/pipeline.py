"""Many rows at once, their lines in order, and never more of them in memory than a window."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from math import inf

from reference_app.reviews.analyst import Told
from reference_app.reviews.output import Output
from reference_app.reviews.room import Room
from reference_app.reviews.row import Row

STOP_AFTER = 20
"""Rows that the provider failed, and none between for which it worked: the next ones would fail, too."""
MOST_HELD = 1000
"""Rows that are held back, for others that are bad by themselves may come between."""
WIDTH = 4
"""So many times as many rows as may be asked about at once wait for one before them that takes long."""


class ProviderDown(Exception):
    """It fails whatever row it is asked about; none of the last ones is written."""


class Writer:
    """Holds rows back from an error of the provider until it works: should it be down, these are asked about again later."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self._held: list[Told] = []
        self._failures = 0
        self._worked = False

    def __call__(self, told: Told) -> None:
        self._held.append(told)
        self._worked = self._worked or told.worked is True
        self._failures += told.worked is False
        if self._failures >= STOP_AFTER:
            raise ProviderDown(self._last_failure())
        if told.worked or not self._failures or len(self._held) >= MOST_HELD:
            self._release()

    def end(self) -> None:
        """There are no more rows: the last errors are told as they are, unless it never worked."""
        if self._failures and not self._worked:
            raise ProviderDown(self._last_failure())
        self._release()

    def _release(self) -> None:
        for told in self._held:
            self.output.write(told.line)
        self._held.clear()
        self._failures = 0

    def _last_failure(self) -> str:
        return next(str(told.line["error"]) for told in reversed(self._held) if told.worked is False)


async def run(rows: Iterator[Row], work: Callable[[Row], Awaitable[Told]], room: Room, write: Callable[[Told], None]) -> None:
    """`write` gets each row's line in the order of the rows; where this is cancelled, so is all that has begun."""
    pending: deque[asyncio.Task[Told]] = deque()
    window = WIDTH * room.most
    try:
        for row in rows:
            ticket = await room.slots.take(inf)
            pending.append(asyncio.create_task(_one(work, row, room, ticket)))
            while pending and (pending[0].done() or len(pending) >= window):
                write(await pending[0])
                pending.popleft()
        while pending:
            write(await pending[0])
            pending.popleft()
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


async def _one(work: Callable[[Row], Awaitable[Told]], row: Row, room: Room, ticket: str) -> Told:
    try:
        return await work(row)
    finally:
        room.slots.give(ticket)
