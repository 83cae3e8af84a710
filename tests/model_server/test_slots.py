"""Slots: never more than there are, first come first served, no place lost."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from model_server.slots import Busy, Slots


def run(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scene, 5))


async def hold(slots: Slots, name: str, told: list[str], until: asyncio.Event) -> None:
    async with slots:
        told.append(name)
        await until.wait()


async def settle() -> None:
    """Lets every task that can run do so."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_first_come_first_served():
    async def scene() -> None:
        slots, told, go = Slots(2, 10), list[str](), asyncio.Event()
        tasks = [asyncio.create_task(hold(slots, name, told, go)) for name in "abcde"]
        await settle()
        assert (told, slots.free, slots.waiting) == (["a", "b"], 0, 3)
        go.set()
        await asyncio.gather(*tasks)
        assert (told, slots.free, slots.waiting) == (list("abcde"), 2, 0)

    run(scene())


def test_beyond_the_queue_it_is_busy():
    async def scene() -> None:
        slots, told, go = Slots(1, 1), list[str](), asyncio.Event()
        tasks = [asyncio.create_task(hold(slots, name, told, go)) for name in "ab"]
        await settle()
        with pytest.raises(Busy):
            await slots.__aenter__()
        go.set()
        await asyncio.gather(*tasks)

    run(scene())


def test_who_leaves_the_queue_frees_its_place():
    async def scene() -> None:
        slots, told, go = Slots(1, 1), list[str](), asyncio.Event()
        first, second = (asyncio.create_task(hold(slots, name, told, go)) for name in "ab")
        await settle()
        second.cancel()
        await settle()
        third = asyncio.create_task(hold(slots, "c", told, go))
        await settle()
        assert slots.waiting == 1
        go.set()
        await asyncio.gather(first, third)
        assert (told, slots.free) == (["a", "c"], 1)

    run(scene())


@pytest.mark.parametrize("order", ["leaver first", "slot first"])
def test_no_slot_is_lost_when_leaving_and_freeing_meet(order: str):
    """The slot comes free in the very tick in which the next in the queue is cancelled."""

    async def scene() -> None:
        slots, told, go = Slots(1, 9), list[str](), asyncio.Event()
        first, leaver, last = (asyncio.create_task(hold(slots, name, told, go)) for name in "abc")
        await settle()
        for task in (leaver, first) if order == "leaver first" else (first, leaver):
            task.cancel()
            if order == "slot first" and task is first:
                await asyncio.sleep(0)
        await settle()
        assert told == ["a", "c"]
        go.set()
        await last
        assert slots.free == 1

    run(scene())
