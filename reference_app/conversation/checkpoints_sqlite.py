"""Checkpoints in an SQLite file: they survive the process, and the processes of one machine may share it."""

import fcntl
import hashlib
import os
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING

import aiosqlite
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

if TYPE_CHECKING:
    from reference_app.settings import Settings

_LATEST = "(SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?1 AND checkpoint_ns = '')"
_PRUNE = tuple(f"DELETE FROM {table} WHERE thread_id = ?1 AND checkpoint_id < {_LATEST}" for table in ("writes", "checkpoints"))


class FileLocks:
    """Who has which thread, among processes: the system forgets it with the process, however that ended."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._file = -1

    def take(self, thread: str) -> bool:
        if self._file < 0:
            # One, and open for good: closing any descriptor of a file gives back all that this process has locked in it.
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(thread))
        except (BlockingIOError, PermissionError):
            return False
        return True

    def give_back(self, thread: str) -> bool:
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _place(thread))
        return True

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _place(thread: str) -> int:
    """A byte of the file, which need not be there to be locked."""
    return int.from_bytes(hashlib.blake2b(thread.encode(), digest_size=8).digest(), "big") >> 2


class SqliteStore:
    """One connection a process; it waits for the disk, so that what is confirmed survives the machine, too."""

    failures: tuple[type[Exception], ...] = (sqlite3.Error, OSError, ValueError)

    def __init__(self, path: str) -> None:
        self.path = path
        self.locks = FileLocks(f"{path}.threads")
        self.saver = AsyncSqliteSaver(aiosqlite.connect(path))

    async def open(self) -> None:
        if self.saver.is_setup:
            async with self.saver.lock:
                # What was begun when the disk was full: left open, it would keep every other process from writing.
                await self.saver.conn.rollback()
                await self.saver.conn.execute("SELECT 1")
            return
        try:
            await self.saver.setup()
        except BaseException:
            # Each connection is a thread, and can be started once: one that is of no use must not stay behind.
            with suppress(Exception):
                await self.saver.conn.close()
            self.saver.conn = aiosqlite.connect(self.path)
            raise

    async def take(self, thread: str) -> bool:
        return self.locks.take(thread)

    async def give_back(self, thread: str) -> bool:
        return self.locks.give_back(thread)

    async def prune(self, thread: str) -> None:
        async with self.saver.lock:
            for statement in _PRUNE:
                await self.saver.conn.execute(statement, (thread,))
            await self.saver.conn.commit()

    async def aclose(self) -> None:
        self.locks.close()
        if self.saver.is_setup:
            await self.saver.conn.close()


def open_store(settings: "Settings") -> SqliteStore:
    return SqliteStore(settings.checkpoints.removeprefix("sqlite:"))
