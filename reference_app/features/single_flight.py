"""single_flight: identical calls at the same time are one call, within a process and, with Redis, between processes."""

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from reference_app.call import Call, Chunks, Next
from reference_app.errors import DeadlineExceeded, is_retryable, status_of
from reference_app.features.cache import Answer, key_of
from reference_app.features.flight import Flight, spliced
from reference_app.features.flight_redis import SharedFlights

if TYPE_CHECKING:
    from reference_app.means import Means

JOINS = 2
"""How often a request may wait for others to answer it: where two have failed it asks for itself."""


class SingleFlight:
    """Who comes first leads; the others read along from the beginning. Each may leave; one takes over where the first fails.

    The key is the cache's, whatever the temperature: who shares answers over minutes may share them at once. Two requests
    that are to get two samples are told apart by their seed.
    """

    def __init__(self, means: "Means") -> None:
        self.flights: dict[str, Flight] = {}
        self.shared = None if means.redis is None else SharedFlights(means.redis, means.settings, means.redis_cooldown)
        self.led = self.followed = self.handed_over = 0

    def counters(self) -> dict[str, float]:
        between = self.shared.counters() if self.shared else {}
        return {"led": self.led, "followed": self.followed, "handed_over": self.handed_over, **between}

    def __call__(self, call: Call, next: Next) -> Chunks:
        key = key_of(call)
        if key is None:
            return next(call)
        return self._follow(key, call, next) if self._flying(key) else self._lead(key, call, next)

    def _flying(self, key: str) -> Flight | None:
        flight = self.flights.get(key)
        return None if flight is None or flight.is_left else flight

    async def _lead(self, key: str, call: Call, next: Next) -> Chunks:
        self.led += 1
        source = self.shared.through(key, call, next) if self.shared else next(call)
        flight = self.flights[key] = Flight(call, source)
        try:
            async with aclosing(flight.read()) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            if flight.ended:
                self._forget(key, flight)

    def _forget(self, key: str, flight: Flight) -> None:
        if self.flights.get(key) is flight:
            del self.flights[key]

    async def _follow(self, key: str, call: Call, next: Next) -> Chunks:
        told, account = Answer(), call.account
        for _ in range(JOINS):
            flight = self._flying(key)
            if flight is None:
                break
            try:
                async with aclosing(spliced(flight.follow(call), told)) as chunks:
                    async for chunk in chunks:
                        flight.mark(account)
                        if chunk.text:
                            account.first_token_s = account.first_token_s or asyncio.get_running_loop().time()
                        yield chunk
                flight.mark(account)
                self.followed += 1
                return
            except Exception as error:
                if _is_theirs_too(error, call):
                    raise
                flight.unmark(account)
                account.log("flight_failed", request_id=account.request_id, error=f"{type(error).__name__}: {error}")
            finally:
                if flight.ended:
                    self._forget(key, flight)
        self.handed_over += 1
        again = next(call) if self._flying(key) else self._lead(key, call, next)
        async with aclosing(spliced(again, told)) as chunks:
            async for chunk in chunks:
                yield chunk


def _is_theirs_too(error: Exception, call: Call) -> bool:
    """What is wrong with the question is wrong with theirs; and their own time may be over."""
    status = status_of(error) or 0
    mine = isinstance(error, DeadlineExceeded) and asyncio.get_running_loop().time() >= call.account.deadline_at
    return mine or (400 <= status < 500 and not is_retryable(error))
