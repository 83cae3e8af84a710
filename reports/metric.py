"""What a metric is, and the usual ways to make one of a column of the requests.

Without numpy and pandas at import: the harness names metrics long before it computes one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from reports.arm import Arm

Column = Callable[["pd.DataFrame"], "np.ndarray[Any, Any]"]


def quantile(values: "np.ndarray[Any, Any]", q: float) -> float | None:
    """The exact nearest-rank quantile: the value at index ceil(q*n)-1 of the sorted values."""
    if not len(values):
        return None
    import numpy as np

    rank = ceil(q * len(values)) - 1
    return float(np.partition(values, rank)[rank])


@dataclass(frozen=True)
class Metric:
    """One figure of an arm. Its column, where it has one, lets two arms be compared request by request."""

    name: str
    unit: str
    """s, share, count, tokens, per_request, per_s, tokens_per_s or money (in the currency of the run's price list)."""
    sentence: str
    compute: Callable[["Arm"], float | None]
    better: str = "low"
    """low, high, or nothing where neither is better."""
    column: Column | None = None
    """A value for each request, NaN where it has none; True and False for a share."""
    q: float | None = None

    def value(self, arm: "Arm") -> float | None:
        """None where the arm has no rows to tell it."""
        return self.compute(arm) if len(arm.rows) else None


def _present(values: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    # NaN is what differs from itself.
    kept: np.ndarray[Any, Any] = values[values == values]
    return kept


def _is_left(arm: "Arm", sources: tuple[str, ...]) -> bool:
    return not sources or any(source in arm.sources for source in sources)


def mean(name: str, unit: str, sentence: str, column: Column, better: str = "low", sources: tuple[str, ...] = ()) -> Metric:
    def compute(arm: "Arm") -> float | None:
        values = _present(column(arm.rows))
        return float(values.mean()) if len(values) and _is_left(arm, sources) else None

    return Metric(name, unit, sentence, compute, better, column)


def outcome_share(name: str, outcomes: frozenset[str], sentence: str, better: str = "low") -> Metric:
    return mean(name, "share", sentence, lambda rows: rows["outcome"].isin(outcomes).to_numpy(), better)


def quantile_of(name: str, q: float, sentence: str, column: Column, unit: str = "s", better: str = "low") -> Metric:
    return Metric(name, unit, sentence, lambda arm: quantile(_present(column(arm.rows)), q), better, column, q)


def named(name: str) -> Column:
    return lambda rows: rows[name].to_numpy()


def if_told(name: str, times: float = 1.0) -> Column:
    """A column that only some runs have (see reports/terms.py); NaN throughout where this one has not."""

    def column(rows: "pd.DataFrame") -> "np.ndarray[Any, Any]":
        found = rows[name] if name in rows else rows["own_s"] * float("nan")
        return found.to_numpy() if times == 1.0 else found.to_numpy() * times

    return column
