"""The metrics: one explicit list, each a name, a unit, a sentence and how it is computed over one arm."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from records.folder import APP, CALLS, MODEL
from records.rows import BROKEN, WRONG

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
    """s, share, count, tokens, per_request or per_s."""
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


def _left(arm: "Arm", sources: tuple[str, ...]) -> bool:
    return not sources or any(source in arm.sources for source in sources)


def _mean(name: str, unit: str, sentence: str, column: Column, better: str = "low", sources: tuple[str, ...] = ()) -> Metric:
    def compute(arm: "Arm") -> float | None:
        values = _present(column(arm.rows))
        return float(values.mean()) if len(values) and _left(arm, sources) else None

    return Metric(name, unit, sentence, compute, better, column)


def _outcome_share(name: str, outcomes: frozenset[str], sentence: str, better: str = "low") -> Metric:
    return _mean(name, "share", sentence, lambda rows: rows["outcome"].isin(outcomes).to_numpy(), better)


def _quantile(name: str, q: float, sentence: str, column: Column) -> Metric:
    return Metric(name, "s", sentence, lambda arm: quantile(_present(column(arm.rows)), q), "low", column, q)


def _named(name: str) -> Column:
    return lambda rows: rows[name].to_numpy()


def _right_only(rows: "pd.DataFrame") -> "np.ndarray[Any, Any]":
    return rows["own_s"].where(rows["right"]).to_numpy()


def _recovered_of_met(rows: "pd.DataFrame") -> "np.ndarray[Any, Any]":
    """1 or 0 for each request that met a fault; NaN for all others, and for those rightly rejected."""
    return rows["recovered"].astype(float).where(rows["met"] & (rows["outcome"] != "rejected")).to_numpy()


def _from_cache(rows: "pd.DataFrame") -> "np.ndarray[Any, Any]":
    """Whether the cache served; NaN throughout where the app never says what serves."""
    served = (rows["served_by"] == "cache").astype(float)
    return served.to_numpy() if rows["served_by"].notna().any() else served.to_numpy() * float("nan")


def _total(name: str, sentence: str) -> Metric:
    return Metric(name, "tokens", sentence, lambda arm: float(arm.rows[name].sum()) if MODEL in arm.sources else None)


def _seconds(arm: "Arm") -> float:
    """From the first intended start to the last end, summed over the pairs."""
    ends = arm.rows.groupby("pair").agg({"intended_s": "min", "finished_s": "max"})
    return float((ends["finished_s"] - ends["intended_s"]).sum())


def _rate(arm: "Arm", count: float) -> float | None:
    seconds = _seconds(arm)
    return count / seconds if seconds > 0 else None


_effective, _ttft = _named("effective_s"), _named("ttft_s")

METRICS: tuple[Metric, ...] = (
    Metric("requests", "count", "Requests of users, without those aborted at the end.", lambda arm: len(arm.rows), ""),
    Metric(
        "aborted", "count", "Requests in flight when the test stopped; left out of every other figure.", lambda arm: arm.aborted
    ),
    _outcome_share("ok_share", frozenset({"ok", "degraded"}), "Got the right answer.", "high"),
    _mean("failure_share", "share", "Got no right answer in time and were not rightly rejected.", _named("failed")),
    _quantile(
        "p50_s", 0.50, "Half of all requests took no longer, from intended start; a failure counts as the deadline.", _effective
    ),
    _quantile(
        "p95_s", 0.95, "95 % of all requests took no longer, from intended start; a failure counts as the deadline.", _effective
    ),
    _quantile(
        "p99_s", 0.99, "99 % of all requests took no longer, from intended start; a failure counts as the deadline.", _effective
    ),
    _quantile("ok_p95_s", 0.95, "P95 of right answers only: to be read beside P95, never instead of it.", _right_only),
    _quantile("ttft_p50_s", 0.50, "First token, from intended start, over requests that got one: half were no slower.", _ttft),
    _quantile("ttft_p95_s", 0.95, "First token, from intended start, over requests that got one: 95 % were no slower.", _ttft),
    _quantile("longest_gap_p95_s", 0.95, "Longest silence between two tokens of a request: P95.", _named("longest_gap_s")),
    _outcome_share("timeout_share", frozenset({"timeout"}), "Had no complete answer when the deadline came."),
    _outcome_share("broken_share", BROKEN, "Got an answer that was cut, incomplete, repeated, garbled or wrong."),
    _outcome_share("wrong_share", WRONG, "Got an answer that looks complete and is not the right one."),
    _outcome_share("http_error_share", frozenset({"http_error"}), "Got an error status, or no response at all."),
    _outcome_share(
        "rejected_share", frozenset({"rejected"}), "Got a 4xx of the provider passed on: neither success nor failure.", ""
    ),
    _outcome_share("degraded_share", frozenset({"degraded"}), "Got a right answer of lesser quality, and were told so.", ""),
    _mean("cache_share", "share", "Were served by the cache.", _from_cache, ""),
    _mean("fault_met_share", "share", "Met at least one fault.", _named("met"), "", (CALLS,)),
    _mean(
        "retry_success",
        "share",
        "Got the right answer in time although they met a fault; those rightly rejected left out.",
        _recovered_of_met,
        "high",
        (CALLS,),
    ),
    _mean(
        "attempts_per_request",
        "per_request",
        "Calls to the provider for each request.",
        _named("attempts"),
        "low",
        (CALLS, APP),
    ),
    _total("tokens_spent", "Tokens in and out that the provider worked for."),
    _total("tokens_wasted", "Of these, tokens that no right answer needed."),
    _mean("tokens_per_request", "per_request", "Tokens spent for each request.", _named("tokens_spent"), "low", (MODEL,)),
    Metric("throughput_per_s", "per_s", "Requests ended in a second.", lambda arm: _rate(arm, len(arm.rows)), "high"),
    Metric(
        "right_per_s", "per_s", "Right answers in a second.", lambda arm: _rate(arm, float(arm.rows["right"].sum())), "high"
    ),
    _quantile(
        "send_lag_p95_s",
        0.95,
        "How late requests were sent, by the generator or for want of a free user: P95 of sent minus intended.",
        _named("lag_s"),
    ),
)

BY_NAME = {metric.name: metric for metric in METRICS}


def measure(arm: "Arm") -> dict[str, float | None]:
    """Every metric of the arm, by name; `aborted` is known even where nothing else is."""
    return {metric.name: metric.value(arm) for metric in METRICS} | {"aborted": arm.aborted}
