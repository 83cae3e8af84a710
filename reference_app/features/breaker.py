"""breaker: a model that fails too often is left alone for some time; calls to it are refused at once."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Literal

from reference_app.call import Account, Attempt, Call, Chunks, Next, is_text
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

    After that `probes` attempts are let through every `open_s`: as many that begin to answer close it, one failure opens it
    again. A probe that breaks off later does so, too, unless by then more went well than wrong.
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
        self.trial = 0
        """How often it has opened: what was let in before says nothing about now."""

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

    def note(self, now_s: float, failed: bool, least: int = 0) -> None:
        """The end of an attempt that was let in while the gate was closed; `least`: how many a share is taken of."""
        if self.state != "closed":
            return
        self._ends.append((now_s, failed))
        self._failed += failed
        while self._ends[0][0] <= now_s - self.window_s:
            self._failed -= self._ends.popleft()[1]
        if len(self._ends) >= (least or self.calls) and self._failed >= self.share * len(self._ends):
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

    def settled(self, now_s: float, failed: bool) -> None:
        """The end of a probe that had begun to answer, and so was taken for a success already."""
        if self.state == "closed":
            # An outage that cuts answers off must not need as many as it takes to open at first.
            self.note(now_s, failed, least=1 if failed else 0)
        elif failed and self.state == "half-open":
            self._open(now_s)

    def _open(self, now_s: float) -> None:
        self._until, self._left, self._succeeded = now_s + self.open_s, 0, 0
        self.trial += 1
        self._become("open")

    def _become(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self.tell(state)


class Probe:
    """An attempt that is let in to see. Its first word is enough: users need not be refused until it has said its last."""

    def __init__(self, gate: Gate, account: Account) -> None:
        self.gate, self.account, self.trial = gate, account, gate.trial
        self.speaks = False

    async def heard(self, chunks: Chunks) -> Chunks:
        async with aclosing(chunks):
            async for chunk in chunks:
                if not self.speaks and (chunk.text or not is_text(chunk)):
                    self.speaks = True
                    if self.trial == self.gate.trial:
                        self.gate.probed(asyncio.get_running_loop().time(), False)
                yield chunk

    def ended(self, attempt: Attempt, error: BaseException | None) -> None:
        failed = has_failed(attempt, error, self.account)
        if self.trial != self.gate.trial:
            return
        if not self.speaks:
            self.gate.probed(attempt.finished_s, failed)
        elif failed is not None:
            self.gate.settled(attempt.finished_s, failed)


class Breaker:
    """One gate a model, in this process. Attempts are watched where they end, not chunk by chunk; only probes are heard."""

    def __init__(self, means: "Means") -> None:
        self.settings = means.settings
        self.gates: dict[str, Gate] = {}
        self.opened = self.refused = 0

    def counters(self) -> dict[str, float]:
        shut = sum(gate.state != "closed" for gate in self.gates.values())
        return {"opened": self.opened, "refused": self.refused, "open_now": shut}

    def __call__(self, call: Call, next: Next) -> Chunks:
        model = call.model_name
        gate = self.gates.get(model) or self.gates.setdefault(model, Gate(self.settings))
        gate.tell = partial(self._tell, call, model)
        away_s = gate.ask(asyncio.get_running_loop().time())
        if away_s > 0:
            self.refused += 1
            asked_s = ceil(away_s)
            raise Refused(503, f"The model {model} fails too often to be asked now; try again in {asked_s} s.", asked_s)
        if gate.state == "closed":
            return next(replace(call, observers=(*call.observers, partial(_note, gate, gate.trial, call.account))))
        probe = Probe(gate, call.account)
        return probe.heard(next(replace(call, observers=(*call.observers, probe.ended))))

    def _tell(self, call: Call, model: str, state: State) -> None:
        self.opened += state == "open"
        call.account.log("breaker", request_id=call.account.request_id, model=model, state=state)


def _note(gate: Gate, trial: int, account: Account, attempt: Attempt, error: BaseException | None) -> None:
    failed = has_failed(attempt, error, account)
    # One that an outage left hanging ends after it, and would open the gate once more.
    if failed is not None and trial == gate.trial:
        gate.note(attempt.finished_s, failed)
