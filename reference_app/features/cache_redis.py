"""Cached answers in a Redis, which all processes share. The Redis forgets what has outlived its time by itself."""

from typing import TYPE_CHECKING, Any, cast

from reference_app.features.cache_store import Keeping

if TYPE_CHECKING:
    import redis.asyncio

# In braces: all keys of a cluster's one slot, so that the script may touch them.
PREFIX = "{headwind:answers}:"
_BY_AGE = PREFIX + "by-age"
_COUNTS = "headwind:counts:"

# The age is the server's: the clocks of the app's machines may differ. Expired keys are counted until they are the oldest.
_PUT = """
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    local now = redis.call('TIME')
    redis.call('ZADD', KEYS[2], now[1] + now[2] / 1000000, KEYS[1])
    redis.call('PEXPIRE', KEYS[2], ARGV[3])
    local surplus = redis.call('ZCARD', KEYS[2]) - ARGV[4]
    if surplus > 0 then
        for _, key in ipairs(redis.call('ZRANGE', KEYS[2], 0, surplus - 1)) do redis.call('UNLINK', key) end
        redis.call('ZREMRANGEBYRANK', KEYS[2], 0, surplus - 1)
    end
"""

# What the server will still keep it tells its age, without a clock of ours. A script is one answer to read, not two.
_GET = "if redis.call('PTTL', KEYS[1]) > tonumber(ARGV[1]) then return redis.call('GET', KEYS[1]) end"


class RedisStore:
    """The oldest entry leaves first. The client belongs to whoever made it."""

    def __init__(self, client: "redis.asyncio.Redis", keeping: Keeping) -> None:
        self.client, self.keeping = client, keeping
        self._put, self._get = client.register_script(_PUT), client.register_script(_GET)

    async def get(self, key: str) -> bytes | None:
        if not self.keeping.stale_s:
            return await self.get_stale(key)
        return cast(bytes | None, await self._get(keys=[PREFIX + key], args=[self.keeping.stale_s * 1000]))

    async def get_stale(self, key: str) -> bytes | None:
        return cast(bytes | None, await self.client.get(PREFIX + key))

    async def put(self, key: str, value: bytes) -> None:
        keeping = self.keeping
        kept_ms = int((keeping.fresh_s(key) + keeping.stale_s) * 1000) + 1
        longest_ms = int((keeping.ttl_s + keeping.stale_s) * 1000) + 1
        arguments: list[Any] = [value, kept_ms, longest_ms, keeping.max_entries]
        await self._put(keys=[PREFIX + key, _BY_AGE], args=arguments)

    async def count(self, key: str, by: int = 0) -> int:
        return int(await self.client.incrby(_COUNTS + key, by))

    async def clear(self) -> None:
        keys = await self.client.zrange(_BY_AGE, 0, -1)
        await self.client.unlink(_BY_AGE, *keys)

    async def aclose(self) -> None:
        """Nothing of its own."""
