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


async def pause(
    account: Account, error: Exception, number: int, base_s: float, cap_s: float, longest_s: float, budget: RetryBudget
) -> None:
    """Waits before an attempt after `error`: never less than the provider asked for.

    Raises `error` where another attempt would be of no use, or is one too many for all requests together.
    """
    wait_s = full_jitter(f"{account.request_id}|{len(account.attempts)}", number, base_s, cap_s)
    asked_s = account.last.retry_after_s or 0.0
    until = asyncio.get_running_loop().time() + asked_s + wait_s
    if account.exhausted or asked_s > longest_s or until >= account.deadline_at or not budget.spend(account):
        raise error
    await asyncio.sleep(asked_s + wait_s)
