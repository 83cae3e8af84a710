"""The whole curve of quantile differences: not only at P95, but from the fastest requests to the slowest.

The shift function (Doksum 1974, "Empirical probability plots and statistical inference for nonlinear models"; Rousselet, Pernet
and Wilcox 2017, "Beyond differences in means"): a cache shows as a drop on the left, a retry as a drop on the right, a slower
server as a rise throughout.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reports.difference import interval, settled
from reports.ordered import Ordered
from reports.repeats import InPairs, Repeats
from reports.sides import Sides
from reports.signed_rank import shifts

Values = np.ndarray[Any, Any]

GRID = (*(at / 100 for at in range(1, 100)), 0.995, 0.999)
BEYOND = 10
"""A quantile is told only where so many requests are beyond it."""
METHOD = (
    "The curve shows, for each quantile of the seconds from intended start (a failure counting as the deadline), how far the "
    "arm lies above the reference arm over the same requests (shift function; Doksum 1974). Its 95 % band holds for each point "
    "by itself: between equal arms, zero lies outside it at about five of a hundred points."
)


@dataclass(frozen=True)
class CurvePoint:
    """One quantile of both arms, and the difference with its 95 % interval."""

    q: float
    """The share of requests that took no longer."""
    reference_s: float
    """Over all requests together, as is `other_s`."""
    other_s: float
    difference_s: float
    """Other minus reference: below zero where the arm is faster. By signed_rank that of the typical pair."""
    low_s: float
    high_s: float


@dataclass(frozen=True)
class Curve:
    """The difference of two arms at every quantile that their requests can tell."""

    points: tuple[CurvePoint, ...]
    """In rising order of q; 0.01 to 0.99, 0.995 and 0.999, without those that fewer than 10 requests are beyond."""
    requests: int
    method: str
    """signed_rank or blocks: what the band is made by."""
    pairs: int | None
    """The pairs of arms that signed_rank is over."""


def quantile_curve(sides: Sides, left: Ordered, right: Ordered, repeats: Repeats) -> Curve | None:
    """The curve of one column of seconds; None where the requests are too few for any quantile."""
    way = repeats.pairs or repeats.blocks
    in_pairs = isinstance(way, InPairs)
    qs = told_by(sides.count, int(sides.sizes[sides.counted].min()) if in_pairs else sides.count)
    if not way or not qs:
        return None
    old, new = left.quantiles(qs), right.quantiles(qs)
    again = way.quantiles(right, qs) - way.quantiles(left, qs)
    band = over_pairs(again) if in_pairs else over_replicates(again, new - old)
    points = tuple(CurvePoint(*map(float, point)) for point in zip(qs, old, new, *band, strict=True))
    return Curve(points, sides.count, "signed_rank" if in_pairs else "blocks", len(again) if in_pairs else None)


def told_by(requests: int, least: int) -> list[float]:
    """The quantiles that enough of so many requests are beyond, on either side, and one at least of the smallest pair's."""
    return [q for q in GRID if _beyond(q, requests) >= BEYOND and _beyond(q, least) >= 1]


def _beyond(q: float, requests: int) -> float:
    return round(min(q, 1 - q) * requests, 6)


Band = tuple[Values | Sequence[float], Values | Sequence[float], Values | Sequence[float]]


def over_pairs(differences: Values) -> Band:
    """The typical pair's difference at each quantile (Hodges and Lehmann), and its interval; one line a pair."""
    found = shifts(settled(differences))
    assert found.low is not None and found.high is not None
    return found.estimate, found.low, found.high


def over_replicates(differences: Values, estimates: Values) -> Band:
    """The difference at each quantile, and its interval; one line a replicate."""
    ends = [interval(of, float(estimate)) for of, estimate in zip(differences.T, estimates, strict=True)]
    low, high = zip(*ends, strict=True)
    return estimates, low, high
