"""Finite slots with a queue in front: first come, first served; beyond the queue, refused at once."""

import asyncio
from collections import deque


class Busy(Exception):
    """All slots are taken and the queue is full."""


class Slots:
    """`async with slots:` holds one; who is cancelled while waiting leaves the queue."""

    def __init__(self, slots: int, queue: int, one_queue: "list[Slots] | None" = None) -> None:
        """`one_queue`: all whose waiting counts together, where these join them."""
        self.free = slots
        self._queue = queue
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._all = [] if one_queue is None else one_queue
        self._all.append(self)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def __aenter__(self) -> None:
        if self.free:  # while one is free, nobody waits
            self.free -= 1
            return
        if sum(one.waiting for one in self._all) >= self._queue:
            raise Busy
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            self._leave(turn)
            raise

    def _leave(self, turn: asyncio.Future[None]) -> None:
        if turn in self._waiting:
            self._waiting.remove(turn)
        elif not turn.cancelled():  # got the slot in the very moment it left: hand it on
            self._hand_on()

    async def __aexit__(self, *_: object) -> None:
        self._hand_on()

    def _hand_on(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # a cancelled one has not yet had the time to leave
                turn.set_result(None)
                return
        self.free += 1
