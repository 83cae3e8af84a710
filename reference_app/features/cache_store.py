"""Where cached answers are kept: the memory of this process, an SQLite file that survives it, or a Redis that several share."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import redis.asyncio

    from reference_app.settings import Settings


class Store(Protocol):
    """Keeps bytes for some time, and the newest ones if there are too many; and counts, for good."""

    async def get(self, key: str) -> bytes | None: ...

    async def get_stale(self, key: str) -> bytes | None:
        """Also what has outlived its time, as long as it is kept: better than nothing when the provider is down."""

    async def put(self, key: str, value: bytes) -> None: ...

    async def count(self, key: str, by: int = 0) -> int:
        """Adds to a number, whoever else does, and returns it."""

    async def clear(self) -> None:
        """Forgets the answers; the numbers stay."""

    async def aclose(self) -> None: ...


@dataclass(frozen=True)
class Keeping:
    """How long an entry is fresh, and how long it is kept after that; and how many there may be."""

    ttl_s: float
    max_entries: int
    stale_s: float = 0.0
    jitter_share: float = 0.0

    def fresh_s(self, key: str) -> float:
        """The time to live, shortened by up to `jitter_share`: what was stored at once is not asked for again at once."""
        digest = blake2b(key.encode(), digest_size=4).digest()
        return self.ttl_s * (1.0 - self.jitter_share * int.from_bytes(digest) / 2**32)


def open_store(settings: "Settings", redis: "Callable[[], redis.asyncio.Redis | None]") -> Store:
    """The store that "memory", "sqlite:PATH" or "redis" names."""
    keeping = Keeping(settings.cache_ttl_s, settings.cache_max_entries, settings.cache_stale_s, settings.cache_ttl_jitter_share)
    if settings.cache == "memory":
        return MemoryStore(keeping)
    # Imported here: whoever uses the one need not load the other.
    if settings.cache == "redis" and (client := redis()) is not None:
        from reference_app.features.cache_redis import RedisStore

        return RedisStore(client, keeping)
    from reference_app.features.cache_sqlite import SqliteStore

    return SqliteStore(settings.cache.removeprefix("sqlite:"), keeping)


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


class MemoryStore:
    """The least recently used entry leaves first."""

    def __init__(self, keeping: Keeping, clock: Callable[[], float] = _loop_time) -> None:
        self.keeping, self.clock = keeping, clock
        self._entries: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._counts: Counter[str] = Counter()

    async def get(self, key: str) -> bytes | None:
        return self._younger(key, 0.0)

    async def get_stale(self, key: str) -> bytes | None:
        return self._younger(key, self.keeping.stale_s)

    def _younger(self, key: str, stale_s: float) -> bytes | None:
        """The entry, unless it has been stale for longer than this."""
        expires, value = self._entries.get(key, (0.0, None))
        if value is None:
            return None
        stale_for_s = self.clock() - expires
        if stale_for_s >= self.keeping.stale_s:
            self._entries.pop(key)
            return None
        if stale_for_s >= stale_s:
            return None
        self._entries.move_to_end(key)
        return value

    async def put(self, key: str, value: bytes) -> None:
        self._entries[key] = self.clock() + self.keeping.fresh_s(key), value
        self._entries.move_to_end(key)
        if len(self._entries) > self.keeping.max_entries:
            self._entries.popitem(last=False)

    async def count(self, key: str, by: int = 0) -> int:
        self._counts[key] += by
        return self._counts[key]

    async def clear(self) -> None:
        self._entries.clear()

    async def aclose(self) -> None:
        self._entries.clear()
