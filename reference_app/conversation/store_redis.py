"""Conversations in a Redis, which all processes share: a list for each, of one entry a turn."""

from typing import TYPE_CHECKING

from reference_app.conversation.store import Keeping, Turn, unpacked

if TYPE_CHECKING:
    import redis.asyncio

PREFIX = "headwind:session:"


class RedisSessions:
    """The Redis forgets what nobody uses by itself. The client belongs to whoever made it."""

    def __init__(self, client: "redis.asyncio.Redis", keeping: Keeping) -> None:
        self.client, self.keeping = client, keeping
        self._ttl_ms = max(1, int(keeping.ttl_s * 1000))

    async def read(self, thread: str) -> list[Turn]:
        key = PREFIX + thread
        # Used from now on, so that it is still there when the answer is added.
        async with self.client.pipeline(transaction=True) as both:
            both.lrange(key, 0, -1)
            both.pexpire(key, self._ttl_ms)
            kept, _ = await both.execute()
        return [unpacked(value) for value in kept]

    async def add(self, thread: str, turn: Turn, begins: bool) -> bool:
        """At the end of whatever is there: to read, change and write it would lose what another process adds meanwhile."""
        key = PREFIX + thread
        async with self.client.pipeline(transaction=True) as batch:
            (batch.rpush if begins else batch.rpushx)(key, turn.packed().decode())
            batch.ltrim(key, -self.keeping.max_turns, -1)
            batch.pexpire(key, self._ttl_ms)
            count, *_ = await batch.execute()
        return bool(count)

    async def forget(self, thread: str) -> bool:
        return bool(await self.client.unlink(PREFIX + thread))

    async def aclose(self) -> None:
        """Nothing of its own."""
