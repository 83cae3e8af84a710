"""One turn of a conversation at a time, in the order of asking; nothing is left of those that are over."""

import asyncio

import pytest

from reference_app.call import Account
from reference_app.conversation.turns import Turns
from reference_app.errors import Refused


def test_turns_are_taken_in_the_order_of_asking_and_others_are_not_held_up():
    """The lock goes with the last who waits for it."""

    async def work():
        turns, said = Turns(wait_s=20), []

        async def ask(name, thread):
            account = Account(0.0)
            await turns.take(thread, account)
            said.append(f"{name} begins")
            await asyncio.sleep(0.01)
            said.append(f"{name} ends")
            await account.aclose()

        await asyncio.gather(*(ask(f"a{number}", "a") for number in range(3)), ask("b", "b"))
        return said, len(turns)

    said, left = asyncio.run(work())
    of_a = [one for one in said if one.startswith("a")]
    assert of_a == [f"a{number} {what}" for number in range(3) for what in ("begins", "ends")] and left == 0
    assert said.index("b begins") < said.index("a1 begins")


def test_who_waits_in_vain_or_leaves_does_not_hold_up_the_next():
    """A 409 with the time to wait; the turn goes to whoever is still there."""

    async def work():
        turns, first, second, third = Turns(wait_s=0.05), Account(0.0), Account(0.0), Account(0.0)
        await turns.take("a", first)
        with pytest.raises(Refused, match="another question") as refused:
            await turns.take("a", second)
        turns.wait_s = 20
        leaving, waiting = (asyncio.create_task(turns.take("a", one)) for one in (second, third))
        await asyncio.sleep(0)
        leaving.cancel()
        await first.aclose()
        await waiting
        return refused.value, [bool(account.held) for account in (first, second, third)]

    refused, held = asyncio.run(work())
    assert (refused.status, refused.retry_after_s) == (409, 1) and held == [False, False, True]


def test_letting_go_twice_is_letting_go_once():
    """A request may be ended by its user and by its route."""

    async def work():
        turns, first, second = Turns(wait_s=20), Account(0.0), Account(0.0)
        await turns.take("a", first)
        await first.aclose()
        await turns.take("a", second)
        await first.aclose()
        return bool(second.held), len(turns)

    assert asyncio.run(work()) == (True, 1)
