"""The metrics: one explicit list, each a name, a unit, a sentence and how it is computed over one arm.

Those of tokens are named as in NVIDIA's NIM benchmarking guide and in vLLM's benchmark. Inter-token latency (ITL) is every
single gap, of all requests together, so that long answers weigh more. Time per output token (TPOT) is the mean gap of a
request, (last token - first token) / (tokens - 1): every request weighs the same, and a stall is spread over its answer. A
token is a message with text, as it arrived; NVIDIA's AIPerf calls the gaps between such messages inter-chunk latency.
"""

from typing import TYPE_CHECKING, Any

from records.folder import APP, CALLS, MODEL
from records.rows import BROKEN, WRONG
from reports.goodput import STREAMED
from reports.metric import Column as Column
from reports.metric import Metric as Metric
from reports.metric import if_told, mean, named, outcome_share, quantile_of
from reports.metric import quantile as quantile

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from reports.arm import Arm

SLICE_S = 1.0
"""What availability over time is counted in."""


def _gap(name: str, q: float, sentence: str) -> Metric:
    """A quantile of all gaps of all requests."""

    def compute(arm: "Arm") -> float | None:
        found = quantile(arm.gaps.us, q)
        return None if found is None else found / 1e6

    return Metric(name, "s", sentence, compute)


def _right_only(rows: "pd.DataFrame") -> "np.ndarray[Any, Any]":
    return rows["own_s"].where(rows["right"]).to_numpy()


def _recovered_of_met(rows: "pd.DataFrame") -> "np.ndarray[Any, Any]":
    """1 or 0 for each request that met a fault; NaN for all others, and for those rightly rejected."""
    return rows["recovered"].astype(float).where(rows["met"] & (rows["outcome"] != "rejected")).to_numpy()


def _answered_right(rows: "pd.DataFrame") -> "np.ndarray[Any, Any]":
    """1 or 0 for each request; NaN for those rightly rejected."""
    in_time = rows["right"] & ~(rows["own_s"] > rows["effective_s"])
    return in_time.astype(float).where(rows["outcome"] != "rejected").to_numpy()


def _tokens_per_s(rows: "pd.DataFrame") -> "np.ndarray[Any, Any]":
    """Of right answers that were streamed: only of them every token is known."""
    counts = rows["right"] & (rows["task"] == STREAMED) & (rows["own_s"] > 0)
    return (rows["tokens"] / rows["own_s"]).where(counts).to_numpy()


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


def _good_per_s(arm: "Arm") -> float | None:
    return _rate(arm, float(arm.rows["good"].sum())) if "good" in arm.rows else None


def _slices_without_failure(arm: "Arm") -> float | None:
    """The share of the seconds in which requests were due, without those rightly rejected, of which none failed."""
    import numpy as np

    rows = arm.rows[["pair", "start_s", "failed"]][(arm.rows["outcome"] != "rejected").to_numpy()]
    number = np.floor(rows["start_s"].to_numpy() / SLICE_S).astype(np.int64)
    _, pair = np.unique(rows["pair"].to_numpy(), return_inverse=True)
    slices = pair * (number.max(initial=0) + 1) + number
    due, failed = np.unique(slices), np.unique(slices[rows["failed"].to_numpy()])
    return 1 - len(failed) / len(due) if len(due) else None


def _cost_per_right(arm: "Arm") -> float | None:
    right = int(arm.rows["right"].sum())
    return float(arm.rows["cost"].sum()) / right if right and "cost" in arm.rows and MODEL in arm.sources else None


def _worst_recovery_s(arm: "Arm") -> float | None:
    """None as soon as one window's is unknown: the worst may be that one."""
    from reports.time_to_recover import recoveries

    found = [one.seconds for one in recoveries(arm)]
    known = [one for one in found if one is not None]
    return max(known) if known and len(known) == len(found) else None


_effective, _ttft, _tpot, _longest_gap = map(named, ("effective_s", "ttft_s", "tpot_s", "longest_gap_s"))

