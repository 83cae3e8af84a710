"""The stores: time to live, bound, least recently used first."""

import asyncio
import sqlite3

from reference_app.features.cache_store import MemoryStore, SqliteStore, open_store


def test_an_entry_of_the_memory_lives_for_its_time():
    async def run():
        now = 0.0
        store = MemoryStore(10, 5, lambda: now)
        await store.put("a", b"1")
        now = 9.9
        assert await store.get("a") == b"1"
        now = 10.0
        assert await store.get("a") is None

    asyncio.run(run())


def test_the_memory_forgets_what_was_not_used():
    async def run():
        store = MemoryStore(10, 2, lambda: 0.0)
        await store.put("a", b"1")
        await store.put("b", b"2")
        await store.get("a")
        await store.put("c", b"3")
        assert [await store.get(key) for key in "abc"] == [b"1", None, b"3"]

    asyncio.run(run())


def test_sqlite_keeps_for_its_time_and_within_its_bound(tmp_path):
    path = tmp_path / "cache.db"

    async def run():
        store = SqliteStore(str(path), 100, 3)
        for number in range(66):
            await store.put(f"k{number}", b"v")
        assert await store.get("k65") == b"v" and await store.get("k1") is None
        await store.aclose()
        old = SqliteStore(str(path), -1, 3)
        await old.put("late", b"v")
        assert await old.get("late") is None
        await old.aclose()

    asyncio.run(run())
    assert sqlite3.connect(path).execute("SELECT count(*) FROM answers").fetchone()[0] <= 5


def test_two_processes_share_a_file(tmp_path):
    async def run():
        one, other = (open_store(f"sqlite:{tmp_path / 'cache.db'}", 100, 3) for _ in range(2))
        await one.put("a", b"1")
        await other.put("a", b"2")
        assert await one.get("a") == b"2"
        await one.aclose()
        await other.aclose()

    asyncio.run(run())
