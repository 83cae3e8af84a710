"""breaker: a model that fails too often is left alone for some time; calls to it are refused at once."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Literal

from reference_app.call import Account, Attempt, Call, Chunks, Next
from reference_app.errors import DeadlineExceeded, Refused, is_retryable, status_of

if TYPE_CHECKING:
    from reference_app.means import Means
    from reference_app.settings import Settings

State = Literal["closed", "open", "half-open"]


def has_failed(attempt: Attempt, error: BaseException | None, account: Account) -> bool | None:
    """Whether the provider failed in this attempt; None where it says nothing about the provider: a 4xx, a user who left."""
    if attempt.outcome == "ok":
        return False
    if isinstance(error, DeadlineExceeded):
        # Whoever came late, out of our own queue or after others, had only what they left of the time.
        had_s, whole_s = account.deadline_at - attempt.started_s, account.deadline_at - account.started_s
        return had_s >= whole_s / 2 or None
    failed = attempt.outcome == "truncated" or (error is not None and is_retryable(error) and (status_of(error) or 500) >= 500)
    return failed or None


class Gate:
    """Closed to nobody until `share` of at least `calls` attempts failed within `window_s`; then open for `open_s`.

    After that `probes` attempts are let through every `open_s`: as many successes close it, one failure opens it again.
    """

    def __init__(self, settings: "Settings", tell: Callable[[State], None] = lambda _: None) -> None:
        self.share, self.calls = settings.breaker_failure_share, settings.breaker_calls
        self.window_s, self.open_s = settings.breaker_window_s, settings.breaker_open_s
        self.probes = settings.breaker_probes
        self.state: State = "closed"
        self.tell = tell
        self._ends: deque[tuple[float, bool]] = deque()
        self._failed = self._left = self._succeeded = 0
        self._until = 0.0

    def ask(self, now_s: float) -> float:
        """How many seconds to stay away; 0: come in."""
        if self.state == "closed":
            return 0.0
        if now_s >= self._until:
            self._left, self._until = self.probes, now_s + self.open_s
            self._become("half-open")
        if self._left:
            self._left -= 1
            return 0.0
        return self._until - now_s

    def note(self, now_s: float, failed: bool) -> None:
        """The end of an attempt that was let in while the gate was closed."""
        if self.state != "closed":
            return
        self._ends.append((now_s, failed))
        self._failed += failed
        while self._ends[0][0] <= now_s - self.window_s:
            self._failed -= self._ends.popleft()[1]
        if len(self._ends) >= self.calls and self._failed >= self.share * len(self._ends):
            self._open(now_s)

    def probed(self, now_s: float, failed: bool | None) -> None:
        """The end of a probe. One that nobody waited for may be made again."""
        if self.state != "half-open":
            return
        if failed is None:
            self._left += 1
        elif failed:
            self._open(now_s)
        else:
            self._succeeded += 1
            if self._succeeded >= self.probes:
                self._ends.clear()
                self._failed = 0
                self._become("closed")

    def _open(self, now_s: float) -> None:
        self._until, self._left, self._succeeded = now_s + self.open_s, 0, 0
        self._become("open")

    def _become(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self.tell(state)


class Breaker:
    """One gate a model, in this process. Attempts are watched where they end, not chunk by chunk."""

    def __init__(self, means: "Means") -> None:
        self.settings = means.settings
        self.gates: dict[str, Gate] = {}

    def __call__(self, call: Call, next: Next) -> Chunks:
        model = call.model_name
        gate = self.gates.get(model) or self.gates.setdefault(model, Gate(self.settings))
        gate.tell = partial(_tell, call, model)
        away_s = gate.ask(asyncio.get_running_loop().time())
        if away_s > 0:
            asked_s = ceil(away_s)
            raise Refused(503, f"The model {model} fails too often to be asked now; try again in {asked_s} s.", asked_s)
        observe = partial(_note if gate.state == "closed" else _probed, gate, call.account)
        return next(replace(call, observers=(*call.observers, observe)))


def _note(gate: Gate, account: Account, attempt: Attempt, error: BaseException | None) -> None:
    failed = has_failed(attempt, error, account)
    if failed is not None:
        gate.note(attempt.finished_s, failed)


def _probed(gate: Gate, account: Account, attempt: Attempt, error: BaseException | None) -> None:
    gate.probed(attempt.finished_s, has_failed(attempt, error, account))


def _tell(call: Call, model: str, state: State) -> None:
    call.account.log("breaker", request_id=call.account.request_id, model=model, state=state)
