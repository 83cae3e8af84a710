"""One look of the gate: what so many pairs say of a candidate against its base. Pure.

Pairs are compared by the log of the ratio of their P95s, with Wilcoxon's exact signed-rank test and Hodges and Lehmann's
estimate (`reports.signed_rank` names the sources); failures by McNemar's exact one-sided test over all requests (McNemar 1947).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log

from reports.signed_rank import hodges_lehmann, lower_bound, upper_bound

OUT_OF_SIGHT = 1000.0
"""The log ratio of a pair whose true one cannot be seen: larger than any that can, also when averaged with one."""
OPEN = "open"
TOLERANCE, FAILURE_TOLERANCE = 0.10, 0.005
ROUNDED_S = 1e-6
"""Figures of a baseline's file are rounded to this."""


@dataclass(frozen=True)
class Look:
    """After so many pairs the gate decides, and is wrong by at most this share."""

    pairs: int
    alpha: float


LOOKS = (Look(6, 0.016), Look(9, 0.02), Look(12, 0.03))
"""Each may be wrong by its own share, so that looking again costs no certainty."""


@dataclass(frozen=True)
class Pair:
    """Both sides of one pair, over the requests that both finished; a failure counts as the deadline."""

    number: int
    base_s: float
    """P95."""
    candidate_s: float
    requests: int
    only_base_failed: int = 0
    only_candidate_failed: int = 0

    @property
    def log_ratio(self) -> float:
        return log(self.candidate_s / self.base_s)


@dataclass(frozen=True)
class Rules:
    """What is accepted."""

    deadline_s: float
    tolerance: float = TOLERANCE
    """The share by which P95 may grow."""
    failure_tolerance: float = FAILURE_TOLERANCE
    """By how much the share of failures may grow: while they are fewer than 5 %, they do not move P95."""
    looks: tuple[Look, ...] = LOOKS


@dataclass(frozen=True)
class Failures:
    """How failures changed sides, over the requests of all pairs."""

    requests: int
    only_base: int
    only_candidate: int
    p_more: float
    """Exact, one-sided: so many more in the candidate, or more, by tossing a coin for each that changed sides."""

    @property
    def growth(self) -> float:
        """Of the share of requests that fail."""
        return (self.only_candidate - self.only_base) / self.requests


@dataclass(frozen=True)
class Looked:
    """What one look saw; `low` and `high` are one-sided bounds, each wrong with chance `alpha` at most."""

    pairs: int
    alpha: float
    ratio: float
    """Of the P95s, candidate to base: Hodges and Lehmann's estimate."""
    low: float | None
    high: float | None
    """None where the pairs are too few for a bound, or too many of them unseen."""
    p_slower: float
    unseen: int
    """Pairs whose candidate is at the deadline, and whose base so near it that a slowdown could not have shown."""
    failures: Failures
    state: str
    """pass, fail, or open: the next look decides."""

    @property
    def is_blind(self) -> bool:
        """Whether so much is unseen that more pairs of the same sort would not help."""
        return 2 * self.unseen > self.pairs


def look_at(pairs: Sequence[Pair], alpha: float, rules: Rules) -> Looked:
    """What these pairs say, all of them."""
    unseen = [_is_unseen(pair, rules) for pair in pairs]
    logs = [pair.log_ratio for pair in pairs]
    shift, low = hodges_lehmann(logs), lower_bound(logs, alpha)
    # What was not seen may be slower by any factor: that speaks against passing, and for failing only what was seen counts.
    high = upper_bound([OUT_OF_SIGHT if hidden else one for one, hidden in zip(logs, unseen, strict=True)], alpha)
    seen = Looked(
        pairs=len(pairs),
        alpha=alpha,
        ratio=exp(shift.estimate),
        low=None if low is None else exp(low),
        high=None if high is None or high > OUT_OF_SIGHT / 4 else exp(high),
        p_slower=shift.p_greater,
        unseen=sum(unseen),
        failures=failures_of(pairs),
        state=OPEN,
    )
    return Looked(**vars(seen) | {"state": _state(seen, rules)})


def _is_unseen(pair: Pair, rules: Rules) -> bool:
    at_s = rules.deadline_s - ROUNDED_S
    return pair.candidate_s >= at_s and pair.base_s * (1 + rules.tolerance) >= at_s


def _state(seen: Looked, rules: Rules) -> str:
    """Slower surely and by more than is accepted: fail. Surely not slower by more than that: pass. Failures count alike."""
    slower = seen.p_slower <= seen.alpha and seen.ratio > 1 + rules.tolerance
    fails_more = seen.failures.growth > rules.failure_tolerance
    if slower or (fails_more and seen.failures.p_more <= seen.alpha):
        return "fail"
    fast_enough = seen.high is not None and seen.high <= 1 + rules.tolerance
    return "pass" if fast_enough and not fails_more else OPEN


def failures_of(pairs: Iterable[Pair]) -> Failures:
    """McNemar's exact test over the requests of all pairs, one-sided."""
    from scipy.special import bdtr

    counted = [(pair.requests, pair.only_base_failed, pair.only_candidate_failed) for pair in pairs]
    requests, only_base, only_candidate = (sum(column) for column in zip(*counted, strict=True))
    # So many heads, or more, are so many tails, or fewer.
    p_more = float(bdtr(only_base, only_base + only_candidate, 0.5)) if only_candidate else 1.0
    return Failures(requests, only_base, only_candidate, p_more)
