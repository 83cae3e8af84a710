"""Arms side by side on the same request keys: differences of every metric, with 95 % intervals."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from reports.arm import Arm
from reports.blocks import ResampledQuantiles, resampled_means, slices, weights
from reports.metrics import METRICS, Column, Metric, quantile
from reports.proportions import mcnemar, newcombe

LEAST = 20
"""Fewer paired requests than this give no interval."""

Values = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Difference:
    """One metric of `other` against the reference arm, over the requests that both arms finished."""

    metric: str
    reference: float | None
    other: float | None
    difference: float | None
    low: float | None = None
    high: float | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    p_value: float | None = None
    """McNemar's exact, for a share over paired requests."""
    method: str = ""
    """newcombe, blocks, or nothing where there is no interval."""


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


def compare(reference: Arm, other: Arm, seed: int) -> Comparison:
    """Every metric of `other` minus that of `reference`."""
    left, right = paired(reference.rows, other.rows)
    replicates = Replicates(left, right, seed) if len(left) >= LEAST else None
    here, there = _only(reference, left), _only(other, right)
    differences = tuple(_difference(metric, here, there, replicates) for metric in METRICS)
    unpaired = len(reference.rows) + len(other.rows) - 2 * len(left)
    return Comparison(reference.name, other.name, len(left), unpaired, differences)


def paired(reference: pd.DataFrame, other: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of both arms for the keys they share, in the same order."""
    at = other.index.get_indexer(reference.index)
    return reference[at >= 0], other.iloc[at[at >= 0]]


def _only(arm: Arm, rows: pd.DataFrame) -> Arm:
    return Arm(arm.name, rows, arm.aborted, arm.deadline_s, arm.sources)


class Replicates:
    """Both arms under the same drawn blocks; a column that several metrics share is resampled once."""

    def __init__(self, left: pd.DataFrame, right: pd.DataFrame, seed: int) -> None:
        self._arms = (left, right)
        self._sliced = slices(left["start_s"].to_numpy(), left["pair"].to_numpy())
        self._drawn = weights(self._sliced, seed)
        self._quantiles: dict[Column, list[ResampledQuantiles]] = {}

    def of(self, column: Column, q: float | None) -> list[Values]:
        """The figure of both arms in each replicate: a quantile, or the mean."""
        if q is None:
            return [resampled_means(column(rows), self._sliced, self._drawn) for rows in self._arms]
        if column not in self._quantiles:
            self._quantiles[column] = [ResampledQuantiles(column(rows), self._sliced, self._drawn) for rows in self._arms]
        return [one.at(q) for one in self._quantiles[column]]


def _difference(metric: Metric, here: Arm, there: Arm, replicates: Replicates | None) -> Difference:
    old, new = metric.value(here), metric.value(there)
    if old is None or new is None:
        return Difference(metric.name, old, new, None)
    plain = Difference(metric.name, old, new, new - old, ratio=_ratio(new, old))
    if metric.column is None or replicates is None:
        return plain
    left, right = metric.column(here.rows), metric.column(there.rows)
    if left.dtype == bool:
        return _paired_share(plain, left, right)
    return _resampled(plain, *replicates.of(metric.column, metric.q))


def _ratio(new: float, old: float) -> float | None:
    return new / old if old > 0 else None


def _paired_share(plain: Difference, left: Values, right: Values) -> Difference:
    both, only_left = int((left & right).sum()), int((left & ~right).sum())
    only_right = int((right & ~left).sum())
    neither = len(left) - both - only_left - only_right
    low, high = newcombe(both, only_right, only_left, neither)
    return replace(plain, low=low, high=high, p_value=mcnemar(only_left, only_right), method="newcombe")


def _resampled(plain: Difference, old: Values, new: Values) -> Difference:
    low, high = interval(new - old)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio_low, ratio_high = interval(new / old) if plain.ratio is not None else (None, None)
    return replace(plain, low=low, high=high, ratio_low=ratio_low, ratio_high=ratio_high, method="blocks")


def interval(replicates: Values) -> tuple[float | None, float | None]:
    """The middle 95 % of the replicates; nothing where too many of them have no value."""
    known = replicates[np.isfinite(replicates)]
    if len(known) < 0.95 * len(replicates):
        return None, None
    low, high = quantile(known, 0.025), quantile(known, 0.975)
    return low, high


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
    again = [ResampledQuantiles(values, sliced, drawn).at(q) for values in (new, old)]
    low, high = interval(again[0] / again[1])
    return Ratio(before, after, after / before, low, high, len(old))
