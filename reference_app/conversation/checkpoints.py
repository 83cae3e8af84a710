"""Where the graph keeps its checkpoints: opened when first needed, left alone for a while after it failed, back by itself."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from reference_app.call import Account, current_account
from reference_app.errors import Refused
from reference_app.features.outage import Cooldown
from reference_app.redact import without_passwords

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver

    from reference_app.settings import Settings

T = TypeVar("T")
POLL_S = 0.05
"""Between two tries to have a thread that another process is answering in, or whose time has not come."""


class StoreDown(Refused):
    """Nothing can be read or saved: an answer without its history would be a wrong answer."""

    def __init__(self, why: str, retry_after_s: float) -> None:
        super().__init__(503, f"Conversations cannot be read or saved now: {why}. Ask again in a few seconds.", retry_after_s)


class Store(Protocol):
    """A saver of LangGraph's, and what it takes to run it."""

    saver: "BaseCheckpointSaver[str]"
    failures: tuple[type[Exception], ...]
    """What its outages raise; none where there can be none."""

    async def open(self) -> None:
        """Opens it, or finds out whether what is open still works."""

    async def take(self, thread: str) -> bool:
        """Whether this process has the thread to itself now, among all that share the store."""

    async def give_back(self, thread: str) -> bool:
        """Whether this process has had it to itself all the time."""

    async def prune(self, thread: str) -> None:
        """Deletes all but its latest checkpoint."""

    async def aclose(self) -> None: ...


class Checkpoints:
    """One store a process, within bounds: who waits for it is told in time, and nobody waits for what is known to be down."""

    def __init__(self, settings: "Settings") -> None:
        self.settings, self.timeout_s = settings, settings.checkpoints_timeout_s
        self.outages = 0
        self._store: Store | None = None
        self._cooldown = Cooldown(settings.checkpoints_cooldown_s)
        self._opening = asyncio.Lock()
        # It is not open yet, or has failed since: to be tried before the next use.
        self._doubted = True
        self._tasks: set[asyncio.Task[Any]] = set()

    async def store(self) -> Store:
        """The store, which may be closed still."""
        if self._store is None:
            # In a thread: nobody else would be answered while LangGraph is imported.
            make = await asyncio.to_thread(_maker_of, self.settings.checkpoints)
            self._store = self._store or make(self.settings)
        return self._store

    async def ready(self) -> Store:
        """The store, open as far as is known; StoreDown where it cannot be had."""
        store = await self.store()
        if self._doubted:
            async with self._opening:
                if self._doubted:
                    await self._open(store)
        return store

    async def _open(self, store: Store) -> None:
        if not self._cooldown.may_try(self.timeout_s):
            raise StoreDown("the store does not answer", self._cooldown.cooldown_s)
        try:
            await self.guard(store.open())
        except StoreDown:
            self._cooldown.note(works=False)
            raise
        self._cooldown.note(works=True)
        self._doubted = False

    async def guard(self, work: Coroutine[Any, Any, T]) -> T:
        """What the store answers, in time; StoreDown instead of whatever it fails with."""
        # A task of its own: a server that hangs would hang the cancelling of its client's query, too; and a user who leaves
        # does not break off what is being written.
        doing = self._keep(asyncio.create_task(work))
        done, _ = await asyncio.wait({doing}, timeout=self.timeout_s)
        if not done:
            doing.cancel()
            raise self._down(TimeoutError(f"no answer within {self.timeout_s:g} s"))
        failures = self._store.failures if self._store else ()
        try:
            return doing.result()
        except failures as error:
            raise self._down(error) from error

    def _down(self, error: Exception) -> StoreDown:
        self._doubted = True
        self.outages += 1
        told = f"{type(error).__name__} {without_passwords(str(error))}".strip()
        if account := current_account.get(None):
            account.log("checkpoints_outage", request_id=account.request_id, error=told)
        return StoreDown("the store gives no answer", self._cooldown.cooldown_s)

    async def hold(self, thread: str, account: Account, wait_s: float) -> None:
        """Returns when no other process answers in the thread; a 409 after `wait_s`. Let go when the request has ended.

        The last that the account holds is the turn within this process, which is kept until the thread is given back.
        """
        left, turn = asyncio.Event(), account.held.pop()
        taking = self._keep(asyncio.create_task(self._taken(thread, wait_s, left)))

        def let_go() -> None:
            left.set()
            self._later(self._let_go(thread, taking, turn))

        account.held.append(let_go)
        # Shielded: what is taken for a user who left in that moment must be known, to be given back.
        await asyncio.shield(taking)

    async def _taken(self, thread: str, wait_s: float, left: asyncio.Event) -> None:
        store, until_s = await self.store(), asyncio.get_running_loop().time() + wait_s
        while not await self.guard(store.take(thread)):
            if asyncio.get_running_loop().time() > until_s:
                told = f"This conversation has been answering another question for {wait_s:g} s; ask again after that."
                raise Refused(409, told, retry_after_s=1)
            await asyncio.sleep(POLL_S)
            if left.is_set():
                raise Refused(409, "The user who waited has left.")

    async def confirm(self, thread: str) -> None:
        """Gives the thread back; StoreDown where another process may have answered in it meanwhile."""
        if not await self.guard((await self.store()).give_back(thread)):
            raise StoreDown("the answer may not be saved, since its store has restarted meanwhile", self._cooldown.cooldown_s)

    async def _let_go(self, thread: str, taking: "asyncio.Task[None]", turn: Callable[[], None]) -> None:
        try:
            with suppress(Exception):
                await taking
                await self.guard((await self.store()).give_back(thread))
        finally:
            # Not before: a store knows processes, no requests. It would let the next request of this one in at once, and then
            # take for its the thread that is given back here.
            turn()

    def prune(self, thread: str) -> None:
        """Later, while nobody waits; what is not pruned now is the next time."""
        self._later(self._prune(thread))

    async def _prune(self, thread: str) -> None:
        with suppress(Exception):
            await (await self.store()).prune(thread)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        self._keep(asyncio.create_task(work))

    def _keep(self, task: "asyncio.Task[T]") -> "asyncio.Task[T]":
        # The loop itself holds on to no task; and an error that nobody waits for any more is nobody's.
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()

    async def aclose(self) -> None:
        """Ends what is under way, and closes the store."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=1)
        if self._store is not None:
            with suppress(Exception):
                await asyncio.wait_for(self._store.aclose(), self.timeout_s)


def _maker_of(where: str) -> "Callable[[Settings], Store]":
    """What makes the store that APP_CHECKPOINTS names; imported here, so that no app pays for what it does not use."""
    kind = "memory" if where == "memory" else "sqlite" if where.startswith("sqlite:") else "postgres"
    import_module("reference_app.conversation.graph")
    make: Callable[[Settings], Store] = import_module(f"reference_app.conversation.checkpoints_{kind}").open_store
    return make
