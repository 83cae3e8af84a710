"""adaptive_limit: how many calls are with the provider at once follows what it can take: less when it slows or refuses."""

from dataclasses import replace
from typing import TYPE_CHECKING

import httpx

from reference_app.call import Attempt, Call, Chunks, Next
from reference_app.errors import status_of
from reference_app.log import Log, silent
from reference_app.slots import Slots, holding

if TYPE_CHECKING:
    from reference_app.means import Means

LEAST_ROUND = 4
CUT = 0.7
"""What is left of the limit after a bad round."""
RISE = 0.1
"""Of the way to what is seen, a round: what stays slow, or keeps failing, however few calls are made, becomes the usual."""
BAD_SHARE = 0.1
"""Refusals beyond the usual that make a round bad."""


class Aimd:
    """Additive increase, multiplicative decrease, judged once a round: as many calls as the limit allows at once.

    A round is bad when its median first token takes `tolerance` times the usual, or clearly more calls than usual are refused.
    """

    def __init__(self, start: int, least: int, most: int, tolerance: float) -> None:
        self.limit, self.least, self.most, self.tolerance = start, least, most, tolerance
        self.usual_s: float | None = None
        self.usual_share = 0.0
        self._since_s = 0.0
        self._full = False
        self._begin()

    def note(self, started_s: float, ended_s: float, first_token_s: float | None, refused: bool, full: bool) -> bool:
        """The end of an attempt; `full`: the limit held others back. True where the limit has changed."""
        if started_s < self._since_s:
            # It met what a limit of before had led to.
            return False
        self._calls += 1
        self._refused += refused
        self._full = self._full or full
        if first_token_s is not None:
            self._firsts.append(first_token_s)
        return self._calls >= max(LEAST_ROUND, self.limit) and self._judge(ended_s)

    def _judge(self, now_s: float) -> bool:
        share = self._refused / self._calls
        median_s = sorted(self._firsts)[len(self._firsts) // 2] if self._firsts else None
        bad = share > self.usual_share * self.tolerance + BAD_SHARE or self._is_slow(median_s)
        self._learn(share, median_s)
        before, full = self.limit, self._full
        self._begin()
        if bad:
            self.limit, self._since_s = max(self.least, int(self.limit * CUT)), now_s
        elif full:
            self.limit = min(self.most, self.limit + 1)
        return self.limit != before

    def _is_slow(self, median_s: float | None) -> bool:
        return median_s is not None and self.usual_s is not None and median_s > self.usual_s * self.tolerance

    def _learn(self, share: float, median_s: float | None) -> None:
        self.usual_share += (share - self.usual_share) * (RISE if share > self.usual_share else 1.0)
        if median_s is not None:
            usual_s = median_s if self.usual_s is None else self.usual_s
            self.usual_s = usual_s + (median_s - usual_s) * (RISE if median_s > usual_s else 1.0)

    def _begin(self) -> None:
        self._calls = self._refused = 0
        self._full = False
        self._firsts: list[float] = []


def is_refusal(attempt: Attempt, error: BaseException | None) -> bool:
    """Whether the provider had too much to do: 429, 503, 529, or no word in time."""
    busy = error is not None and status_of(error) in (429, 503, 529)
    return busy or attempt.outcome in ("stalled", "timeout") or isinstance(error, httpx.TimeoutException)


class AdaptiveLimit:
    """Of this process. Attempts are looked at where they end."""

    def __init__(self, means: "Means") -> None:
        settings = means.settings
        least, most = settings.adaptive_least, settings.adaptive_most
        start = min(max(settings.adaptive_start, least), most)
        self.aimd = Aimd(start, least, most, settings.adaptive_tolerance)
        self.slots = Slots(start)
        self._log: Log = silent
        means.slots.append(self.slots)

    def __call__(self, call: Call, next: Next) -> Chunks:
        self._log = call.account.log
        return holding(replace(call, observers=(*call.observers, self._note)), next, self.slots)

    def _note(self, attempt: Attempt, error: BaseException | None) -> None:
        if attempt.abandoned or attempt.outcome == "cancelled":
            return
        first_s = None if attempt.first_token_s is None else attempt.first_token_s - attempt.started_s
        full = bool(self.slots.line)
        if self.aimd.note(attempt.started_s, attempt.finished_s, first_s, is_refusal(attempt, error), full):
            self.slots.limit = self.aimd.limit
            self.slots.admit()
            self._log("adaptive_limit", limit=self.aimd.limit, usual_first_token_s=self.aimd.usual_s)
