"""Two arms over the requests that finished in both: what is compared is always the same users, asking the same."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from reports.arm import Arm
from reports.frames import NOWHERE
from reports.metrics import Column, Metric
from reports.ordered import Ordered

Values = np.ndarray[Any, Any]


class Sides:
    """Which requests two arms share. Values of requests come in the order of the reference arm.

    Arms cut down to them are made one after the other and let go again: a large run would not fit twice.
    """

    def __init__(self, reference: Arm, other: Arm) -> None:
        at = other.rows.index.get_indexer(reference.rows.index)
        self.arms = (reference, other)
        self.places = (np.flatnonzero(at >= 0), at[at >= 0])
        """Where each shared request stands in the rows of either arm."""
        self._ordered: dict[Column, tuple[Ordered, Ordered]] = {}

    @property
    def count(self) -> int:
        return len(self.places[0])

    @property
    def alone(self) -> Values:
        """Where in the rows of the other arm those requests stand that finished there only."""
        return np.setdiff1d(np.arange(len(self.arms[1].rows)), self.places[1], assume_unique=True)

    @property
    def start_s(self) -> Values:
        """When each request was due, since the first of its pair."""
        return self._of_reference("start_s")

    @cached_property
    def pair(self) -> Values:
        """The pair of each request, numbered from 0."""
        return pd.factorize(self._of_reference("pair"), sort=True)[0]

    def _of_reference(self, name: str) -> Values:
        return np.asarray(self.arms[0].rows[name].to_numpy()[self.places[0]])

    @cached_property
    def sizes(self) -> Values:
        """The requests of each pair."""
        return np.bincount(self.pair)

    @cached_property
    def counted(self) -> Values:
        """Whether each pair may stand beside the others: not where it was stopped before it had half their requests."""
        return np.asarray(2 * self.sizes >= np.median(self.sizes)) if self.count else np.zeros(0, dtype=bool)

    def columns(self, column: Column) -> tuple[Values, Values]:
        """The values of both arms, request by request."""
        left, right = (column(arm.rows)[places] for arm, places in zip(self.arms, self.places, strict=True))
        return left, right

    def ordered(self, column: Column) -> tuple[Ordered, Ordered]:
        """The same, sorted: once for all who ask."""
        if column not in self._ordered:
            left, right = self.columns(column)
            self._ordered[column] = (Ordered.of(left), Ordered.of(right))
        return self._ordered[column]

    def values(self, metrics: Sequence[Metric]) -> list[tuple[float | None, float | None]]:
        """Each metric of both arms, over the shared requests."""
        left, right = (_values(only(arm, places), metrics) for arm, places in zip(self.arms, self.places, strict=True))
        return list(zip(left, right, strict=True))

    def values_by_pair(self, metrics: Sequence[Metric]) -> list[tuple[Values, Values]]:
        """Each metric of both arms in each counted pair, computed over it alone; NaN where unknown."""
        numbers = np.flatnonzero(self.counted).tolist()
        left, right = (
            np.array([_values(one_pair(arm, places[self.pair == number]), metrics) for number in numbers], dtype=float)
            for arm, places in zip(self.arms, self.places, strict=True)
        )
        return [(left[:, at], right[:, at]) for at in range(len(metrics))]


def _values(arm: Arm, metrics: Sequence[Metric]) -> list[float | None]:
    return [metric.value(arm) for metric in metrics]


def one_pair(arm: Arm, places: Values) -> Arm:
    """The requests of one pair, which are in these places, and the changes made while it ran."""
    found = only(arm, places)
    pairs = set(found.rows["pair"])
    return replace(found, changes=tuple(change for change in arm.changes if change.pair in pairs))


def only(arm: Arm, places: Values) -> Arm:
    """The arm with the requests in these places alone, in its own order, and what belongs to them."""
    picked = arm.frames.picked(np.sort(places))
    if picked is arm.frames:
        return arm
    strikes, attempts = (table[table["at"] != NOWHERE] for table in (picked.strikes, picked.attempts))
    return replace(arm, frames=replace(picked, strikes=strikes, attempts=attempts))
