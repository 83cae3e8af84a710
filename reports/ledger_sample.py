"""Which requests a page holds one by one: those that met a fault, or so many of them that the page stays small.

Beside them, for a look: requests that failed or were slow though no fault met them, and what became of the same requests in the
arms that are held against each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import pandas as pd

from reports.arm import Arm

MOST = 2_000
"""Requests that met a fault, over all arms."""
OF_EACH = 3
"""Of each arm's faults and ends so many at least, however rare."""
MOST_UNSTRUCK = 100
"""Requests that failed without a fault, and as many that were slow, over all arms."""
SLOW = 0.99
"""Slow is what took longer than this share of the arm's requests."""
MET, UNSTRUCK, TWIN = "met", "unstruck", "twin"


@dataclass(frozen=True)
class Sample:
    """Which requests, and of how many."""

    chosen: pd.DataFrame
    """One line a request: arm, place (in the arm's rows), id, listed (met, unstruck or twin)."""
    met: Mapping[str, int]
    """How many requests of each arm met a fault."""
    unstruck: int
    """How many failed or were slow without one."""

    def count(self, listed: str) -> int:
        """How many of that sort were chosen."""
        return int((self.chosen["listed"] == listed).sum())


def sample(arms: Sequence[Arm], entries: Mapping[str, pd.DataFrame], compared: Sequence[str]) -> Sample:
    """`entries`: the lines of each arm's ledger; `compared`: the arms whose twins are told."""
    every = pd.concat([_met(arm, entries[arm.name]) for arm in arms], ignore_index=True)
    unstruck = pd.concat([_unstruck(arm) for arm in arms], ignore_index=True)
    some = [_evenly(unstruck[unstruck["failed"] == failed], MOST_UNSTRUCK) for failed in (True, False)]
    listed = pd.concat([_picked(every), *some], ignore_index=True)[["arm", "place", "id", "listed"]]
    twins = pd.concat([_twins(arm, listed) for arm in arms if arm.name in compared] or [listed[:0]])
    met = {arm.name: int((every["arm"] == arm.name).sum()) for arm in arms}
    return Sample(pd.concat([listed, twins], ignore_index=True), met, len(unstruck))


def _of(arm: Arm, places: "np.ndarray[tuple[int], np.dtype[np.int64]]", listed: str) -> pd.DataFrame:
    return pd.DataFrame({"arm": arm.name, "place": places, "id": arm.rows.index[places], "listed": listed})


def _met(arm: Arm, entries: pd.DataFrame) -> pd.DataFrame:
    places = arm.rows.index.get_indexer(entries.index)
    return _of(arm, places, MET).assign(**{name: entries[name].to_numpy(dtype=object) for name in ("faults", "saw")})


def _picked(every: pd.DataFrame) -> pd.DataFrame:
    """By request, so that what one arm tells of it the others tell too; of what is rare, some at least."""
    if len(every) <= MOST:
        return every
    ids = np.sort(every["id"].unique())[:: ceil(len(every) / MOST)]
    rare = every.groupby(["arm", "faults", "saw"], sort=False).cumcount() < OF_EACH
    return every[every["id"].isin(ids) | rare].iloc[: MOST + MOST // 2]


def _unstruck(arm: Arm) -> pd.DataFrame:
    rows = arm.rows
    slow = rows["own_s"] > rows["own_s"].quantile(SLOW)
    places = np.flatnonzero(~rows["met"] & (rows["failed"] | slow))
    return _of(arm, places, UNSTRUCK).assign(failed=rows["failed"].to_numpy()[places])


def _evenly(found: pd.DataFrame, most: int) -> pd.DataFrame:
    return found.iloc[:: max(1, ceil(len(found) / most))]


def _twins(arm: Arm, listed: pd.DataFrame) -> pd.DataFrame:
    """The requests listed of other arms, in this one."""
    ids = pd.Index(listed["id"].unique()).difference(pd.Index(listed["id"][listed["arm"] == arm.name]))
    places = arm.rows.index.get_indexer(ids)
    return _of(arm, places[places >= 0], TWIN)
