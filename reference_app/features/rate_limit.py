"""rate_limit: each user gets so many requests in so much time, and no more; told how many are left."""

import asyncio
import time
from math import ceil
from typing import TYPE_CHECKING

from reference_app.call import Account, Call, Chunks, Feature, Next
from reference_app.errors import Refused
from reference_app.handed_on import handed_on

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.aio.storage import MemoryStorage, RedisStorage

    from reference_app.means import Means

LIMIT = "x-ratelimit-limit"


def rate_limit(means: "Means") -> Feature | None:
    """None where APP_RATE_LIMIT is empty: nobody can guess what a user may ask for."""
    return RateLimit(means) if means.settings.rate_limit else None


class RateLimit:
    """A sliding window for each user, in Redis where there is one. While that is away, everybody is let through."""

    def __init__(self, means: "Means") -> None:
        from limits import parse
        from limits.aio.strategies import SlidingWindowCounterRateLimiter

        settings = means.settings
        self.item = parse(settings.rate_limit)
        self.timeout_s, self.cooldown_s = settings.redis_timeout_s, settings.rate_limit_cooldown_s
        self._limiter = SlidingWindowCounterRateLimiter(_storage(means))
        self._away_until = 0.0
        self.refused = self.outages = 0

    def counters(self) -> dict[str, float]:
        return {"refused": self.refused, "outages": self.outages}

    def __call__(self, call: Call, next: Next) -> Chunks:
        account, now_s = call.account, asyncio.get_running_loop().time()
        # A request is counted once, however many calls a chain makes of it.
        if LIMIT in account.headers or now_s < self._away_until:
            return next(call)
        return handed_on(self._count(account, now_s), call, next)

    async def _count(self, account: Account, now_s: float) -> None:
        who = f"user:{account.user}" if account.user else f"from:{account.client}"
        try:
            async with asyncio.timeout(2 * self.timeout_s):
                may = await self._limiter.hit(self.item, who)
                told = await self._limiter.get_window_stats(self.item, who)
        except Exception as error:
            self.outages += 1
            self._away_until = now_s + self.cooldown_s
            account.log("rate_limit_outage", request_id=account.request_id, error=f"{type(error).__name__}: {error}")
            return
        # The library tells the time of day.
        again_s = max(1, ceil(told.reset_time - time.time()))  # noqa: TID251
        account.headers |= _headers(self.item, told.remaining, again_s)
        if not may:
            self.refused += 1
            raise Refused(429, f"More than {_words(self.item)}; try again in {again_s} s.", again_s)


def _storage(means: "Means") -> "MemoryStorage | RedisStorage":
    from limits.aio.storage import MemoryStorage, RedisStorage

    if means.redis is None:
        return MemoryStorage()
    # On the client's own connections, with its short timeouts.
    url, pool = f"async+{means.settings.redis_url}", means.redis.connection_pool
    return RedisStorage(url, implementation="redispy", connection_pool=pool)  # type: ignore[arg-type]


def _headers(item: "RateLimitItem", remaining: int, again_s: int) -> dict[str, str]:
    return {LIMIT: str(item.amount), "x-ratelimit-remaining": str(remaining), "x-ratelimit-reset": str(again_s)}


def _words(item: "RateLimitItem") -> str:
    return f"{item.amount} request{'s' * (item.amount != 1)} in {item.get_expiry()} s"
