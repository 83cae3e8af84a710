"""Every figure of an arm, computed as one would by hand: one request at a time, in plain Python, from `records.join`.

What the tables of `reports` are held to. Slow, and needs all rows in memory at once.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, fsum

from records.folder import APP, CALLS, MODEL, REQUESTS
from records.join import Measurement, Row, join
from records.rows import BROKEN, RIGHT, WRONG, is_failure

Rows = Mapping[str, Sequence[Row]]
Figures = dict[str, float | None]


@dataclass(frozen=True)
class Bounds:
    """What else the figures depend on, as the manifest tells it."""

    deadline_s: float
    ttft_s: float | None = None
    gap_s: float | None = None
    total_s: float | None = None
    price_in: float | None = None
    """Of a million tokens, of every model."""
    price_out: float | None = None


@dataclass(frozen=True)
class One:
    """One request that was not aborted."""

    told: Measurement
    own_s: float
    effective_s: float
    start_s: float
    generations: Sequence[Row]

    @property
    def row(self) -> Row:
        return self.told.request

    @property
    def is_right(self) -> bool:
        return self.told.outcome in RIGHT

    @property
    def in_time(self) -> bool:
        return self.is_right and self.own_s <= self.effective_s

    @property
    def is_rejected(self) -> bool:
        return self.told.outcome == "rejected"

    @property
    def gaps_us(self) -> list[int]:
        return self.row.get("gaps_us") or []

    def since_due(self, name: str) -> float | None:
        """Seconds from intended start; None where it never happened."""
        return None if self.row[name] is None else self.row[name] - self.row["intended_s"]


def figures(rows: Rows, bounds: Bounds, sources: Iterable[str]) -> Figures:
    """Every metric of `reports.metrics` by its name, but for the time to recover; of one arm and one pair."""
    ones, aborted = measured(rows, bounds.deadline_s)
    if not ones:
        return {"aborted": aborted}
    span_s = max(one.row["finished_s"] for one in ones) - min(one.row["intended_s"] for one in ones)
    return (
        {"requests": len(ones), "aborted": aborted}
        | _shares(ones, frozenset(sources))
        | _quantiles(ones)
        | _goodness(ones, bounds, span_s)
        | _spent(ones, bounds, frozenset(sources))
        | _rates(ones, span_s)
    )


def measured(rows: Rows, deadline_s: float) -> tuple[list[One], int]:
    """The requests that were not aborted, and how many were."""
    joined = join(rows[REQUESTS], rows[APP], rows[CALLS], rows[MODEL])
    first_s = min((one.request["intended_s"] for one in joined), default=0.0)
    generations: dict[str, list[Row]] = {}
    for row in rows[MODEL]:
        generations.setdefault(row["request_id"], []).append(row)
    ended = [one for one in joined if one.outcome != "aborted"]
    ones = [_one(told, deadline_s, first_s, generations.get(told.request["request_id"], [])) for told in ended]
    return ones, len(joined) - len(ended)


def _one(told: Measurement, deadline_s: float, first_s: float, generations: list[Row]) -> One:
    row = told.request
    own_s = row["finished_s"] - row["intended_s"]
    effective_s = deadline_s if is_failure(told.outcome) else min(own_s, deadline_s)
    return One(told, own_s, effective_s, row["intended_s"] - first_s, generations)


def _share(ones: Sequence[One], holds: Callable[[One], bool]) -> float | None:
    return sum(map(holds, ones)) / len(ones) if ones else None


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return fsum(known) / len(known) if known else None


def nearest_rank(values: Iterable[float | None], q: float) -> float | None:
    """The value at index ceil(q*n)-1 of the sorted values."""
    known = sorted(one for one in values if one is not None)
    return known[ceil(q * len(known)) - 1] if known else None


def _shares(ones: Sequence[One], sources: frozenset[str]) -> Figures:
    outcomes = {
        "ok_share": RIGHT,
        "timeout_share": {"timeout"},
        "broken_share": BROKEN,
        "wrong_share": WRONG,
        "http_error_share": {"http_error"},
        "rejected_share": {"rejected"},
        "degraded_share": {"degraded"},
    }
    found: Figures = {name: _share(ones, lambda one, of=of: one.told.outcome in of) for name, of in outcomes.items()}  # type: ignore[misc]
    judged = [one for one in ones if not one.is_rejected]
    served = any(one.told.served_by is not None for one in ones)
    met = [one for one in judged if one.told.faults]
    return found | {
        "availability": _share(judged, lambda one: one.in_time),
        "availability_by_time": _seconds_without_failure(judged),
        "failure_share": _share(ones, lambda one: is_failure(one.told.outcome)),
        "cache_share": _share(ones, lambda one: one.told.served_by == "cache") if served else None,
        "fault_met_share": _share(ones, lambda one: bool(one.told.faults)) if CALLS in sources else None,
        "retry_success": _share(met, lambda one: one.in_time) if CALLS in sources else None,
        "attempts_per_request": _mean(one.told.attempts for one in ones) if sources & {CALLS, APP} else None,
    }


def _seconds_without_failure(judged: Sequence[One]) -> float | None:
    due = {floor(one.start_s) for one in judged}
    failed = {floor(one.start_s) for one in judged if is_failure(one.told.outcome)}
    return 1 - len(failed) / len(due) if due else None


def _quantiles(ones: Sequence[One]) -> Figures:
    columns: dict[str, list[float | None]] = {
        "": [one.effective_s for one in ones],
        "ok_": [one.own_s for one in ones if one.is_right],
        "ttft_": [one.since_due("first_token_s") for one in ones],
        "itl_": [gap / 1e6 for one in ones for gap in one.gaps_us],
        "tpot_": [sum(one.gaps_us) / len(one.gaps_us) / 1e6 for one in ones if one.gaps_us],
        "longest_gap_": [one.row["longest_gap_s"] for one in ones],
        "send_lag_": [one.since_due("sent_s") for one in ones],
    }
    asked = {"": (50, 95, 99), "ok_": (95,), "tpot_": (50, 95), "longest_gap_": (95, 99), "send_lag_": (95,)}
    return {
        f"{name}p{q}_s": nearest_rank(values, q / 100)
        for name, values in columns.items()
        for q in asked.get(name, (50, 95, 99))
    }


def _goodness(ones: Sequence[One], bounds: Bounds, span_s: float) -> Figures:
    if bounds.ttft_s is bounds.gap_s is bounds.total_s is None:
        return {"fluidity": None, "goodput_share": None, "goodput_per_s": None}
    good = sum(_is_good(one, bounds) for one in ones)
    streamed = [one for one in ones if one.row.get("task") == "stream" and not one.is_rejected]
    kept = [fluidity(one, bounds) for one in streamed] if bounds.ttft_s and bounds.gap_s else []
    return {
        "fluidity": _mean(one for one in kept if one is not None),
        "goodput_share": good / len(ones),
        "goodput_per_s": good / span_s if span_s > 0 else None,
    }


def _is_good(one: One, bounds: Bounds) -> bool:
    if not one.in_time or (bounds.total_s is not None and one.own_s > bounds.total_s):
        return False
    if one.row.get("task") != "stream":
        return True
    first_s, gap_s = one.since_due("first_token_s"), one.row["longest_gap_s"]
    early = bounds.ttft_s is None or (first_s is not None and first_s <= bounds.ttft_s)
    return early and (bounds.gap_s is None or gap_s is None or gap_s <= bounds.gap_s)


def fluidity(one: One, bounds: Bounds) -> float | None:
    """Deadlines of tokens kept, of all there were, token by token (see reports/fluidity.py)."""
    if is_failure(one.told.outcome):
        return 0.0
    first_s = one.since_due("first_token_s")
    if first_s is None or bounds.ttft_s is None or bounds.gap_s is None:
        return None
    gap_us = round(bounds.gap_s * 1e6)
    at_us, due_us, kept, missed = round(first_s * 1e6), round(bounds.ttft_s * 1e6), 0, 0
    for gap in [*one.gaps_us, 0]:
        if at_us <= due_us:
            kept += 1
        else:
            missed += (at_us - due_us) // gap_us + 1
            due_us = at_us
        at_us, due_us = at_us + gap, due_us + gap_us
    return kept / (kept + missed)


def _spent(ones: Sequence[One], bounds: Bounds, sources: frozenset[str]) -> Figures:
    names = (
        "tokens_spent",
        "tokens_wasted",
        "tokens_per_request",
        "cost_per_1000",
        "cost_per_right_answer",
        "cost_wasted_per_1000",
    )
    if MODEL not in sources:
        return dict.fromkeys(names)
    spent, wasted = sum(one.told.tokens_spent for one in ones), sum(one.told.tokens_wasted for one in ones)
    if bounds.price_in is None or bounds.price_out is None:
        return dict.fromkeys(names) | {"tokens_spent": spent, "tokens_wasted": wasted, "tokens_per_request": spent / len(ones)}
    paid = [_cost(one, bounds.price_in, bounds.price_out) for one in ones]
    cost, in_vain = fsum(one for one, _ in paid), fsum(one for _, one in paid)
    right = sum(one.is_right for one in ones)
    told = (
        spent,
        wasted,
        spent / len(ones),
        1000 * cost / len(ones),
        cost / right if right else None,
        1000 * in_vain / len(ones),
    )
    return dict(zip(names, told, strict=True))


def _cost(one: One, price_in: float, price_out: float) -> tuple[float, float]:
    """Of all generations, and of what no right answer needed."""
    cost = fsum(row["tokens_in"] * price_in + row["tokens_out"] * price_out for row in one.generations) / 1e6
    said = [row for row in sorted(one.generations, key=lambda row: row["attempt"]) if row["tokens_out"] > 0]
    needed = (said[-1]["tokens_in"] * price_in + one.row["tokens"] * price_out) / 1e6 if said and one.is_right else 0.0
    return cost, max(0.0, cost - needed)


def _rates(ones: Sequence[One], span_s: float) -> Figures:
    right = [one for one in ones if one.is_right]
    counts = Counter(
        throughput_per_s=len(ones), right_per_s=len(right), output_tokens_per_s=sum(one.row["tokens"] for one in right)
    )
    streamed = [one for one in right if one.row.get("task") == "stream" and one.own_s > 0]
    found: Figures = {name: count / span_s if span_s > 0 else None for name, count in counts.items()}
    return found | {"output_tokens_p50_per_s": nearest_rank((one.row["tokens"] / one.own_s for one in streamed), 0.5)}
