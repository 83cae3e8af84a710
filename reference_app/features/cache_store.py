"""Where cached answers are kept: the memory of this process, or an SQLite file that survives it."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import aiosqlite


class Store(Protocol):
    """Keeps bytes for some time, and the newest ones if there are too many."""

    async def get(self, key: str) -> bytes | None: ...

    async def put(self, key: str, value: bytes) -> None: ...

    async def aclose(self) -> None: ...


def open_store(where: str, ttl_s: float, max_entries: int) -> Store:
    """The store that "memory" or "sqlite:PATH" names."""
    if where == "memory":
        return MemoryStore(ttl_s, max_entries)
    return SqliteStore(where.removeprefix("sqlite:"), ttl_s, max_entries)


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


class MemoryStore:
    """The least recently used entry leaves first."""

    def __init__(self, ttl_s: float, max_entries: int, clock: Callable[[], float] = _loop_time) -> None:
        self.ttl_s, self.max_entries, self.clock = ttl_s, max_entries, clock
        self._entries: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    async def get(self, key: str) -> bytes | None:
        expires, value = self._entries.get(key, (0.0, None))
        if value is None:
            return None
        if expires <= self.clock():
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return value

    async def put(self, key: str, value: bytes) -> None:
        self._entries[key] = self.clock() + self.ttl_s, value
        self._entries.move_to_end(key)
        if len(self._entries) > self.max_entries:
            self._entries.popitem(last=False)

    async def aclose(self) -> None:
        self._entries.clear()


# SQLite reads the clock, so that an entry's age is right after a restart, and in every process that shares the file.
_NOW = "((julianday('now') - 2440587.5) * 86400.0)"
_SCHEMA = """
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA busy_timeout = 200;
    CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, expires_s REAL NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS answers_expires ON answers (expires_s);
"""
_PUT = f"INSERT OR REPLACE INTO answers VALUES (?, {_NOW} + ?, ?)"
_GET = f"SELECT value FROM answers WHERE key = ? AND expires_s > {_NOW}"
_TRIM = f"""
    DELETE FROM answers WHERE expires_s <= {_NOW} OR key IN
    (SELECT key FROM answers ORDER BY expires_s DESC LIMIT -1 OFFSET ?)
"""
_TRIM_EVERY = 64


class SqliteStore:
    """One connection a process; several processes may share the file."""

    def __init__(self, path: str, ttl_s: float, max_entries: int) -> None:
        self.path, self.ttl_s, self.max_entries = path, ttl_s, max_entries
        self._opening = asyncio.Lock()
        self._connection: aiosqlite.Connection | None = None
        self._puts = 0

    async def get(self, key: str) -> bytes | None:
        database = await self._open()
        async with database.execute(_GET, (key,)) as found:
            row = await found.fetchone()
        return bytes(row[0]) if row else None

    async def put(self, key: str, value: bytes) -> None:
        database = await self._open()
        await database.execute(_PUT, (key, self.ttl_s, value))
        if self._puts % _TRIM_EVERY == 0:
            await database.execute(_TRIM, (self.max_entries,))
        self._puts += 1

    async def _open(self) -> aiosqlite.Connection:
        async with self._opening:
            if self._connection is None:
                connection = await aiosqlite.connect(self.path, isolation_level=None)
                try:
                    await connection.executescript(_SCHEMA)
                except BaseException:
                    # Each connection is a thread: one that is of no use must not stay behind.
                    with suppress(Exception):
                        await connection.close()
                    raise
                self._connection = connection
            return self._connection

    async def aclose(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
