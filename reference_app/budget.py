"""How many calls may be made beyond the first of each request: so that a provider in trouble is not called the more."""

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from reference_app.call import Account

if TYPE_CHECKING:
    from reference_app.settings import Settings

WINDOW_S = 10.0
SLICE_S = 1.0
"""What is counted together, and forgotten together."""


class Budget:
    """At most `share` of the requests of the last `window_s`, and `per_s` on top, so that few requests are not without any.

    >>> budget = Budget(share=0.5)
    >>> for _ in range(4): budget.earn(0.0)
    >>> [budget.spend(0.0) for _ in range(3)]
    [True, True, False]
    """

    def __init__(self, share: float, per_s: float = 0.0, window_s: float = WINDOW_S) -> None:
        self.share, self.window_s, self.spare = share, window_s, per_s * window_s
        self._slices: deque[list[float]] = deque()
        self._earned = self._spent = 0.0

    def earn(self, now_s: float) -> None:
        """A request has come."""
        self._slice(now_s)[1] += self.share
        self._earned += self.share

    def spend(self, now_s: float) -> bool:
        """Whether another call may be made; it counts as made."""
        of_now = self._slice(now_s)
        # Shares add up to a little less than they should.
        if self._spent + 1 > self._earned + self.spare + 1e-9:
            return False
        of_now[2] += 1
        self._spent += 1
        return True

    def _slice(self, now_s: float) -> list[float]:
        """Begun at, earned, spent: what is counted now. What was counted too long ago is forgotten."""
        slices = self._slices
        while slices and slices[0][0] <= now_s - self.window_s:
            _, earned, spent = slices.popleft()
            self._earned, self._spent = self._earned - earned, self._spent - spent
        if not slices or slices[-1][0] <= now_s - SLICE_S:
            slices.append([now_s, 0.0, 0.0])
        return slices[-1]


class RetryBudget:
    """Shared by all that calls again after a failure: retries, and the recovery of streams. A request counts once."""

    def __init__(self, settings: "Settings") -> None:
        self._budget = Budget(settings.retry_budget_share, settings.retry_budget_per_s)

    def count(self, account: Account) -> None:
        if not account.counted:
            account.counted = True
            self._budget.earn(asyncio.get_running_loop().time())

    def spend(self, account: Account) -> bool:
        """Whether to call again; a refusal is told to the log."""
        may = self._budget.spend(asyncio.get_running_loop().time())
        if not may:
            account.log("retry_budget_spent", request_id=account.request_id)
        return may
