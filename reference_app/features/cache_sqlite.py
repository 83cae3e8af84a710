"""Cached answers in an SQLite file, which survives the process and may be shared by several."""

from reference_app.features.cache_store import Keeping
from reference_app.sqlite_file import SqliteFile

# SQLite reads the clock, so that an entry's age is right after a restart, and in every process that shares the file.
_NOW = "((julianday('now') - 2440587.5) * 86400.0)"
_SCHEMA = """
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA busy_timeout = 200;
    CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, expires_s REAL NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS answers_expires ON answers (expires_s);
    CREATE TABLE IF NOT EXISTS counts (key TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
"""
_PUT = f"INSERT OR REPLACE INTO answers VALUES (?, {_NOW} + ?, ?)"
_GET = f"SELECT value FROM answers WHERE key = ? AND expires_s + ? > {_NOW}"
_TRIM = f"""
    DELETE FROM answers WHERE expires_s + ? <= {_NOW} OR key IN
    (SELECT key FROM answers ORDER BY expires_s DESC LIMIT -1 OFFSET ?)
"""
_COUNT = """
    INSERT INTO counts VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET number = number + ?2 RETURNING number
"""
_TRIM_EVERY = 64


class SqliteStore:
    """One connection a process. What expires first leaves first."""

    def __init__(self, path: str, keeping: Keeping) -> None:
        self.keeping = keeping
        self._file = SqliteFile(path, _SCHEMA)
        self._puts = 0

    async def get(self, key: str) -> bytes | None:
        return await self._younger(key, 0.0)

    async def get_stale(self, key: str) -> bytes | None:
        return await self._younger(key, self.keeping.stale_s)

    async def _younger(self, key: str, stale_s: float) -> bytes | None:
        database = await self._file.open()
        # Not execute, fetchone, close: each would be a way to SQLite's thread and back.
        rows = list(await database.execute_fetchall(_GET, (key, stale_s)))
        return bytes(rows[0][0]) if rows else None

    async def put(self, key: str, value: bytes) -> None:
        database = await self._file.open()
        await database.execute(_PUT, (key, self.keeping.fresh_s(key), value))
        if self._puts % _TRIM_EVERY == 0:
            await database.execute(_TRIM, (self.keeping.stale_s, self.keeping.max_entries))
        self._puts += 1

    async def count(self, key: str, by: int = 0) -> int:
        database = await self._file.open()
        async with database.execute(_COUNT, (key, by)) as counted:
            row = await counted.fetchone()
        return int(row[0]) if row else 0

    async def clear(self) -> None:
        database = await self._file.open()
        await database.execute("DELETE FROM answers")

    async def aclose(self) -> None:
        await self._file.aclose()
