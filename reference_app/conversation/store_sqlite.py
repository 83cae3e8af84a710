"""Conversations in an SQLite file, which survives the process and may be shared by several."""

import asyncio
from collections.abc import Awaitable, Callable

import aiosqlite

from reference_app.conversation.store import Keeping, Turn, unpacked
from reference_app.sqlite_file import SqliteFile

# SQLite reads the clock, so that a session's age is right after a restart, and in every process that shares the file.
_NOW = "((julianday('now') - 2440587.5) * 86400.0)"
# FULL, its own default: what a user was told to be saved is on the disk, whatever happens to the machine.
_SCHEMA = """
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA busy_timeout = 500;
    CREATE TABLE IF NOT EXISTS sessions (thread TEXT PRIMARY KEY, expires_s REAL NOT NULL) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS sessions_expires ON sessions (expires_s);
    CREATE TABLE IF NOT EXISTS turns (id INTEGER PRIMARY KEY, thread TEXT NOT NULL, turn BLOB NOT NULL);
    CREATE INDEX IF NOT EXISTS turns_thread ON turns (thread, id);
"""
_READ = f"""
    SELECT turn FROM turns JOIN sessions USING (thread) WHERE thread = ? AND expires_s > {_NOW} ORDER BY id
"""
_BEGIN = f"INSERT INTO sessions VALUES (?2, {_NOW} + ?1)"
_GO_ON = f"UPDATE sessions SET expires_s = {_NOW} + ?1 WHERE thread = ?2"
_ADD = "INSERT INTO turns (thread, turn) VALUES (?, ?)"
_TRIM = """
    DELETE FROM turns WHERE thread = ?1 AND id <= (SELECT id FROM turns WHERE thread = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)
"""
_EXPIRED = f"SELECT thread FROM sessions WHERE expires_s + ? <= {_NOW}"
_CLEAN_EVERY = 64
_GRACE_S = 600.0
"""A question that came in time is answered by then, and its session still there."""


class SqliteSessions:
    """One connection a process, on which one transaction follows the other."""

    def __init__(self, path: str, keeping: Keeping) -> None:
        self.keeping = keeping
        self._file = SqliteFile(path, _SCHEMA)
        self._one = asyncio.Lock()
        self._added = 0

    async def read(self, thread: str) -> list[Turn]:
        async with self._one:
            database = await self._file.open()
            return [unpacked(row[0]) for row in await database.execute_fetchall(_READ, (thread,))]

    async def add(self, thread: str, turn: Turn, begins: bool) -> bool:
        async def work(database: aiosqlite.Connection) -> bool:
            found = await database.execute(_BEGIN if begins else _GO_ON, (self.keeping.ttl_s, thread))
            if found.rowcount == 1:
                await database.execute(_ADD, (thread, turn.packed()))
                await database.execute(_TRIM, (thread, self.keeping.max_turns))
                await self._clean(database)
            return found.rowcount == 1

        return await self._whole(work)

    async def forget(self, thread: str) -> bool:
        async def work(database: aiosqlite.Connection) -> bool:
            found = await database.execute(f"DELETE FROM sessions WHERE thread = ? AND expires_s > {_NOW}", (thread,))
            # Also what has expired, and is still there.
            await database.execute("DELETE FROM sessions WHERE thread = ?", (thread,))
            await database.execute("DELETE FROM turns WHERE thread = ?", (thread,))
            return found.rowcount == 1

        return await self._whole(work)

    async def _clean(self, database: aiosqlite.Connection) -> None:
        if self._added % _CLEAN_EVERY == 0:
            await database.execute(f"DELETE FROM turns WHERE thread IN ({_EXPIRED})", (_GRACE_S,))
            await database.execute(f"DELETE FROM sessions WHERE thread IN ({_EXPIRED})", (_GRACE_S,))
        self._added += 1

    async def _whole(self, work: Callable[[aiosqlite.Connection], Awaitable[bool]]) -> bool:
        # A user who leaves in the middle of it must not leave a transaction open behind.
        return await asyncio.shield(self._transaction(work))

    async def _transaction(self, work: Callable[[aiosqlite.Connection], Awaitable[bool]]) -> bool:
        async with self._one:
            database = await self._file.open()
            await database.execute("BEGIN IMMEDIATE")
            try:
                done = await work(database)
                await database.commit()
            except BaseException:
                await database.rollback()
                raise
            return done

    async def aclose(self) -> None:
        async with self._one:
            await self._file.aclose()
