"""Arrivals handed to the users who are free: one dispatcher in each load-generating process."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import inf
from time import monotonic

import gevent
from gevent.queue import Empty, Queue, ShutDown
from locust.exception import StopUser

from scenarios.workload import Arrival


class Arrivals:
    """What one process has to ask, from `start_s` on the clock; arrivals whose offset reaches `until_s` are not asked."""

    def __init__(self, planned: Iterator[Arrival], start_s: float, until_s: float = inf, open_loop: bool = True) -> None:
        self._planned, self._start_s, self._until_s = planned, start_s, until_s
        self._open_loop = open_loop
        self._queue: Queue[Arrival] = Queue()
        self._dispatcher: gevent.Greenlet | None = None
        self.given = 0
        """Arrivals that became due."""
        self.exhausted = False
        self._when_exhausted: Callable[[], None] = lambda: None
        self.lags_s: list[float] = []
        """How late each arrival was handed out: our own fault, unlike a wait for a free user."""

    def start(self, when_exhausted: Callable[[], None]) -> None:
        """Puts every arrival on the queue when it is due; the closed loop needs nobody for that."""
        self._when_exhausted = when_exhausted
        if self._open_loop:
            self._dispatcher = gevent.spawn(self._dispatch, when_exhausted)

    def _dispatch(self, when_exhausted: Callable[[], None]) -> None:
        for arrival in self._planned:
            if arrival.offset_s >= self._until_s:
                break
            due_s = self._start_s + arrival.offset_s
            _wait_until(due_s)
            self.lags_s.append(monotonic() - due_s)
            self.given += 1
            self._queue.put(arrival)
        self.exhausted = True
        when_exhausted()

    def take(self) -> Arrival:
        """The next arrival; waits for it in the open loop. A user nobody needs any more is stopped."""
        return self._from_queue() if self._open_loop else self._at_once()

    def _from_queue(self) -> Arrival:
        try:
            arrival: Arrival = self._queue.get()
            return arrival
        except ShutDown:
            raise StopUser from None

    def _at_once(self) -> Arrival:
        _wait_until(self._start_s)
        offset_s = monotonic() - self._start_s
        arrival = None if offset_s >= self._until_s or self.exhausted else next(self._planned, None)
        if arrival is None:
            if not self.exhausted:
                self.exhausted = True
                # Every answer may have been told already, and then nobody else would notice that this was the end.
                self._when_exhausted()
            raise StopUser
        self.given += 1
        return replace(arrival, offset_s=offset_s)

    def stop(self) -> list[Arrival]:
        """Sends the waiting users home; returns what was due and found no free user."""
        self.exhausted = True
        if self._dispatcher is not None:
            # Blocks: what became due in this very moment is on the queue then, not lost between the two.
            self._dispatcher.kill()
        never_sent = list(_drain(self._queue))
        # Users who wait in take() count as busy: without this, Locust's stop timeout would pass to its end.
        self._queue.shutdown()
        return never_sent


def _drain(queue: "Queue[Arrival]") -> Iterator[Arrival]:
    while True:
        try:
            yield queue.get_nowait()
        except (Empty, ShutDown):
            # Shut down already: on Ctrl-C a worker is stopped by its own signal and by its master.
            return


def _wait_until(moment_s: float) -> None:
    while (left_s := moment_s - monotonic()) > 0:
        gevent.sleep(left_s)
