"""Arms side by side on the same request keys: differences of every metric, with 95 % intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from reports.arm import Arm
from reports.blocks import ResampledQuantiles, slices, weights
from reports.cold_warm import CachePart, cold_and_warm
from reports.difference import Difference as Difference
from reports.difference import interval, over_pairs, over_requests, plain
from reports.metrics import BY_NAME, METRICS, Metric, quantile
from reports.ordered import Ordered
from reports.quantile_curve import Curve, quantile_curve
from reports.repeats import LEAST, Repeats
from reports.sides import Sides

Values = np.ndarray[Any, Any]

TOTALS = frozenset({"tokens", "count"})
"""The units of metrics that grow with the run: over all pairs they are so many times what they are in one."""
WHOLE_RUN = frozenset({"requests", "aborted"})
"""Counts that have no interval: the shared requests are as many in both arms, and the aborted are not told pair by pair."""


@dataclass(frozen=True)
class Comparison:
    """One arm against the reference arm."""

    reference: str
    other: str
    pairs: int
    """Requests that finished in both arms."""
    unpaired: int
    """Requests that finished in one only."""
    differences: tuple[Difference, ...]
    curve: Curve | None = None
    """The difference of the seconds from intended start at every quantile; None where the requests are too few."""
    cold: CachePart | None = None
    """The requests that nobody had asked before; None where neither arm used a cache."""
    warm: CachePart | None = None
    """The requests that a cache could have known."""


def reference_of(arms: Sequence[Arm], manifest: Mapping[str, Any]) -> Arm:
    """The arm that all others are compared to: the one the run names, else its first."""
    return next((arm for arm in arms if arm.name == manifest.get("reference")), arms[0])


def compare(reference: Arm, other: Arm, seed: int) -> Comparison:
    """Every metric of `other` minus that of `reference`."""
    sides = Sides(reference, other)
    repeats = Repeats(sides, seed)
    differences = tuple(_differences(sides, repeats).values())
    effective = BY_NAME["p95_s"].column
    assert effective is not None
    curve = quantile_curve(sides, *sides.ordered(effective), repeats)
    unpaired = len(reference.rows) + len(other.rows) - 2 * sides.count
    return Comparison(reference.name, other.name, sides.count, unpaired, differences, curve, *cold_and_warm(sides, repeats))


def paired(reference: pd.DataFrame, other: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of both arms for the keys they share, in the same order."""
    at = other.index.get_indexer(reference.index)
    return reference[at >= 0], other.iloc[at[at >= 0]]


def _differences(sides: Sides, repeats: Repeats) -> dict[str, Difference]:
    """Every metric by name, in their order."""
    told = {one.name: plain(one.name, *both) for one, both in zip(METRICS, sides.values(METRICS), strict=True)}
    known = [metric for metric in METRICS if told[metric.name].difference is not None]
    told |= _quantiles(told, [metric for metric in known if metric.column and metric.q], sides, repeats)
    for metric in known:
        if metric.column and not metric.q:
            told[metric.name] = _mean(told[metric.name], *sides.columns(metric.column), repeats)
    return told | _over_whole_arms(told, [metric for metric in known if not metric.column], sides, repeats)


def _quantiles(
    told: Mapping[str, Difference], metrics: Sequence[Metric], sides: Sides, repeats: Repeats
) -> dict[str, Difference]:
    """Those of one column are computed together."""
    found: dict[str, Difference] = {}
    for column in {metric.column: None for metric in metrics}:
        assert column is not None
        of = {metric.name: metric.q for metric in metrics if metric.column is column}
        differences = [told[name] for name in of]
        again = repeats.quantiles(differences, *sides.ordered(column), [q for q in of.values() if q])
        found |= dict(zip(of, again, strict=True))
    return found


def _mean(told: Difference, left: Values, right: Values, repeats: Repeats) -> Difference:
    if left.dtype != bool:
        return repeats.means(told, left.astype(float), right.astype(float))
    return over_requests(told, left, right) if len(left) >= LEAST else told


def _over_whole_arms(
    told: Mapping[str, Difference], metrics: Sequence[Metric], sides: Sides, repeats: Repeats
) -> dict[str, Difference]:
    """Metrics that are no quantile or mean of a column have an interval over pairs only: computed over each alone."""
    if not repeats.pairs:
        return {}
    metrics = [metric for metric in metrics if metric.name not in WHOLE_RUN]
    times = [repeats.pairs.count if metric.unit in TOTALS else 1 for metric in metrics]
    again = zip(metrics, sides.values_by_pair(metrics), times, strict=True)
    return {metric.name: over_pairs(told[metric.name], *both, many) for metric, both, many in again}


@dataclass(frozen=True)
class Ratio:
    """How many times longer the other side's quantile is, over `keys` paired requests."""

    old: float
    new: float
    ratio: float
    low: float | None
    high: float | None
    keys: int


def quantile_ratio(old: Values, new: Values, q: float, start_s: Values, pair: Values, seed: int) -> Ratio:
    """The ratio of two quantiles over the same keys, in the same order, with its interval by paired blocks."""
    before, after = quantile(old, q), quantile(new, q)
    if before is None or after is None or before <= 0:
        raise ValueError("a ratio needs a request on both sides, and time that passed")
    if len(old) < LEAST:
        return Ratio(before, after, after / before, None, None, len(old))
    sliced = slices(start_s, pair)
    drawn = weights(sliced, seed)
    again = [ResampledQuantiles(Ordered.of(values), sliced, drawn).at([q])[:, 0] for values in (new, old)]
    low, high = interval(again[0] / again[1], after / before)
    return Ratio(before, after, after / before, low, high, len(old))
