"""Cold and warm cache apart: what a cache is worth shows only where the question came before.

A request is cold when no request that was due earlier in its pair asked the same (prompt and temperature), else warm. So the
schedule tells, not who served: both arms have the same cold and the same warm requests, also an arm without a cache, and one
whose cache forgets.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from reports.difference import Difference, plain
from reports.metrics import BY_NAME
from reports.ordered import Ordered
from reports.repeats import Repeats
from reports.sides import Sides

Values = np.ndarray[Any, Any]

FIGURES = {"p50_s": 0.50, "p95_s": 0.95}
BY_BOTH, BY_PROMPT = "prompt and temperature", "prompt alone, because rows tell no temperature"


@dataclass(frozen=True)
class CachePart:
    """The cold or the warm requests of two arms: how long they took from intended start, a failure counting as the deadline."""

    requests: int
    """In each arm; the same ones."""
    reference_from_cache: int
    """Of these, served by the cache of the reference arm."""
    other_from_cache: int
    p50: Difference
    """As of the metric p50_s, over these requests alone."""
    p95: Difference
    same_by: str
    """What requests that ask the same have in common; the prompt alone where rows tell no temperature (old runs)."""


def cold_and_warm(sides: Sides, repeats: Repeats) -> tuple[CachePart | None, CachePart | None]:
    """Both parts; None where no cache served any request, rows tell no prompt, or no request is of that part."""
    served = sides.columns(lambda rows: (rows["served_by"] == "cache").to_numpy())
    asked = _asked(sides)
    if not any(of.any() for of in served) or asked["prompt_key"].isna().any():
        return None, None
    knows_both = bool(asked["temperature"].notna().all())
    cold = first_to_ask(asked, ["prompt_key", "temperature"] if knows_both else ["prompt_key"])[sides.places[0]]
    same_by = BY_BOTH if knows_both else BY_PROMPT
    return _part(cold, served, same_by, sides, repeats), _part(~cold, served, same_by, sides, repeats)


def _asked(sides: Sides) -> pd.DataFrame:
    """Every request that finished in either arm, those of the reference arm first, in its order."""
    names = ["pair", "prompt_key", "temperature", "start_s"]
    reference, other = (arm.rows[names] for arm in sides.arms)
    return pd.concat([reference, other.iloc[sides.alone]]) if len(sides.alone) else reference


def first_to_ask(asked: pd.DataFrame, same: list[str]) -> Values:
    """Whether nobody asked the same earlier in the pair."""
    earliest_s = asked.groupby(["pair", *same], sort=False)["start_s"].transform("min")
    return (asked["start_s"] <= earliest_s).to_numpy()


def _part(kept: Values, served: tuple[Values, Values], same_by: str, sides: Sides, repeats: Repeats) -> CachePart | None:
    if not kept.any():
        return None
    effective = BY_NAME["p95_s"].column
    assert effective is not None
    left, right = (of.only(kept) for of in sides.ordered(effective))
    p50, p95 = _compared(left, right, repeats)
    here, there = (int(of[kept].sum()) for of in served)
    return CachePart(int(kept.sum()), here, there, p50, p95, same_by)


def _compared(left: Ordered, right: Ordered, repeats: Repeats) -> list[Difference]:
    qs = list(FIGURES.values())
    figures = zip(FIGURES, left.quantiles(qs).tolist(), right.quantiles(qs).tolist(), strict=True)
    told = [plain(name, old, new) for name, old, new in figures]
    return repeats.quantiles(told, left, right, qs)
