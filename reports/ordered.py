"""A column sorted once, for all its quantiles: over all requests, in each pair, among some of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Values = np.ndarray[Any, Any]


def ranks(counts: Values, qs: Sequence[float]) -> Values:
    """The place of each nearest-rank quantile among so many sorted values, one line a count: ceil(q*n)-1."""
    # 0.07 * 100 is a hair above 7: without rounding that would be the eighth value.
    wanted = np.ceil(np.round(np.multiply.outer(counts, np.asarray(qs, dtype=float)), 6)).astype(np.int64) - 1
    return np.asarray(np.maximum(wanted, 0))


class Ordered:
    """The known values of a column in rising order, and which request each is of; NaN values are left out."""

    def __init__(self, values: Values, order: Values) -> None:
        self.values = values
        self.order = order

    @classmethod
    def of(cls, column: Values) -> "Ordered":
        column = column.astype(float)
        order = np.argsort(column, kind="stable")
        # NaN is sorted to the end.
        order = order[: len(order) - int(np.isnan(column).sum())]
        return cls(column[order], order)

    def only(self, kept: Values) -> "Ordered":
        """Of the requests that are kept, a truth value each."""
        which = kept[self.order]
        return Ordered(self.values[which], self.order[which])

    def quantiles(self, qs: Sequence[float]) -> Values:
        """Nearest rank, over all requests; NaN where there is none."""
        if not len(self.values):
            return np.full(len(qs), np.nan)
        return self.values[ranks(np.asarray(len(self.values)), qs)]

    def in_groups(self, group: Values, count: int, qs: Sequence[float]) -> Values:
        """The same within each group of requests (0, 1, ... count-1): one line a group, NaN where it has no value."""
        group = group[self.order]
        sizes = np.bincount(group, minlength=count)
        if not len(self.values):
            return np.full((count, len(qs)), np.nan)
        # Of 16 bits where they suffice: numpy then sorts by counting.
        by_group = self.values[np.argsort(group.astype(np.min_scalar_type(count)), kind="stable")]
        first = np.cumsum(sizes) - sizes
        found = by_group[np.minimum(first[:, None] + ranks(sizes, qs), len(by_group) - 1)]
        return np.where(sizes[:, None] > 0, found, np.nan)
