"""Where turns are kept: the same in memory, SQLite and Redis; bounded in time and number; none is lost between processes."""

import asyncio
import sqlite3
from itertools import count

import pytest
from redis.asyncio import Redis

from reference_app.conversation.store import Keeping, MemorySessions, Turn
from reference_app.conversation.store_redis import PREFIX, RedisSessions
from reference_app.conversation.store_sqlite import SqliteSessions

numbers = count()


def turn(number):
    return Turn(f"question {number}?", f"answer {number} 你好 \u2028 👋", 7)


@pytest.fixture(params=["memory", "sqlite", "redis"])
def run(request, tmp_path):
    """run(work, ttl_s=9.0): awaits work(make); each make() is a store, as another process would open it."""
    url = request.getfixturevalue("redis_server").url if request.param == "redis" else ""

    def run(work, ttl_s=100.0, max_turns=100, max_threads=100):
        keeping, opened = Keeping(ttl_s, max_turns, max_threads), []

        def make():
            if request.param == "memory":
                opened.append((MemorySessions(keeping), None))
            elif request.param == "sqlite":
                opened.append((SqliteSessions(str(tmp_path / "sessions.db"), keeping), None))
            else:
                client = Redis.from_url(url)
                opened.append((RedisSessions(client, keeping), client))
            return opened[-1][0]

        async def whole():
            try:
                return await work(make)
            finally:
                for store, client in opened:
                    await store.aclose()
                    if client:
                        await client.aclose()

        return asyncio.run(whole())

    return run


def test_turns_come_back_in_their_order_each_thread_by_itself(run):
    """Whatever the words are made of."""

    async def work(make):
        store, one, other = make(), f"one{next(numbers)}", f"other{next(numbers)}"
        for number in range(5):
            for thread in (one, other):
                assert await store.add(thread, turn(f"{number} {thread}"), begins=number == 0)
        return [[read == turn(f"{n} {thread}") for n, read in enumerate(await store.read(thread))] for thread in (one, other)]

    assert run(work) == [[True] * 5] * 2


def test_only_the_newest_turns_are_kept(run):
    async def work(make):
        store, thread = make(), f"t{next(numbers)}"
        for number in range(9):
            await store.add(thread, turn(number), begins=number == 0)
        return await store.read(thread)

    assert run(work, max_turns=3) == [turn(6), turn(7), turn(8)]


def test_what_is_not_there_is_not_gone_on_with(run):
    """A history that was deleted, or lost with its Redis, does not begin again in the middle."""

    async def work(make):
        store, thread = make(), f"t{next(numbers)}"
        unknown = [await store.read(thread), await store.forget(thread), await store.add(thread, turn(0), begins=False)]
        await store.add(thread, turn(1), begins=True)
        gone = [await store.forget(thread), await store.add(thread, turn(2), begins=False), await store.read(thread)]
        return unknown + gone

    assert run(work) == [[], False, False, True, False, []]


def test_a_thread_is_forgotten_after_its_time(run):
    """And no sooner: what is used goes on."""

    async def work(make):
        store, thread = make(), f"t{next(numbers)}"
        await store.add(thread, turn(0), begins=True)
        assert await store.read(thread)
        # Looking is a use, too, except in SQLite: looked at more rarely than that.
        async with asyncio.timeout(20):
            await asyncio.sleep(2.2)
            while await store.read(thread):
                await asyncio.sleep(2.2)

    run(work, ttl_s=2.0)


@pytest.mark.parametrize("run", ["sqlite", "redis"], indirect=True)
def test_two_processes_lose_no_turn_and_tear_none_apart(run):
    """The win over reading, changing and writing, which loses a third (below)."""

    async def work(make):
        stores, thread = [make(), make()], f"t{next(numbers)}"
        await stores[0].add(thread, turn("first"), begins=True)
        each = [(store, number) for number in range(100) for store in enumerate(stores)]
        added = await asyncio.gather(*(store.add(thread, turn(f"{name} {n}"), begins=False) for (name, store), n in each))
        return added, await stores[0].read(thread)

    added, kept = run(work, max_turns=1000)
    assert all(added) and len(kept) == 201
    assert sorted(kept[1:]) == sorted(turn(f"{name} {number}") for name in (0, 1) for number in range(100))


