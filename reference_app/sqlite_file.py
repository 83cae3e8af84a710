"""A connection to an SQLite file, made when it is needed and again when that has failed."""

import asyncio
from contextlib import suppress

import aiosqlite


class SqliteFile:
    """One connection a process, with the schema in place; transactions are begun by whoever wants one."""

    def __init__(self, path: str, schema: str) -> None:
        self.path, self.schema = path, schema
        self._opening = asyncio.Lock()
        self._connection: aiosqlite.Connection | None = None

    async def open(self) -> aiosqlite.Connection:
        async with self._opening:
            if self._connection is None:
                connection = await aiosqlite.connect(self.path, isolation_level=None)
                try:
                    await connection.executescript(self.schema)
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
