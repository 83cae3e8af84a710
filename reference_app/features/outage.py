"""What others depend on and no answer does: bounded in time, and left alone for a while after it failed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from reference_app.call import Account

T = TypeVar("T")


class Cooldown:
    """Whether something is down, for all who would ask it: nobody waits for what another has just found out."""

    def __init__(self, cooldown_s: float) -> None:
        self.cooldown_s = cooldown_s
        self._down = False
        self._not_before = 0.0

    def may_try(self, longest_s: float) -> bool:
        """While it is down, one every `cooldown_s` tries again, and finds out for all that come meanwhile."""
        if self._down:
            now = asyncio.get_running_loop().time()
            if now < self._not_before:
                return False
            self._not_before = now + longest_s + self.cooldown_s
        return True

    def note(self, works: bool) -> None:
        self._down = not works
        if self._down:
            self._not_before = asyncio.get_running_loop().time() + self.cooldown_s


class Tolerant:
    """Tries what may hang or fail, for `timeout_s`, unless it is known to be down."""

    def __init__(self, event: str, timeout_s: float, cooldown: Cooldown) -> None:
        self.event, self.timeout_s, self.cooldown = event, timeout_s, cooldown
        self.outages = 0

    async def __call__(self, work: Callable[[], Awaitable[T]], account: Account) -> T | None:
        """What `work` returns; None after an outage, which the log is told, and where it is not tried."""
        if not self.cooldown.may_try(self.timeout_s):
            return None
        try:
            async with asyncio.timeout(self.timeout_s):
                done = await work()
        except Exception as error:
            self.outages += 1
            self.cooldown.note(works=False)
            account.log(self.event, request_id=account.request_id, error=f"{type(error).__name__}: {error}")
            return None
        self.cooldown.note(works=True)
        return done
