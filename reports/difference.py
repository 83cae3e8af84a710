"""One metric of one arm against another's: the difference, the ratio, and how sure they are."""

from dataclasses import dataclass, replace
from math import exp
from typing import Any

import numpy as np

from reports.metrics import quantile
from reports.proportions import mcnemar, newcombe
from reports.signed_rank import hodges_lehmann

Values = np.ndarray[Any, Any]

LEAST_PAIRS = 6
"""Fewer pairs of arms can give no 95 % interval by signed ranks."""
DIGITS = 9
"""Differences below a nanosecond, and ratios nearer to 1 than a billionth, are those of a clock's rounding: none at all."""


@dataclass(frozen=True)
class Difference:
    """One metric of `other` against the reference arm, over the requests that both arms finished."""

    metric: str
    reference: float | None
    """Over all these requests together, as is `other`."""
    other: float | None
    difference: float | None
    """What the interval is about. By `signed_rank` that of the typical pair: it may differ a little from other - reference."""
    low: float | None = None
    high: float | None = None
    ratio: float | None = None
    """As `difference`: within ratio_low and ratio_high, where there are such."""
    ratio_low: float | None = None
    ratio_high: float | None = None
    p_value: float | None = None
    """McNemar's exact for a share over paired requests, that of the exact signed-rank test for `signed_rank`."""
    method: str = ""
    """newcombe, signed_rank, blocks, or nothing where there is no interval."""
    pairs: int | None = None
    """The pairs of arms that `signed_rank` is over."""


def plain(metric: str, old: float | None, new: float | None) -> Difference:
    """Without an interval."""
    if old is None or new is None:
        return Difference(metric, old, new, None)
    return Difference(metric, old, new, new - old, ratio=new / old if old > 0 else None)


def over_requests(told: Difference, left: Values, right: Values) -> Difference:
    """A share, by which requests it holds for in each arm."""
    both, only_left = int((left & right).sum()), int((left & ~right).sum())
    only_right = int((right & ~left).sum())
    neither = len(left) - both - only_left - only_right
    low, high = newcombe(both, only_right, only_left, neither)
    return replace(told, low=low, high=high, p_value=mcnemar(only_left, only_right), method="newcombe")


def over_pairs(told: Difference, old: Values, new: Values, times: int = 1) -> Difference:
    """By the metric of both arms in each pair; as it was where fewer than six pairs know it.

    `times`: how many such differences make up that of the whole run; 1 but for totals.
    """
    known = np.isfinite(old) & np.isfinite(new)
    old, new = old[known], new[known]
    if len(old) < LEAST_PAIRS:
        return told
    shift = hodges_lehmann(settled(new - old))
    low, high = (None if end is None else times * end for end in (shift.low, shift.high))
    told = replace(told, difference=times * shift.estimate, low=low, high=high, p_value=shift.p_two_sided)
    told = replace(told, method="signed_rank", pairs=shift.n)
    if told.ratio is None or not ((old > 0) & (new > 0)).all():
        return told
    log = hodges_lehmann(settled(np.log(new / old)))
    low, high = (None if end is None else exp(end) for end in (log.low, log.high))
    return replace(told, ratio=exp(log.estimate), ratio_low=low, ratio_high=high)


def settled(values: Values) -> Values:
    """Without what is only the rounding of clocks."""
    return np.asarray(np.round(values, DIGITS))


def over_replicates(told: Difference, old: Values, new: Values) -> Difference:
    """By the metric of both arms in each replicate of the bootstrap."""
    low, high = interval(new - old, told.difference)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio_low, ratio_high = interval(new / old, told.ratio) if told.ratio is not None else (None, None)
    return replace(told, low=low, high=high, ratio_low=ratio_low, ratio_high=ratio_high, method="blocks")


def interval(replicates: Values, estimate: float | None) -> tuple[float | None, float | None]:
    """The middle 95 % of the replicates, widened to the estimate; nothing where too many of them have no value."""
    known = replicates[np.isfinite(replicates)]
    if estimate is None or len(known) < 0.95 * len(replicates):
        return None, None
    low, high = quantile(known, 0.025), quantile(known, 0.975)
    assert low is not None and high is not None
    return min(low, estimate), max(high, estimate)
