"""What became of the requests that met a fault, fault by fault and kind by kind."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Any

import pandas as pd

from reports.arm import Arm, Change
from reports.bugs import errors_of, worst
from reports.changes import silencing
from reports.frames import NOWHERE

_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Recovery:
    """One fault (or kind, or all of them) in one arm. Each request counts once, however often it was struck."""

    name: str
    kind: str
    met: int
    recovered: int
    rejected: int
    """Rightly passed on, neither recovered nor failed."""
    failed: int
    share: float | None
    """recovered / (met - rejected)"""
    low: float | None
    high: float | None
    """Wilson's 95 % interval of the share."""


def wilson(successes: float, trials: float) -> tuple[float | None, float | None]:
    """Wilson's 95 % interval of a share (JASA 1927); nothing for no trials. Weighted trials need not be whole."""
    # By hand, because scipy.stats takes 0.6 s to import and a report of 100,000 requests has 5; a test holds it to binomtest.
    if not trials:
        return None, None
    share, z2n = successes / trials, _Z * _Z / trials
    centre = (share + z2n / 2) / (1 + z2n)
    half = sqrt(share * (1 - share) * z2n + z2n * z2n / 4) / (1 + z2n)
    return (max(0.0, centre - half) if successes else 0.0), (min(1.0, centre + half) if successes < trials else 1.0)


def by_fault(arm: Arm) -> list[Recovery]:
    """One line for each fault that struck, by name."""
    return _grouped(arm, arm.strikes[["at", "fault", "kind"]].set_axis(["at", "name", "kind"], axis=1))


def by_kind(arm: Arm) -> list[Recovery]:
    """One line for each kind that struck."""
    return _grouped(arm, arm.strikes[["at", "kind"]].assign(name=arm.strikes["kind"])[["at", "name", "kind"]])


def overall(arm: Arm) -> Recovery:
    """All requests that met any fault."""
    found = _grouped(arm, arm.strikes[["at"]].assign(name="any fault", kind=""))
    return found[0] if found else _recovery("any fault", "", 0, 0, 0)


def _grouped(arm: Arm, met: pd.DataFrame) -> list[Recovery]:
    """`met`: which requests (at) met what (name and kind); each counts once, however often it was struck."""
    once = met[met["at"] != NOWHERE].drop_duplicates()
    rows = arm.rows[["recovered", "outcome"]].iloc[once["at"].to_numpy()]
    rejected = ~rows["recovered"] & (rows["outcome"] == "rejected")
    fates = once.assign(met=1, recovered=rows["recovered"].to_numpy(), rejected=rejected.to_numpy())
    sums = fates.groupby(["name", "kind"], observed=True)[["met", "recovered", "rejected"]].sum()
    return [
        _recovery(str(name), str(kind), *map(int, of)) for (name, kind), of in zip(sums.index, sums.to_numpy(), strict=True)
    ]


def _recovery(name: str, kind: str, met: int, recovered: int, rejected: int) -> Recovery:
    trials = met - rejected
    low, high = wilson(recovered, trials)
    share = recovered / trials if trials else None
    return Recovery(name, kind, met, recovered, rejected, trials - recovered, share, low, high)


@dataclass(frozen=True)
class Landing:
    """A fault of the plan against what came of it in one arm."""

    name: str
    kind: str
    share: float | None
    """As planned, of the calls it aims at; None for a fault the plan does not name."""
    planned: int
    """Calls it was to strike."""
    struck: int
    """Calls it did strike."""
    requests: int
    """Requests of users that met it."""
    severed: int = 0
    """Of the calls it struck, those that a bug of its own severed: no evidence of anything else."""
    bug: str = ""
    """What went wrong, and where."""
    silenced: Change | None = None
    """The first change that kept it from striking."""
    spared_of: int = 0
    """First attempts that it was meant for, where its share is so small that the draw spares them all; else 0."""


def _planned_share(fault: Mapping[str, Any]) -> float:
    # One that the plan itself keeps switched off waits for a hand.
    return 0.0 if fault.get("on") is False else float(fault.get("share", 1.0))


def landings(arm: Arm, plan: Iterable[Mapping[str, Any]]) -> list[Landing]:
    """Every planned fault in the plan's order, then those that struck without being planned."""
    kinds = dict(zip(arm.strikes["fault"], arm.strikes["kind"], strict=True))
    shares = {str(fault["name"]): _planned_share(fault) for fault in plan}
    spared = {str(fault["name"]): int(fault.get("spared_of", 0)) for fault in plan}
    kinds |= {str(fault["name"]): str(fault["kind"]) for fault in plan}
    met = {recovery.name: recovery.met for recovery in by_fault(arm)}
    struck = Counter(arm.strikes["fault"])
    names = [*shares, *sorted(struck.keys() - shares.keys())]
    bugs = errors_of(arm)
    return [
        Landing(
            name,
            kinds[name],
            shares.get(name),
            arm.planned.get(name, 0),
            struck[name],
            met.get(name, 0),
            bugs[name].total(),
            worst(bugs[name]),
            silencing(arm.changes, name),
            spared.get(name, 0),
        )
        for name in names
    ]
