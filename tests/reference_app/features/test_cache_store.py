"""The stores: time to live, stale entries, bound, counts; the same of each."""

import asyncio
import sqlite3
from contextlib import asynccontextmanager

import pytest
import redis
import redis.asyncio

from reference_app.features.cache_redis import PREFIX, RedisStore
from reference_app.features.cache_sqlite import SqliteStore
from reference_app.features.cache_store import Keeping, MemoryStore

STORES = ["memory", "sqlite", "redis"]


@pytest.fixture
def store_with(request, tmp_path):
    """store_with("redis", keeping): an empty store, opened twice where two processes may share it."""

    @asynccontextmanager
    async def opened(kind, *keeping, **more):
        kept = Keeping(*keeping, **more)
        if kind == "memory":
            yield MemoryStore(kept)
        elif kind == "sqlite":
            store = SqliteStore(str(tmp_path / "cache.db"), kept)
            yield store
            await store.aclose()
        else:
            url = request.getfixturevalue("redis_server").url
            client = redis.asyncio.Redis.from_url(url)
            await client.flushdb()
            yield RedisStore(client, kept)
            await client.aclose()

    return opened


@pytest.mark.parametrize("kind", STORES)
def test_an_entry_is_fresh_then_stale_then_gone(store_with, kind):
    async def run():
        async with store_with(kind, 0.2, 5, stale_s=0.3) as store:
            assert await store.get("a") is None and await store.get_stale("a") is None
            await store.put("a", b"1")
            assert await store.get("a") == await store.get_stale("a") == b"1"
            await asyncio.sleep(0.25)
            assert await store.get("a") is None and await store.get_stale("a") == b"1"
            await asyncio.sleep(0.3)
            assert await store.get("a") is None and await store.get_stale("a") is None

    asyncio.run(run())


@pytest.mark.parametrize("kind", STORES)
def test_without_stale_entries_the_time_to_live_is_all(store_with, kind):
    async def run():
        async with store_with(kind, 0.1, 5) as store:
            await store.put("a", b"1")
            assert await store.get("a") == b"1"
            await asyncio.sleep(0.15)
            assert await store.get("a") is None and await store.get_stale("a") is None

    asyncio.run(run())


@pytest.mark.parametrize("kind", STORES)
def test_numbers_are_counted_and_answers_are_forgotten(store_with, kind):
    async def run():
        async with store_with(kind, 10, 5) as store:
            assert [await store.count("n", by) for by in (0, 2, 3)] == [0, 2, 5]
            await store.put("a", b"1")
            await store.clear()
            assert await store.get("a") is None and await store.count("n") == 5

    asyncio.run(run())


def test_times_to_live_are_spread_but_never_longer():
    keeping = Keeping(100, 5, jitter_share=0.2)
    lives = [keeping.fresh_s(f"key-{number}") for number in range(200)]

    assert 80 <= min(lives) < 84 and 96 < max(lives) <= 100 and len(set(lives)) == 200
    assert lives[7] == keeping.fresh_s("key-7")


def test_the_memory_forgets_what_was_not_used():
    async def run():
        store = MemoryStore(Keeping(10, 2), lambda: 0.0)
        await store.put("a", b"1")
        await store.put("b", b"2")
        await store.get("a")
        await store.put("c", b"3")
        assert [await store.get(key) for key in "abc"] == [b"1", None, b"3"]

    asyncio.run(run())


def test_sqlite_keeps_within_its_bound(store_with, tmp_path):
    async def run():
        async with store_with("sqlite", 100, 3) as store:
            for number in range(66):
                await store.put(f"k{number}", b"v")
            assert await store.get("k65") == b"v" and await store.get("k1") is None

    asyncio.run(run())
    assert sqlite3.connect(tmp_path / "cache.db").execute("SELECT count(*) FROM answers").fetchone()[0] <= 5


def test_redis_keeps_within_its_bound_the_newest(store_with):
    async def run():
        async with store_with("redis", 100, 3) as store:
            for number in range(9):
                await store.put(f"k{number}", b"v")
            assert [number for number in range(9) if await store.get(f"k{number}")] == [6, 7, 8]
            assert len(await store.client.keys(PREFIX + "*")) == 4

    asyncio.run(run())


def test_two_processes_share_a_file(store_with):
    async def run():
        async with store_with("sqlite", 100, 3) as one, store_with("sqlite", 100, 3) as other:
            await one.put("a", b"1")
            await other.put("a", b"2")
            assert await one.get("a") == b"2"

    asyncio.run(run())
