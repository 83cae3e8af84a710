"""Who has a thread, among the requests of a process and among processes: never two at once, and nobody who has left."""

import asyncio
from collections import Counter

from reference_app.call import Account
from reference_app.conversation.checkpoints import Checkpoints
from reference_app.conversation.turns import Turns
from reference_app.settings import Settings


class OneProcess:
    """As PostgreSQL's advisory locks are, and POSIX's: a process that has a thread is given it once more."""

    failures = ()

    def __init__(self):
        self.elsewhere, self.taken, self.told = False, Counter(), []

    async def take(self, thread):
        if not self.elsewhere:
            self.taken[thread] += 1
            self.told.append("taken")
        return not self.elsewhere

    async def give_back(self, thread):
        if self.taken[thread]:
            self.taken[thread] -= 1
            self.told.append("given back")
            return True
        return False

    async def aclose(self):
        pass


async def asked(checkpoints, turns, account):
    """Has the thread "t" to itself."""
    await turns.take("t", account)
    await checkpoints.hold("t", account, wait_s=20)


def run(work):
    async def whole():
        checkpoints, store = Checkpoints(Settings(features="none")), OneProcess()
        checkpoints._store = store
        await work(checkpoints, store, Turns(wait_s=20), Account(0.0), Account(0.0))
        await checkpoints.aclose()
        return store

    return asyncio.run(whole())


def test_a_thread_is_given_back_before_the_next_request_takes_it():
    """Otherwise what the first gives back would be the second's."""

    async def work(checkpoints, store, turns, first, second):
        await asked(checkpoints, turns, first)
        waiting = asyncio.create_task(asked(checkpoints, turns, second))
        await asyncio.sleep(0.01)
        await first.aclose()
        await waiting
        await second.aclose()

    assert run(work).told == ["taken", "given back"] * 2


def test_who_leaves_while_another_process_answers_takes_nothing_along():
    """The next in line has the thread once, and gives it back for good: no other process is locked out of it."""

    async def work(checkpoints, store, turns, first, second):
        store.elsewhere = True
        leaving = asyncio.create_task(asked(checkpoints, turns, first))
        await asyncio.sleep(0.01)
        waiting = asyncio.create_task(asked(checkpoints, turns, second))
        leaving.cancel()
        await asyncio.wait({leaving})
        await first.aclose()
        await asyncio.sleep(0.01)
        store.elsewhere = False
        await waiting
        await asyncio.sleep(0.2)
        assert store.taken["t"] == 1
        await second.aclose()

    store = run(work)
    assert store.told == ["taken", "given back"]


def test_a_second_try_to_have_a_thread_lets_go_of_both():
    """After a restart of the store it is asked for once more."""

    async def work(checkpoints, store, turns, first, second):
        await asked(checkpoints, turns, first)
        await checkpoints.hold("t", first, wait_s=20)
        await first.aclose()
        await asked(checkpoints, turns, second)
        await second.aclose()

    store = run(work)
    assert store.taken["t"] == 0 and store.told.count("taken") == 3
