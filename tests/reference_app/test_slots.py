"""Room for so many at once, and who waits is let in in order."""

import asyncio
from math import inf

import pytest

from reference_app.log import silent
from reference_app.slots import Slots
from reference_app.slots_redis import MOST_BACK, SharedSlots


async def _all(slots, count, held_s=0.005):
    seen, busy, order = [0], [0], []

    async def one(number):
        ticket = await slots.take(inf)
        order.append(number)
        busy[0] += 1
        seen[0] = max(seen[0], busy[0])
        await asyncio.sleep(held_s)
        busy[0] -= 1
        slots.give(ticket)

    await asyncio.gather(*(one(number) for number in range(count)))
    return seen[0], order


def test_no_more_than_the_limit_and_in_order():
    assert asyncio.run(_all(Slots(3), 20)) == (3, list(range(20)))


def test_who_waits_too_long_leaves_the_line():
    async def run():
        slots = Slots(1)
        ticket = await slots.take(inf)
        with pytest.raises(TimeoutError):
            await slots.take(asyncio.get_running_loop().time() + 0.01)
        assert not slots.line
        slots.give(ticket)
        slots.give(ticket)
        assert not slots.held
        return await slots.take(inf)

    assert asyncio.run(run())


def test_who_is_let_in_and_leaves_at_the_same_moment_keeps_nothing():
    async def run():
        slots = Slots(1)
        ticket = await slots.take(inf)
        waiting = asyncio.create_task(slots.take(inf))
        await asyncio.sleep(0)
        slots.give(ticket)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return len(slots.held), len(slots.line)

    assert asyncio.run(run()) == (0, 0)


def test_a_higher_limit_lets_in_at_once_and_a_lower_one_waits():
    async def run():
        slots = Slots(1)
        tickets = [await slots.take(inf)]
        others = [asyncio.create_task(slots.take(inf)) for _ in range(3)]
        await asyncio.sleep(0)
        slots.limit = 3
        slots.admit()
        await asyncio.sleep(0)
        assert (len(slots.held), len(slots.line)) == (3, 1)
        assert slots.counters() == {"in_flight_now": 3, "waiting_now": 1, "limit_now": 3}
        slots.limit = 1
        slots.give(tickets[0])
        assert (len(slots.held), len(slots.line)) == (2, 1)
        for task in others:
            task.cancel()

    asyncio.run(run())


def test_the_wait_is_told_from_the_line_and_from_how_long_calls_take():
    async def run():
        slots = Slots(2)
        assert slots.wait_s() == 0
        first, second = await slots.take(inf), await slots.take(inf)
        assert slots.wait_s() == 0, "nothing is known yet"
        await asyncio.sleep(0.05)
        slots.give(first)
        assert slots.wait_s() == 0, "there is room"
        await slots.take(inf)
        assert 0.02 <= slots.wait_s() < 0.2
        slots.give(second)

    asyncio.run(run())


def test_who_is_only_on_the_way_to_redis_does_not_wait():
    """The line of slots that are shared is not empty while there is room, and a crowd in it is no reason to refuse anybody."""

    class Redis:
        def register_script(self, _):
            return lambda **_: asyncio.sleep(60)

    async def run():
        slots = SharedSlots(Redis(), "name", 40, 20, 10, 1, silent)
        slots.service_s = 0.5
        asking = [asyncio.create_task(slots.take(inf)) for _ in range(19)]
        await asyncio.sleep(0)
        assert len(slots.line) == 19 and slots.wait_s() == 0
        asking += [asyncio.create_task(slots.take(inf)) for _ in range(21)]
        await asyncio.sleep(0)
        assert slots.wait_s() == 21 * 0.5 / 20
        for task in asking:
            task.cancel()
        slots._task.cancel()

    asyncio.run(run())


class Away:
    """A Redis that fails."""

    def register_script(self, _):
        async def fail(**_):
            raise OSError("gone")

        return fail


def test_who_has_more_than_its_share_of_shared_slots_makes_nobody_wait_for_that():
    """Others leave it room: 39 of 40 are held here, where 20 would be its share."""

    async def run():
        slots = SharedSlots(Away(), "name", 40, 20, 10, 1, silent)
        slots.service_s, slots.held = 2.0, {str(number): 0.0 for number in range(39)}
        assert slots.wait_s() < 0.1
        assert slots.counters()["limit_now"] == 20

    asyncio.run(run())


def test_what_is_to_be_given_back_does_not_grow_with_an_outage():
    """100 s of it, with a hundred calls in each; and those that wait are remembered once."""

    async def run():
        slots = SharedSlots(Away(), "name", 40, 20, 10, 1, silent)
        slots.line.append(("waits", asyncio.get_running_loop().create_future()))
        for second in range(100):
            for number in range(100):
                slots._given(f"{second}-{number}")
            with pytest.raises(OSError, match="gone"):
                await slots._take_turn()
        assert len(slots._back) == MOST_BACK and slots._back.count("waits") <= 1 and "99-99" in slots._back

    asyncio.run(run())
