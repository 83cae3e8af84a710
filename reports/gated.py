"""The gates of a recorded run: its manifest says who stands against whom under which rules, its rows say how they did."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from reports.arm import Arm
from reports.compare import paired
from reports.gate import Gate, decide
from reports.load import Run
from reports.look import LOOKS, Look, Pair, Rules
from reports.metrics import quantile


def gates_of(run: Run) -> tuple[Gate, ...]:
    """One for each comparison of the run; none for an ordinary run, and for one that only measures noise."""
    told = run.manifest.get("gate") or {}
    arms = {arm.name: arm for arm in run.arms}
    rules = rules_of(told, run.manifest["deadline_s"])
    return tuple(_gate(one, arms, told, rules) for one in told.get("comparisons") or () if rules.looks)


def rules_of(told: Mapping[str, Any], deadline_s: float) -> Rules:
    """As the manifest's `gate` tells them."""
    looks = [(one["pairs"], one["alpha"]) for one in told.get("looks", [vars(look) for look in LOOKS])]
    usual = Rules(deadline_s)
    return Rules(
        deadline_s,
        told.get("tolerance", usual.tolerance),
        told.get("failure_tolerance", usual.failure_tolerance),
        tuple(Look(*one) for one in looks),
    )


def _gate(one: Mapping[str, Any], arms: Mapping[str, Arm], told: Mapping[str, Any], rules: Rules) -> Gate:
    base, candidate = arms[one["base"]], arms[one["candidate"]]
    pairs = pairs_of(base.rows, candidate.rows, told.get("counted") or ())
    found = decide(pairs, rules, base.name, candidate.name, invalid=told.get("invalid") or ())
    return Gate(**vars(found) | {"expected": one.get("expected") or ""})


def pairs_of(base: pd.DataFrame, candidate: pd.DataFrame, numbers: Iterable[int]) -> list[Pair]:
    """The pairs of these numbers, over the requests that both sides finished; the candidate's rows tell their pair."""
    left, right = paired(base, candidate)
    number_of = right["pair"].to_numpy()
    return [_pair(number, left[number_of == number], right[number_of == number]) for number in numbers]


def _pair(number: int, base: pd.DataFrame, candidate: pd.DataFrame) -> Pair:
    failed = base["failed"].to_numpy(), candidate["failed"].to_numpy()
    return Pair(
        number=number,
        base_s=quantile(base["effective_s"].to_numpy(), 0.95) or 0.0,
        candidate_s=quantile(candidate["effective_s"].to_numpy(), 0.95) or 0.0,
        requests=len(base),
        only_base_failed=int((failed[0] & ~failed[1]).sum()),
        only_candidate_failed=int((failed[1] & ~failed[0]).sum()),
    )
