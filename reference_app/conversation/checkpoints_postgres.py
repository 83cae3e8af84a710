"""Checkpoints in PostgreSQL, over a bounded pool: they survive the process, and any other may go on with them."""

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import psycopg
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

if TYPE_CHECKING:
    from reference_app.settings import Settings

CONNECT_S = 2
"""The least that PostgreSQL's own client takes for a limit."""
SETUP = "reference_app: setup"
# It tells every failed attempt to connect, on standard error and in its own words; our log has the outage.
logging.getLogger("psycopg.pool").setLevel(logging.ERROR)


class AdvisoryLocks:
    """Who has which thread, among processes: the server forgets it with the connection that asked, however that ended.

    All of a process are held by one connection: with one for each, as many turns at once would be as many connections.
    """

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._held: dict[str, psycopg.AsyncConnection[Any]] = {}

    async def open(self) -> None:
        """Connects, where the connection does not work any more."""
        if self._connection is not None:
            try:
                await self._connection.execute("SELECT 1")
                return
            except psycopg.Error:
                await self.close()
        self._connection = await psycopg.AsyncConnection.connect(self.dsn, autocommit=True, connect_timeout=CONNECT_S)

    async def take(self, thread: str) -> bool:
        connection = self._connection
        if connection is None:
            raise psycopg.OperationalError("the connection is lost")
        try:
            taken = await self._asked(connection, "pg_try_advisory_lock", thread)
        except BaseException:
            # Nobody knows whether it was taken. Without the connection it is not.
            await self.close()
            raise
        if taken:
            self._held[thread] = connection
        return taken

    async def give_back(self, thread: str) -> bool:
        """False where the connection was lost meanwhile, and with it the thread."""
        connection = self._held.pop(thread, None)
        if connection is None or connection is not self._connection:
            return False
        try:
            return await self._asked(connection, "pg_advisory_unlock", thread)
        except BaseException as error:
            await self.close()
            if isinstance(error, psycopg.Error):
                return False
            raise

    async def _asked(self, connection: "psycopg.AsyncConnection[Any]", function: str, thread: str) -> bool:
        cursor = await connection.execute(f"SELECT {function}(hashtextextended(%s, 0))".encode(), (thread,))
        row = await cursor.fetchone()
        return bool(row and row[0])

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                await connection.close()


class PostgresStore:
    """At most `pool` connections for checkpoints, and one for the turns."""

    failures: tuple[type[Exception], ...] = (psycopg.Error, OSError, TimeoutError)

    def __init__(self, dsn: str, pool: int) -> None:
        # What the saver needs.
        how = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row, "connect_timeout": CONNECT_S}
        # Who waits finds out, and the next who asks connects anew; its own way is to try for 5 minutes, ever more rarely.
        self.pool = AsyncConnectionPool(
            dsn, kwargs=how, min_size=1, max_size=pool, open=False, timeout=CONNECT_S, reconnect_timeout=1.0
        )
        self.saver = AsyncPostgresSaver(cast(Any, self.pool))
        # Its own lock lets one at a time use the pool.
        self.saver.lock = cast(Any, asyncio.Semaphore(pool))
        self.locks = AdvisoryLocks(dsn)
        self._is_set_up = False

    async def open(self) -> None:
        await self.pool.open()
        # After a restart of the server, each connection of before is a failure that somebody would meet.
        await self.pool.check()
        await self.locks.open()
        if not self._is_set_up:
            await self._set_up()
        async with self.pool.connection() as connection:
            await connection.execute("SELECT 1")

    async def _set_up(self) -> None:
        # One process at a time. Polled: who waits within a statement would block the making of an index, and be blocked by it.
        while not await self.locks.take(SETUP):
            await asyncio.sleep(0.05)
        try:
            await self.saver.setup()
        finally:
            await self.locks.give_back(SETUP)
        self._is_set_up = True

    async def take(self, thread: str) -> bool:
        return await self.locks.take(thread)

    async def give_back(self, thread: str) -> bool:
        return await self.locks.give_back(thread)

    async def prune(self, thread: str) -> None:
        await self.saver.aprune([thread], strategy="keep_latest")

    async def aclose(self) -> None:
        await self.locks.close()
        await self.pool.close()


def open_store(settings: "Settings") -> PostgresStore:
    return PostgresStore(settings.checkpoints, settings.checkpoints_pool)
