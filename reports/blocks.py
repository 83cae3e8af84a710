"""The paired moving-block bootstrap: what a figure would have been, had other stretches of the run come up.

Requests of one run share queues and weather, so single requests must not be drawn one by one: that gives intervals far too
narrow. The run is cut into slices of equal intended time; a replicate is made of blocks of neighbouring slices (Künsch 1989;
circular, Politis and Romano 1992), the same ones for both arms, because both arms met the same weather at the same time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any

import numpy as np

from reports.ordered import Ordered, ranks

REPLICATES = 1000
MOST_SLICES = 120
# Quantiles are looked up among this many ranks: exact up to as many requests, beyond that within 1/4096 of the ranks.
BINS = 4096

Values = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Sliced:
    """The slice that each request belongs to, and how many there are."""

    of: Values
    count: int

    @property
    def block(self) -> int:
        """Slices in a block: the square root, so that a block outlasts a request and there are still many blocks."""
        return ceil(sqrt(self.count))


def slices(start_s: Values, pair: Values) -> Sliced:
    """Cuts the intended time of all pairs, laid end to end, into at most 120 slices of equal length."""
    if not len(start_s):
        return Sliced(np.zeros(0, dtype=np.int64), 1)
    span = float(start_s.max()) + 1e-9
    pairs, ordinal = np.unique(pair, return_inverse=True)
    count = min(MOST_SLICES, len(start_s))
    along = (start_s + ordinal * span) / (span * len(pairs))
    return Sliced(np.minimum((along * count).astype(np.int64), count - 1), count)


def weights(sliced: Sliced, seed: int) -> Values:
    """How often each slice comes up in each replicate: one line a replicate."""
    blocks = ceil(sliced.count / sliced.block)
    first = np.random.default_rng(seed).integers(0, sliced.count, (REPLICATES, blocks))
    drawn = (first[:, :, None] + np.arange(sliced.block)) % sliced.count
    # The last block is cut, so that every replicate is as long as the run.
    drawn = drawn.reshape(REPLICATES, -1)[:, : sliced.count]
    flat = drawn + np.arange(REPLICATES)[:, None] * sliced.count
    counts = np.bincount(flat.ravel(), minlength=REPLICATES * sliced.count)
    return counts.reshape(REPLICATES, sliced.count).astype(np.float32)


def resampled_means(values: Values, sliced: Sliced, drawn: Values) -> Values:
    """The mean in each replicate, NaN values left out."""
    known = ~np.isnan(values)
    of, kept = sliced.of[known], values[known]
    sums = np.bincount(of, kept, minlength=sliced.count)
    counts = np.bincount(of, minlength=sliced.count)
    with np.errstate(invalid="ignore"):
        return np.asarray((drawn @ sums) / (drawn @ counts))


class ResampledQuantiles:
    """The nearest-rank quantiles of one column in each replicate, NaN values left out."""

    def __init__(self, column: Ordered, sliced: Sliced, drawn: Values) -> None:
        known = len(column.values)
        bins = min(BINS, known)
        bin_of = np.arange(known) * bins // max(known, 1)
        self._top = column.values[np.searchsorted(bin_of, np.arange(bins), side="right") - 1]
        table = np.bincount(sliced.of[column.order] * bins + bin_of, minlength=sliced.count * bins)
        # Adding up before the product, not after: the table is an eighth of the size. Counts below 2**24 are exact in float32.
        self._below = drawn @ np.cumsum(table.reshape(sliced.count, bins), axis=1).astype(np.float32)

    def at(self, qs: Sequence[float]) -> Values:
        """One line a replicate, one column a quantile; NaN where a replicate has none."""
        if not len(self._top):
            return np.full((len(self._below), len(qs)), np.nan)
        totals = self._below[:, -1]
        wanted = ranks(totals.astype(float), qs).astype(np.float32)
        found = [np.searchsorted(below, rank, side="right") for below, rank in zip(self._below, wanted, strict=True)]
        values = self._top[np.minimum(found, len(self._top) - 1)]
        return np.where(totals[:, None] > 0, values, np.nan)
