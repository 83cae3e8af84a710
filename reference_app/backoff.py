"""How long to wait before the next attempt, and whether that is still worth it."""

import asyncio
from hashlib import blake2b

from reference_app.budget import RetryBudget
from reference_app.call import Account


def full_jitter(key: str, number: int, base_s: float, cap_s: float) -> float:
    """Seconds, spread evenly over [0, min(cap, base * 2^number)): no two requests come back together.

    The spread is keyed by the request instead of drawn: it is as even, and a run with the same ids can be repeated.
    """
    digest = blake2b(f"{key}|{number}".encode(), digest_size=8).digest()
    share = (int.from_bytes(digest) >> 11) / 2**53
    # An exponent beyond 30 means the cap anyway, and must not overflow.
    return share * min(cap_s, base_s * 2.0 ** min(number, 30))


class Pauses:
    """The waits of one feature before it calls again, at most `most` in a row; and what came of those that were wanted."""

    def __init__(self, most: int, base_s: float, cap_s: float, longest_s: float, budget: RetryBudget) -> None:
        self.most, self.base_s, self.cap_s, self.longest_s, self.budget = most, base_s, cap_s, longest_s, budget
        self.made = self.out_of_attempts = self.out_of_time = self.out_of_budget = 0

    async def wait(self, account: Account, error: Exception, number: int) -> None:
        """Waits before an attempt after `error`, the `number`th from 0: never less than the provider asked for.

        Raises `error` where another attempt would be of no use, or is one too many for all requests together.
        """
        if number >= self.most or account.exhausted:
            self.out_of_attempts += 1
            raise error
        wait_s = full_jitter(f"{account.request_id}|{len(account.attempts)}", number, self.base_s, self.cap_s)
        asked_s = account.last.retry_after_s or 0.0
        until = asyncio.get_running_loop().time() + asked_s + wait_s
        if asked_s > self.longest_s or until >= account.deadline_at:
            self.out_of_time += 1
            raise error
        if not self.budget.spend(account):
            self.out_of_budget += 1
            raise error
        self.made += 1
        await asyncio.sleep(asked_s + wait_s)

    def gave_up(self) -> dict[str, float]:
        """Failures that another attempt might have cured, by what was missing."""
        return {name: getattr(self, name) for name in ("out_of_attempts", "out_of_time", "out_of_budget")}
