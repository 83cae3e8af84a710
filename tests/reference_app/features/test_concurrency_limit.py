"""concurrency_limit: so many calls are with the provider at once, and no more."""

import asyncio
from contextlib import AsyncExitStack
from math import inf

import pytest
from redis.asyncio import Redis

from reference_app.log import silent
from reference_app.slots_redis import SharedSlots
from tests.reference_app.capacity import Limited, app_before


@pytest.mark.parametrize("api", ["ollama", "openai"])
def test_a_provider_that_refuses_a_crowd_never_meets_one(tmp_path, api):
    """Wins: without it, most of a burst is refused."""

    async def run(features):
        provider = Limited(capacity=5, service_s=0.03, api=api)
        async with app_before(provider, tmp_path, features, concurrency=5, provider=api) as app:
            told = await app.ask_at_once(30)
        return provider.most, sum(one.status == 200 for one in told)

    most, ok = asyncio.run(run("concurrency_limit"))
    _, without = asyncio.run(run("none"))
    print(f"burst of 30 on a provider that takes 5: answered {ok}, without concurrency_limit {without}")
    assert (most, ok) == (5, 30)
    assert without < 15


def test_where_the_provider_could_take_more_it_costs_time(tmp_path):
    async def run(features):
        async with app_before(Limited(service_s=0.1), tmp_path, features, concurrency=2) as app:
            return max(one.took_s for one in await app.ask_at_once(10))

    on, off = asyncio.run(run("concurrency_limit")), asyncio.run(run("none"))
    print(f"burst of 10 on a provider that takes them all: the last after {on:.2f} s, without concurrency_limit {off:.2f} s")
    assert on > 0.45 and off < on


def test_who_waits_past_the_deadline_is_told_and_takes_no_room(tmp_path):
    async def run():
        provider = Limited(service_s=0.6)
        async with app_before(provider, tmp_path, "deadline,concurrency_limit", concurrency=1, deadline_s=0.9) as app:
            first, second = await app.ask_at_once(2)
            third = await app.ask()
        return [first.status, second.status, third.status], second.json, provider.calls

    statuses, told, calls = asyncio.run(run())
    assert statuses == [200, 504, 200]
    assert told == {"error": "No complete answer within 0.9 s."}
    assert calls >= 2


def test_failed_calls_and_users_who_leave_give_their_room_back(tmp_path):
    async def run():
        provider = Limited(capacity=0)
        async with app_before(provider, tmp_path, "concurrency_limit", concurrency=1) as app:
            assert {one.status for one in await app.ask_at_once(3)} == {429}
            provider.capacity, provider.service_s = 10, 5
            leaving = asyncio.create_task(app.ask())
            await asyncio.sleep(0.1)
            leaving.cancel()
            await asyncio.wait({leaving})
            provider.service_s = 0.01
            return (await asyncio.wait_for(app.ask(), 3)).status

    assert asyncio.run(run()) == 200


class TestShared:
    """Several apps, one limit, in a real Redis."""

    @staticmethod
    async def _burst(redis, provider, tmp_path, count, disturb=None, **settings):
        settings = {"concurrency": 3, "workers": 3, "concurrency_cooldown_s": 0.1, "redis_url": redis.url, **settings}
        async with AsyncExitStack() as stack:
            name = {"provider_url": f"http://provider-{tmp_path.name}"}
            apps = [
                await stack.enter_async_context(app_before(provider, tmp_path, "concurrency_limit", **{**settings, **name}))
                for _ in range(3)
            ]
            asking = asyncio.gather(*(apps[number % 3].ask() for number in range(count)))
            if disturb:
                await disturb(apps)
            return [one.status for one in await asking], apps

    def test_never_more_than_the_limit_together(self, redis_server, tmp_path):
        provider = Limited(service_s=0.05)
        told, _ = asyncio.run(self._burst(redis_server, provider, tmp_path, 30))
        assert told == [200] * 30
        assert provider.most == 3

    def test_redis_that_dies_is_no_error_and_is_used_again_when_it_is_back(self, redis_server, tmp_path):
        provider = Limited(service_s=0.05)

        async def kill(apps):
            await asyncio.sleep(0.2)
            redis_server.kill()
            await asyncio.sleep(0.5)
            most_without, provider.most = provider.most, 0
            # In this thread, which is not to end before it.
            redis_server.start()
            assert most_without <= 6, "what was held, and a share of 1 for each"

        told, apps = asyncio.run(self._burst(redis_server, provider, tmp_path, 120, kill))
        assert told == [200] * 120
        assert any(app.events("limit_outage") for app in apps)
        assert any(app.events("limit_back") for app in apps)

        provider.most = 0
        asyncio.run(self._burst(redis_server, provider, tmp_path, 20))
        assert provider.most == 3

    def test_redis_that_hangs_is_no_error(self, redis_server, tmp_path):
        async def freeze(_):
            await asyncio.sleep(0.1)
            redis_server.freeze()
            await asyncio.sleep(1)
            redis_server.thaw()

        told, apps = asyncio.run(self._burst(redis_server, Limited(service_s=0.05), tmp_path, 60, freeze))
        assert told == [200] * 60
        assert any(app.events("limit_outage") for app in apps)

    def test_what_a_dead_process_held_is_free_after_the_lease(self, redis_server, tmp_path):
        async def run():
            client = Redis.from_url(redis_server.url)
            make = lambda: SharedSlots(client, tmp_path.name, 1, 1, 0.5, 1, silent)  # noqa: E731
            dead, alive = make(), make()
            await dead.take(inf)
            # As SIGKILL does: nothing is given back, nothing renewed.
            dead._task.cancel()
            clock = asyncio.get_running_loop().time
            began = clock()
            ticket = await alive.take(began + 5)
            assert alive.counters() == {"waiting_now": 0, "in_flight_now": 1, "limit_now": 1}
            took_s = clock() - began
            # Held for longer than a lease, it is renewed.
            await asyncio.sleep(0.8)
            renewed = await client.zcard(alive._keys[0])
            alive.give(ticket)
            await alive.aclose()
            left = await client.zcard(alive._keys[0])
            await client.aclose()
            return took_s, renewed, left

        took_s, renewed, left = asyncio.run(run())
        assert 0.2 < took_s < 2
        assert (renewed, left) == (1, 0)
