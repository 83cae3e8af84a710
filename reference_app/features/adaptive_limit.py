"""adaptive_limit: how many calls are with the provider at once follows what it can take: less when it slows or refuses."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from itertools import accumulate
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
    Until the first bad round it grows by half, as TCP's slow start does: where it begins is a guess, and may be far too low.
    Refusals lower it to one less than was served at once beside them, and no further: a provider that refuses one call in five,
    however few there are, is not too busy but unwell, and fewer calls would only keep users waiting.
    """

    def __init__(self, start: int, least: int, most: int, tolerance: float) -> None:
        self.limit, self.least, self.most, self.tolerance = start, least, most, tolerance
        self.usual_s: float | None = None
        self.usual_share = 0.0
        self._since_s = self._begun_s = self._took_s = 0.0
        self._full = False
        self._guessed = True
        self._served: deque[tuple[float, float]] = deque()
        self._begin()

    def note(
        self, started_s: float, ended_s: float, first_token_s: float | None, refused: bool, full: bool, in_flight: int = 0
    ) -> bool:
        """The end of an attempt; `full`: the limit held others back; `in_flight`: beside it. True where the limit changes."""
        if not refused:
            self._serve(started_s, ended_s)
        if started_s < self._since_s:
            # It met what a limit of before had led to.
            return False
        self._calls += 1
        self._refused += refused
        self._full = self._full or full
        if first_token_s is not None:
            self._firsts.append(first_token_s)
        return self._calls >= max(LEAST_ROUND, self.limit) and self._judge(ended_s, in_flight)

    def _serve(self, started_s: float, ended_s: float) -> None:
        took_s = ended_s - started_s
        self._took_s += (took_s - self._took_s) * (RISE if self._served else 1.0)
        self._served.append((started_s, ended_s))

    def _served_at_once(self, now_s: float) -> int:
        """At most, by the calls that ended in this round, or lately where it was short."""
        since_s = min(self._begun_s, now_s - self._took_s)
        while self._served and self._served[0][1] < since_s:
            self._served.popleft()
        return at_once(self._served)

    def _judge(self, now_s: float, in_flight: int) -> bool:
        # Refusals are over first: without who is still served, they would be all that a round sees.
        share = self._refused / (self._calls + in_flight)
        median_s = sorted(self._firsts)[len(self._firsts) // 2] if self._firsts else None
        slow, refuses = self._is_slow(median_s), share > self.usual_share * self.tolerance + BAD_SHARE
        served = self._served_at_once(now_s)
        self._learn(share, median_s)
        before, full, self._begun_s = self.limit, self._full, now_s
        self._begin()
        if slow or refuses:
            self._guessed = False
            self.limit = max(self.least, int(self.limit * CUT), 0 if slow else min(served - 1, self.limit))
            self._since_s = now_s if self.limit != before else self._since_s
        elif full:
            self.limit = min(self.most, self.limit + (max(1, self.limit // 2) if self._guessed else 1))
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


def at_once(spans: Iterable[tuple[float, float]]) -> int:
    """How many were under way at the same time, at most.

    >>> at_once([(0, 2), (1, 3), (2, 4)])
    2
    """
    # An end comes before a beginning at the same moment.
    edges = sorted(edge for begin, end in spans for edge in ((begin, 1), (end, -1)))
    return max(accumulate(step for _, step in edges), default=0)


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

    def counters(self) -> dict[str, float]:
        return self.slots.counters()

    def __call__(self, call: Call, next: Next) -> Chunks:
        self._log = call.account.log
        return holding(replace(call, observers=(*call.observers, self._note)), next, self.slots)

    def _note(self, attempt: Attempt, error: BaseException | None) -> None:
        if attempt.abandoned or attempt.outcome == "cancelled":
            return
        first_s = None if attempt.first_token_s is None else attempt.first_token_s - attempt.started_s
        full, beside = bool(self.slots.line), max(0, len(self.slots.held) - 1)
        if self.aimd.note(attempt.started_s, attempt.finished_s, first_s, is_refusal(attempt, error), full, beside):
            self.slots.limit = self.aimd.limit
            self.slots.admit()
            self._log("adaptive_limit", limit=self.aimd.limit, usual_first_token_s=self.aimd.usual_s)
