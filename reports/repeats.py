"""The figures of both arms again and again: once in each pair, or once in each replicate of their run.

How sure a difference is shows in how alike it comes out each time. Pairs are independent of each other, so from six of them on
they tell it (reports/signed_rank.py); a run of fewer has only its own stretches of time to tell it by (reports/blocks.py).
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from reports.blocks import ResampledQuantiles, resampled_means, slices, weights
from reports.difference import LEAST_PAIRS, Difference, over_pairs, over_replicates
from reports.ordered import Ordered
from reports.sides import Sides

Values = np.ndarray[Any, Any]

LEAST = 20
"""Fewer paired requests than this give no interval by blocks."""


class InPairs:
    """One line for each pair that may be counted."""

    def __init__(self, sides: Sides) -> None:
        self._pair, self._counted = sides.pair, sides.counted

    @property
    def count(self) -> int:
        return int(self._counted.sum())

    def quantiles(self, column: Ordered, qs: Sequence[float]) -> Values:
        """One column a quantile; NaN where a pair has no value."""
        return column.in_groups(self._pair, len(self._counted), qs)[self._counted]

    def means(self, values: Values) -> Values:
        """The mean in each pair, NaN values left out."""
        known = ~np.isnan(values)
        sums = np.bincount(self._pair[known], values[known], minlength=len(self._counted))
        counts = np.bincount(self._pair[known], minlength=len(self._counted))
        with np.errstate(invalid="ignore"):
            return np.asarray((sums / counts)[self._counted])


class InBlocks:
    """One line for each replicate; both arms are drawn by the same blocks."""

    def __init__(self, sides: Sides, seed: int) -> None:
        self._sliced = slices(sides.start_s, sides.pair)
        self._drawn = weights(self._sliced, seed)

    def quantiles(self, column: Ordered, qs: Sequence[float]) -> Values:
        """One column a quantile; NaN where a replicate has no value."""
        return ResampledQuantiles(column, self._sliced, self._drawn).at(qs)

    def means(self, values: Values) -> Values:
        """The mean in each replicate, NaN values left out."""
        return resampled_means(values, self._sliced, self._drawn)


Way = InPairs | InBlocks
Both = tuple[Values, Values]


class Repeats:
    """Gives differences their intervals: by pairs where six of them know the metric, else by blocks."""

    def __init__(self, sides: Sides, seed: int) -> None:
        self._sides, self._seed = sides, seed

    @cached_property
    def pairs(self) -> InPairs | None:
        """None where fewer than six pairs may be counted."""
        found = InPairs(self._sides)
        return found if found.count >= LEAST_PAIRS else None

    @cached_property
    def blocks(self) -> InBlocks | None:
        """None where there are too few requests."""
        return InBlocks(self._sides, self._seed) if self._sides.count >= LEAST else None

    def quantiles(self, told: Sequence[Difference], left: Ordered, right: Ordered, qs: Sequence[float]) -> list[Difference]:
        """The differences of the quantiles of one column."""

        def by(way: Way) -> list[Both]:
            old, new = way.quantiles(left, qs), way.quantiles(right, qs)
            return [(old[:, at], new[:, at]) for at in range(len(qs))]

        return self._told(told, by)

    def means(self, told: Difference, left: Values, right: Values) -> Difference:
        """The difference of the means of one column."""
        return self._told([told], lambda way: [(way.means(left), way.means(right))])[0]

    def _told(self, told: Sequence[Difference], by: Callable[[Way], list[Both]]) -> list[Difference]:
        found = list(told)
        if self.pairs:
            found = [over_pairs(one, *both) for one, both in zip(found, by(self.pairs), strict=True)]
        if self.blocks is None or all(one.method for one in found):
            return found
        again = by(self.blocks)
        return [one if one.method else over_replicates(one, *both) for one, both in zip(found, again, strict=True)]