def test_reading_changing_and_writing_loses_turns(redis_server):
    """What is done most often: GET, append, SETEX. Two workers, 300 turns each."""

    async def work():
        clients = [Redis.from_url(redis_server.url) for _ in range(2)]

        async def append_all(client):
            for _ in range(300):
                value = await client.get("published") or b""
                await client.setex("published", 60, value + b"x")

        await asyncio.gather(*map(append_all, clients))
        kept = len(await clients[0].get("published"))
        for client in clients:
            await client.aclose()
        return kept

    kept = asyncio.run(work())
    print(f"GET and SETEX by two workers keep {kept} of 600 turns; RPUSH in MULTI keeps all")
    assert kept < 600


def test_memory_lets_the_least_recently_used_go():
    """And what is over, whoever asks for it."""

    async def work():
        now = [0.0]
        store = MemorySessions(Keeping(10.0, 5, 2), clock=lambda: now[0])
        for thread in "abc":
            await store.add(thread, turn(thread), begins=True)
            await store.read("a")
        assert [bool(await store.read(thread)) for thread in "abc"] == [True, False, True]
        now[0] = 10.0
        await store.add("d", turn("d"), begins=True)
        return list(store._threads)

    assert asyncio.run(work()) == ["d"]


def test_a_file_does_not_grow_with_what_is_over(tmp_path):
    """Sessions that ended long ago leave it; those that ended just now may still be answering."""
    path = tmp_path / "sessions.db"

    async def work():
        store = SqliteSessions(str(path), Keeping(100.0, 5, 1))
        for thread in ("old", "recent"):
            await store.add(thread, turn(0), begins=True)
        with sqlite3.connect(path) as other:
            other.execute("UPDATE sessions SET expires_s = expires_s - 10000 WHERE thread = 'old'")
            other.execute("UPDATE sessions SET expires_s = expires_s - 110 WHERE thread = 'recent'")
        over = await store.read("recent"), await store.add("recent", turn(1), begins=False), await store.read("recent")
        for number in range(70):
            await store.add(f"new {number}", turn(0), begins=True)
        await store.aclose()
        return over

    assert asyncio.run(work()) == ([], True, [turn(0), turn(1)])
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT count(*) FROM sessions WHERE thread = 'old'").fetchone() == (0,)
        assert other.execute("SELECT count(*) FROM turns WHERE thread IN ('old', 'recent')").fetchone() == (2,)


def test_who_leaves_in_the_middle_of_saving_leaves_no_transaction_behind(tmp_path):
    """The next turn is saved as if nothing had been."""

    async def work():
        store = SqliteSessions(str(tmp_path / "sessions.db"), Keeping(100.0, 5, 1))
        await store.add("t", turn(0), begins=True)
        for hops in range(12):
            saving = asyncio.create_task(store.add("t", turn(hops), begins=False))
            for _ in range(hops):
                await asyncio.sleep(0)
            saving.cancel()
            await asyncio.gather(saving, return_exceptions=True)
        saved = await store.add("t", turn("last"), begins=False)
        kept = await store.read("t")
        await store.aclose()
        return saved, kept[-1]

    assert asyncio.run(work()) == (True, turn("last"))


def test_redis_forgets_by_itself(redis_server):
    """Each session has its own time to live, and nothing else is left of it."""

    async def work():
        async with Redis.from_url(redis_server.url) as client:
            store, thread = RedisSessions(client, Keeping(50.0, 5, 1)), f"t{next(numbers)}"
            await store.add(thread, turn(0), begins=True)
            return await client.pttl(PREFIX + thread), await client.keys(f"*{thread}*")

    left_ms, keys = asyncio.run(work())
    assert 0 < left_ms <= 50_000 and len(keys) == 1


def test_what_has_expired_cannot_be_forgotten(run):
    """It is not there any more: whoever deletes it is told so, and it does not come back."""

    async def work(make):
        store, thread = make(), f"expired{next(numbers)}"
        assert await store.add(thread, turn(1), begins=True)
        await asyncio.sleep(0.1)
        assert not await store.forget(thread)
        assert not await store.add(thread, turn(2), begins=False)

    run(work, ttl_s=0.02)
