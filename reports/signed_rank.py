"""A shift between pairs, without assuming the shape of its noise: Hodges and Lehmann's estimate and its exact interval.

Each pair of arms gives one value, such as the log ratio of its two P95. The estimate is the median of all Walsh averages
(the mean of each two values, each value with itself too; Hodges and Lehmann 1963), the interval two of their order statistics,
chosen by the exact null distribution of Wilcoxon's signed-rank statistic (Tukey 1949; Hollander and Wolfe 1999, ch. 3.3). It
takes pairs as independent and their noise as symmetric; where values are tied it covers more than it promises, never less.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

Values = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Shift:
    """By how much the values lie off zero."""

    estimate: float
    """The median of the Walsh averages."""
    low: float | None
    """None where there are too few values for so much confidence: 95 % takes six."""
    high: float | None
    p_greater: float
    """Exact, one-sided: so much above zero, or more, by tossing a coin for each sign."""
    p_less: float
    p_two_sided: float
    n: int


@dataclass(frozen=True)
class Shifts:
    """The same for many columns at once: an array each, `low` and `high` None where there are too few values."""

    estimate: Values
    low: Values | None
    high: Values | None


@dataclass(frozen=True)
class _Tails:
    greater: float
    less: float


def hodges_lehmann(values: Sequence[float] | Values, alpha: float = 0.05) -> Shift:
    """The shift of these values, with its exact two-sided interval at confidence 1 - alpha and the exact signed-rank test."""
    known = _checked(values)
    found, tails = shifts(known, alpha), _test(known)
    return Shift(
        float(found.estimate),
        None if found.low is None else float(found.low),
        None if found.high is None else float(found.high),
        tails.greater,
        tails.less,
        min(1.0, 2 * min(tails.greater, tails.less)),
        len(known),
    )


def lower_bound(values: Sequence[float] | Values, alpha: float) -> float | None:
    """The shift is at least this, wrong with chance alpha at most; None where there are too few values to say so."""
    known = _checked(values)
    rank = rank_of_bound(len(known), alpha)
    return float(np.sort(walsh_averages(known))[rank - 1]) if rank else None


def upper_bound(values: Sequence[float] | Values, alpha: float) -> float | None:
    """The shift is at most this, wrong with chance alpha at most; None where there are too few values to say so."""
    bound = lower_bound(-np.asarray(values, dtype=float), alpha)
    return None if bound is None else -bound


def shifts(table: Values, alpha: float = 0.05) -> Shifts:
    """Estimate and interval of every column: one line a pair. A column with a NaN has NaN in all three."""
    ordered = np.sort(walsh_averages(table), axis=0)
    middle = np.median(ordered, axis=0)
    rank = rank_of_bound(len(table), alpha / 2)
    if not rank:
        return Shifts(middle, None, None)
    unknown = np.isnan(middle)
    return Shifts(middle, np.where(unknown, np.nan, ordered[rank - 1]), np.where(unknown, np.nan, ordered[-rank]))


def walsh_averages(table: Values) -> Values:
    """The mean of each two lines, each with itself too."""
    first, second = np.triu_indices(len(table))
    # Halves first: the sum of two large values may be infinite where their mean is not.
    return np.asarray(table[first] / 2 + table[second] / 2)


def rank_of_bound(n: int, alpha: float) -> int:
    """Which of the ordered Walsh averages is passed by the true shift with chance alpha at most; 0 where none is."""
    # The C-th lowest is above the true shift only where fewer than C are below it: the statistic is C - 1 at most.
    return int(np.searchsorted(_cumulated(n), alpha, side="right"))


@lru_cache(maxsize=512)
def _cumulated(n: int) -> Values:
    """The chance of each value of the signed-rank statistic or a lower one, without ties and zeros."""
    return np.cumsum(_coin_sums(np.arange(1, n + 1)))


def _coin_sums(ranks: Values) -> Values:
    """The distribution of the sum of those of these whole numbers that a fair coin picks: the chance of 0, 1, 2, ..."""
    chance = np.zeros(int(ranks.sum()) + 1)
    chance[0] = 1.0
    reached = 0
    for rank in ranks.astype(int):
        grown = chance[: reached + rank + 1] / 2
        grown[rank:] += chance[: reached + 1] / 2
        reached += int(rank)
        chance[: reached + 1] = grown
    return chance


def _test(values: Values) -> _Tails:
    """The signed-rank test over all ways to toss the signs of these very values, so that ties and zeros need no correction.

    Zeros are ranked with the others and then left out (Pratt 1959): dropped before the ranking, as Wilcoxon did, a zero that
    falls below zero can make the whole look further above it.
    """
    _, which, counts = np.unique(np.abs(values), return_inverse=True, return_counts=True)
    # The mean rank of each, doubled, so that it is a whole number where values are tied too.
    doubled = (2 * np.cumsum(counts) - counts + 1)[which]
    signed = values != 0
    if not signed.any():
        return _Tails(1.0, 1.0)
    chance = _coin_sums(doubled[signed])
    observed = int(doubled[values > 0].sum())
    return _Tails(_at_most_one(chance[observed:]), _at_most_one(chance[: observed + 1]))


def _at_most_one(chance: Values) -> float:
    return min(1.0, float(chance.sum()))


def _checked(values: Sequence[float] | Values) -> Values:
    known = np.asarray(values, dtype=float)
    if known.ndim != 1 or not len(known) or not np.isfinite(known).all():
        raise ValueError(f"values must be finite numbers, at least one, got {known}")
    return known
