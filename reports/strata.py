"""Rare faults made frequent on purpose, and the weights that make an ordinary day of it again.

A request's weight is how likely an ordinary day is to give it the fate it had, over how likely this run was to. Figures
weighted by it are those of the ordinary day (importance sampling), though each rare fault was met often enough to be judged.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import inf, nan
from typing import Any

import numpy as np

from records.folder import STRATA
from reports.arm import Arm
from reports.metrics import BY_NAME
from reports.recovery import wilson

Values = np.ndarray[Any, Any]

REWEIGHTED = ("failure_share", "ok_share", "timeout_share", "p50_s", "p95_s", "p99_s")
"""The metrics that are told for an ordinary day."""
NOTHING_REWEIGHTED = "No figure is reweighted to an ordinary day."
MOST_NAMED = 3


@dataclass(frozen=True)
class Raised:
    """A fault that struck more first attempts than it would on the day the plan stands for."""

    name: str
    share: float
    """Of an ordinary day."""
    raised_to: float


@dataclass(frozen=True)
class Strata:
    """What was raised, and the weight of each request, by its id."""

    raised: tuple[Raised, ...]
    weights: Mapping[str, float]


@dataclass(frozen=True)
class Weighted:
    """A metric as an ordinary day would show it; an interval for shares only."""

    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Reweighted:
    """One arm on an ordinary day."""

    arm: str
    requests: int
    without_weight: int
    """Of these, the ones that count as 1 because nothing tells their weight."""
    effective: float
    """As many requests of an ordinary day would tell as much (Kish)."""
    figures: tuple[Weighted, ...]


def parse_strata(told: object, problems: list[str]) -> Strata | None:
    """What strata.json holds; None where no fault was raised, or nothing of it can be used, which is a problem."""
    faults, weights = (told.get("faults"), told.get("weights")) if isinstance(told, dict) else (None, None)
    if not isinstance(faults, dict) or not isinstance(weights, dict):
        problems.append(f"{STRATA}: must hold two tables, faults and weights. {NOTHING_REWEIGHTED}")
        return None
    if not faults:
        return None
    raised = {name: of for name, of in faults.items() if _is_raised(of)}
    usable = {key: weight for key, weight in weights.items() if _is_number(weight, inf)}
    _tell("fault", faults.keys() - raised.keys(), "needs share and raised_to, numbers from 0 to 1", problems)
    _tell("weight", weights.keys() - usable.keys(), "must be a number of at least 0", problems)
    if not usable:
        problems.append(f"{STRATA}: holds no weight. {NOTHING_REWEIGHTED}")
        return None
    return Strata(tuple(Raised(name, of["share"], of["raised_to"]) for name, of in raised.items()), usable)


def _is_number(value: object, most: float) -> bool:
    # A share of 1 is allowed, a weight of infinity is not.
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most and value < inf


def _is_raised(value: object) -> bool:
    return isinstance(value, dict) and all(_is_number(value.get(name), 1) for name in ("share", "raised_to"))


def _tell(what: str, names: Iterable[str], needs: str, problems: list[str]) -> None:
    left_out = sorted(names)
    if left_out:
        count = f"{len(left_out)} {what}{'' if len(left_out) == 1 else 's'}"
        named = ", ".join(f'"{name}"' for name in left_out[:MOST_NAMED]) + (", ..." if len(left_out) > MOST_NAMED else "")
        problems.append(f"{STRATA}: {count} left out ({named}): each {needs}")


def reweight(arm: Arm, strata: Strata) -> Reweighted:
    """The figures of an ordinary day; failures count as the deadline, as everywhere."""
    told = np.array([strata.weights.get(id_, nan) for id_ in arm.rows.index], dtype=float)
    weights = np.where(np.isnan(told), 1.0, told)
    figures = tuple(_weighted(name, arm, weights) for name in REWEIGHTED)
    return Reweighted(arm.name, len(weights), int(np.isnan(told).sum()), effective_size(weights), figures)


def _weighted(name: str, arm: Arm, weights: Values) -> Weighted:
    column, q = BY_NAME[name].column, BY_NAME[name].q
    assert column is not None
    values = column(arm.rows)
    return Weighted(name, weighted_quantile(values, weights, q)) if q else Weighted(name, *weighted_share(values, weights))


def effective_size(weights: Values) -> float:
    """Kish's: how many equally weighted requests tell as much; 0 where nothing has weight."""
    one = _at_most_one(weights)
    return float(one.sum() ** 2 / (one**2).sum()) if len(one) else 0.0


def weighted_share(holds: Values, weights: Values) -> tuple[float | None, float | None, float | None]:
    """The share of the weight, with Wilson's 95 % interval as if the effective number of requests had been drawn.

    Where mostly the rare faults fail, their low weights make the truth surer than that: the interval is then too wide.
    """
    one = _at_most_one(weights)
    if not len(one):
        return None, None, None
    share = float(one[holds].sum() / one.sum()) if not holds.all() else 1.0
    effective = effective_size(weights)
    return share, *wilson(share * effective, effective)


def weighted_quantile(values: Values, weights: Values, q: float) -> float | None:
    """Nearest rank by weight: the least value that, with all below it, holds the share q of the weight."""
    one = _at_most_one(weights)
    if not len(one):
        return None
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(one[order])
    # A hair less: the sum that should meet the share exactly may fall short of it by its rounding.
    rank = int(np.searchsorted(reached, q * reached[-1] * (1 - 1e-9), side="left"))
    return float(values[order[min(rank, len(order) - 1)]])


def _at_most_one(weights: Values) -> Values:
    """Over the largest, so that equal weights count exactly as none would; empty where nothing has weight."""
    largest = weights.max() if len(weights) else 0.0
    return np.asarray(weights / largest) if largest > 0 else np.zeros(0)


def doubts(found: Iterable[Reweighted], strata: Strata | None, uneven: Collection[str]) -> list[str]:
    """A sentence for whatever keeps the weights from making an ordinary day: `uneven` arms did not run by the plan alone."""
    told = list(found)
    unknown = [
        f'{STRATA} tells no weight of {one.without_weight} of {one.requests} requests of arm "{one.arm}": each counts as 1.'
        for one in told
        if one.without_weight
    ]
    changed = [
        f'The weights of arm "{one.arm}" are those of its plan, which was changed or halted: do not trust its ordinary day.'
        for one in told
        if one.arm in uneven
    ]
    return unknown + _without_rest(strata) + changed


def _without_rest(strata: Strata | None) -> list[str]:
    """What struck all can be weighed down, but what those it spares would have met, nobody saw."""
    always = [one.name for one in strata.raised if one.share < 1 <= one.raised_to] if strata else []
    return [
        f'"{name}" was raised to every first attempt it is meant for: how they fare without it is unknown, and missing in the '
        "figures of an ordinary day. Let the scenario ask more, or lower at_least."
        for name in always
    ]
