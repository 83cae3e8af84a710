"""hedge: when the first word is later than nearly all were, the same is asked once more; whoever speaks first is heard."""

import asyncio
from bisect import insort
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Self, cast

from langchain_core.outputs import ChatGenerationChunk

from reference_app.budget import Budget
from reference_app.call import Attempt, Call, Chunks, Next, is_text

if TYPE_CHECKING:
    from reference_app.means import Means

REMEMBERED = 200
"""First words the quantile is taken of: few enough to follow a model that becomes slower."""
BUDGET_WINDOW_S = 60.0


class Latency:
    """How long the first word of a model takes."""

    def __init__(self, least: int, quantile: float) -> None:
        self.least, self.quantile = least, quantile
        self._recent: deque[float] = deque(maxlen=max(REMEMBERED, least))
        self._sorted: list[float] = []

    def add(self, first_token_s: float) -> None:
        if len(self._recent) == self._recent.maxlen:
            self._sorted.remove(self._recent[0])
        self._recent.append(first_token_s)
        insort(self._sorted, first_token_s)

    def usual_s(self) -> float | None:
        """The quantile; None where too few have been seen to tell."""
        count = len(self._sorted)
        return self._sorted[min(int(self.quantile * count), count - 1)] if count >= self.least else None

    def note(self, attempt: Attempt, _: BaseException | None) -> None:
        if attempt.first_token_s is not None:
            self.add(attempt.first_token_s - attempt.started_s)
        elif (attempt.abandoned and attempt.reason != "hedge") or attempt.outcome in ("stalled", "timeout"):
            # It would have taken longer still. Without these, each hedge would make the next one come earlier.
            waited_s = attempt.finished_s - attempt.started_s
            if waited_s >= (self.usual_s() or 0.0):
                self.add(waited_s)


class Hedge:
    """Within a budget, and only for a call that is with the provider: who waits in our own queue is helped by no second one."""

    def __init__(self, means: "Means") -> None:
        settings = means.settings
        self.least, self.quantile = settings.hedge_observations, settings.hedge_quantile
        self.least_s = settings.hedge_least_s
        self.budget = Budget(settings.hedge_budget_share, window_s=BUDGET_WINDOW_S)
        self.latencies: dict[str, Latency] = {}
        self.second_calls = self.won = self.held_back = 0

    def counters(self) -> dict[str, float]:
        return {"second_calls": self.second_calls, "won": self.won, "held_back": self.held_back}

    def may_call(self) -> bool:
        """Whether the budget has room for a second call; it counts as made."""
        may = self.budget.spend(asyncio.get_running_loop().time())
        self.second_calls += may
        self.held_back += not may
        return may

    def __call__(self, call: Call, next: Next) -> Chunks:
        if call.whole:
            return next(call)
        self.budget.earn(asyncio.get_running_loop().time())
        model = call.model_name
        latency = self.latencies.get(model) or self.latencies.setdefault(model, Latency(self.least, self.quantile))
        after_s = latency.usual_s()
        call = replace(call, observers=(latency.note, *call.observers))
        return next(call) if after_s is None else cast(Chunks, _Race(call, next, max(after_s, self.least_s), self))


class _Runner:
    """One of the two calls, up to its first word."""

    def __init__(self, call: Call, next: Next) -> None:
        self.lost = False
        self.attempt: Attempt | None = None
        self.held: deque[ChatGenerationChunk] = deque()
        self.chunks: Chunks | None = None
        self._call, self._next = replace(call, observers=(self._note, *call.observers)), next
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        self.chunks = self._next(self._call)
        async for chunk in self.chunks:
            self.held.append(chunk)
            # OpenAI's first chunk tells the role only: no word yet.
            if chunk.text or not is_text(chunk):
                return

    def _note(self, attempt: Attempt, _: BaseException | None) -> None:
        self.attempt, attempt.abandoned = attempt, self.lost
        if self.lost:
            self._call.account.dropped += attempt.chunks

    @property
    def has_won(self) -> bool:
        return self.task.done() and not self.task.cancelled() and self.task.exception() is None

    def lose(self) -> None:
        """The other was faster: what becomes of this one, or became of it, is nobody's concern."""
        self.lost = True
        if self.attempt is not None:
            self.attempt.abandoned = True

    async def leave(self) -> None:
        """Ends the call at once, wherever it is: the provider sees its connection closed."""
        self.task.cancel()
        # Unlike to await the task, this lets our own cancellation through.
        await asyncio.wait({self.task})
        if not self.task.cancelled():
            self.task.exception()
        if self.chunks is not None:
            await self.chunks.aclose()


class _Race:
    """The chunks of the winner. After the first word its own iterator's awaitables are handed on: no step more a token."""

    def __init__(self, call: Call, next: Next, after_s: float, hedge: Hedge) -> None:
        self._call, self._next, self._after_s, self._hedge = call, next, after_s, hedge
        self._winner: _Runner | None = None
        self._step: Callable[[], Awaitable[ChatGenerationChunk]] = self._begin

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Awaitable[ChatGenerationChunk]:
        return self._step()

    async def _begin(self) -> ChatGenerationChunk:
        self._winner = winner = self._winner or await self._run()
        if winner.held:
            return winner.held.popleft()
        assert winner.chunks is not None
        self._step = winner.chunks.__anext__
        return await self._step()

    async def aclose(self) -> None:
        if self._winner is not None and self._winner.chunks is not None:
            await self._winner.chunks.aclose()

    async def _run(self) -> _Runner:
        begun = len(self._call.account.attempts)
        runners = [_Runner(self._call, self._next)]
        try:
            await asyncio.wait({runners[0].task}, timeout=self._after_s)
            if not runners[0].task.done() and self._may_hedge(begun):
                self._call.account.next_reason = "hedge"
                runners.append(_Runner(self._call, self._next))
            winner = await _first_of(runners)
            if len(runners) > 1:
                self._tell(winner is runners[1])
            runners.remove(winner)
            for runner in runners:
                runner.lose()
            return winner
        finally:
            # Also where all failed, or the user left: nobody must go on.
            for runner in runners:
                await runner.leave()
            if self._call.account.next_reason == "hedge":
                self._call.account.next_reason = "first"

    def _may_hedge(self, begun: int) -> bool:
        account = self._call.account
        return len(account.attempts) > begun and not account.exhausted and self._hedge.may_call()

    def _tell(self, won: bool) -> None:
        self._hedge.won += won
        account = self._call.account
        account.log("hedge", request_id=account.request_id, after_s=self._after_s, won=won)


async def _first_of(runners: list[_Runner]) -> _Runner:
    """Whoever speaks first. Where none does, the error of the last that was with the provider."""
    waited = {runner.task for runner in runners}
    while waited:
        _, waited = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        for runner in runners:
            if runner.has_won:
                return runner
    failed = next((runner for runner in reversed(runners) if runner.attempt), runners[0])
    failed.task.result()
    raise AssertionError("a call that failed has an error")