METRICS: tuple[Metric, ...] = (
    Metric("requests", "count", "Requests of users, without those aborted at the end.", lambda arm: len(arm.rows), ""),
    Metric(
        "aborted", "count", "Requests in flight when the test stopped; left out of every other figure.", lambda arm: arm.aborted
    ),
    outcome_share("ok_share", frozenset({"ok", "degraded"}), "Got the right answer.", "high"),
    mean(
        "availability",
        "share",
        "Availability to users: of all requests, the rightly rejected left out, the share that got the right answer in time.",
        _answered_right,
        "high",
    ),
    Metric(
        "availability_by_time",
        "share",
        "Availability over time: the share of seconds with requests due of which none failed, the rightly rejected left out.",
        _slices_without_failure,
        "high",
    ),
    mean("failure_share", "share", "Got no right answer in time and were not rightly rejected.", named("failed")),
    quantile_of(
        "p50_s", 0.50, "Half of all requests took no longer, from intended start; a failure counts as the deadline.", _effective
    ),
    quantile_of(
        "p95_s", 0.95, "95 % of all requests took no longer, from intended start; a failure counts as the deadline.", _effective
    ),
    quantile_of(
        "p99_s", 0.99, "99 % of all requests took no longer, from intended start; a failure counts as the deadline.", _effective
    ),
    quantile_of("ok_p95_s", 0.95, "P95 of right answers only: to be read beside P95, never instead of it.", _right_only),
    quantile_of(
        "ttft_p50_s", 0.50, "First token, from intended start, over requests that got one: half were no slower.", _ttft
    ),
    quantile_of(
        "ttft_p95_s", 0.95, "First token, from intended start, over requests that got one: 95 % were no slower.", _ttft
    ),
    quantile_of(
        "ttft_p99_s", 0.99, "First token, from intended start, over requests that got one: 99 % were no slower.", _ttft
    ),
    _gap("itl_p50_s", 0.50, "Inter-token latency: half of all gaps between two tokens, of all requests, were no longer."),
    _gap("itl_p95_s", 0.95, "Inter-token latency: 95 % of all gaps between two tokens, of all requests, were no longer."),
    _gap("itl_p99_s", 0.99, "Inter-token latency: 99 % of all gaps between two tokens, of all requests, were no longer."),
    quantile_of("tpot_p50_s", 0.50, "Time per output token, the mean gap of a request: half of them had no longer one.", _tpot),
    quantile_of("tpot_p95_s", 0.95, "Time per output token, the mean gap of a request: 95 % of them had no longer one.", _tpot),
    quantile_of("longest_gap_p95_s", 0.95, "Longest silence between two tokens of a request: P95.", _longest_gap),
    quantile_of("longest_gap_p99_s", 0.99, "Longest silence between two tokens of a request: P99.", _longest_gap),
    mean(
        "fluidity",
        "share",
        "Fluidity-index, the mean over streamed answers: the share of its tokens' deadlines that each kept, by the bounds of "
        "[goodput] on first token and gap; 0 for a failure.",
        if_told("fluidity"),
        "high",
    ),
    mean(
        "goodput_share",
        "share",
        "Got the right answer within all bounds of [goodput], at the rate that was offered. Of answers that are not streamed "
        "only the total counts.",
        if_told("good"),
        "high",
    ),
    Metric("goodput_per_s", "per_s", "Right answers within all bounds of [goodput] in a second.", _good_per_s, "high"),
    Metric(
        "output_tokens_per_s",
        "tokens_per_s",
        "Tokens of right answers in a second, of all users together; a JSON answer's are those its usage tells.",
        lambda arm: _rate(arm, float(arm.rows["tokens"].where(arm.rows["right"]).sum())),
        "high",
    ),
    quantile_of(
        "output_tokens_p50_per_s",
        0.50,
        "Tokens a second of one right, streamed answer, from intended start to its end: half had no more.",
        _tokens_per_s,
        "tokens_per_s",
        "high",
    ),
    outcome_share("timeout_share", frozenset({"timeout"}), "Had no complete answer when the deadline came."),
    outcome_share("broken_share", BROKEN, "Got an answer that was cut, incomplete, repeated, garbled or wrong."),
    outcome_share("wrong_share", WRONG, "Got an answer that looks complete and is not the right one."),
    outcome_share("http_error_share", frozenset({"http_error"}), "Got an error status, or no response at all."),
    outcome_share(
        "rejected_share", frozenset({"rejected"}), "Got a 4xx of the provider passed on: neither success nor failure.", ""
    ),
    outcome_share("degraded_share", frozenset({"degraded"}), "Got a right answer of lesser quality, and were told so.", ""),
    mean("cache_share", "share", "Were served by the cache.", _from_cache, ""),
    mean("fault_met_share", "share", "Met at least one fault.", named("met"), "", (CALLS,)),
    mean(
        "retry_success",
        "share",
        "Got the right answer in time although they met a fault; those rightly rejected left out.",
        _recovered_of_met,
        "high",
        (CALLS,),
    ),
    Metric(
        "time_to_recover_s",
        "s",
        "From the end of a fault window until users were served as before the first; the worst window.",
        _worst_recovery_s,
    ),
    mean(
        "attempts_per_request",
        "per_request",
        "Calls to the provider for each request.",
        named("attempts"),
        "low",
        (CALLS, APP),
    ),
    _total("tokens_spent", "Tokens in and out that the provider worked for."),
    _total("tokens_wasted", "Of these, tokens that no right answer needed."),
    mean("tokens_per_request", "per_request", "Tokens spent for each request.", named("tokens_spent"), "low", (MODEL,)),
    mean(
        "cost_per_1000",
        "money",
        "What the provider's work for 1,000 requests costs, by the price list.",
        if_told("cost", 1000),
        "low",
        (MODEL,),
    ),
    Metric(
        "cost_per_right_answer", "money", "What all requests cost, for each right answer, by the price list.", _cost_per_right
    ),
    mean(
        "cost_wasted_per_1000",
        "money",
        "Of the cost of 1,000 requests, what no right answer needed.",
        if_told("cost_wasted", 1000),
        "low",
        (MODEL,),
    ),
    Metric("throughput_per_s", "per_s", "Requests ended in a second.", lambda arm: _rate(arm, len(arm.rows)), "high"),
    Metric(
        "right_per_s", "per_s", "Right answers in a second.", lambda arm: _rate(arm, float(arm.rows["right"].sum())), "high"
    ),
    quantile_of(
        "send_lag_p95_s",
        0.95,
        "How late requests were sent, by the generator or for want of a free user: P95 of sent minus intended.",
        named("lag_s"),
    ),
)

BY_NAME = {metric.name: metric for metric in METRICS}


def measure(arm: "Arm") -> dict[str, float | None]:
    """Every metric of the arm, by name; `aborted` is known even where nothing else is."""
    return {metric.name: metric.value(arm) for metric in METRICS} | {"aborted": arm.aborted}
