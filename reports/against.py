"""A run held against a baseline, request by request: is one of its arms slower than it was?"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from records.bad_input import BadInput, unknown
from reports.arm import Arm
from reports.baseline import arm_identity, identity
from reports.changes import inconclusive, problems
from reports.compare import Ratio, quantile_ratio
from reports.gate import Gate, decide, doubted, told_failures
from reports.gated import pairs_of
from reports.load import Run
from reports.look import FAILURE_TOLERANCE, LOOKS, ROUNDED_S, Failures, Look, Rules, failures_of
from reports.report import make_report
from reports.verdict import PARTIAL, vacuous_because

SAME = {
    "scenario": "another scenario",
    "plan": "another fault plan",
    "seed": "another seed",
    "plan_seed": "another seed of the plan",
    "deadline_s": "another deadline",
    "workload": "another workload",
    "model": "another physics of the model",
}
SAME_IN_ARM = {"features": "other features", "environment": "another environment"}
BASE = "baseline"
RECORDED_ALPHA = 0.03
"""Of the one look at all pairs of runs that are over."""


def compare_to_baseline(
    run: Run, baseline: dict[str, Any], arm: str, tolerance: float, failure_tolerance: float = FAILURE_TOLERANCE
) -> Gate:
    """The run's failure-inclusive P95 of one arm against the baseline's, over the requests both have."""
    if not 0 <= tolerance <= 1:
        raise BadInput(f"The tolerance must be a share between 0 and 1, such as 0.1 for 10 %, got {tolerance:g}")
    _check(run, baseline, arm)
    report = make_report(run)
    found = next(one for one in run.arms if one.name == arm)
    before = _kept_rows(baseline["arms"][arm]["effective_s"], found.deadline_s)
    gate = Gate("inconclusive", BASE, arm, tolerance, ())
    if report.verdict.state == "invalid":
        return replace(gate, state="invalid", reasons=report.verdict.reasons)
    metrics = {one.name: one.metrics for one in report.arms if one.name == arm}
    empty = vacuous_because(metrics, {one.name: one.landings for one in report.arms})
    if empty or not found.rows.index.isin(before.index).any():
        return replace(gate, state="vacuous", reasons=tuple(empty) or (_NOTHING_SHARED.format(arm=arm),))
    doubts = [*inconclusive([found]), *problems([found]), *([PARTIAL] if report.verdict.partial else [])]
    return doubted(_judged(gate, found, before, Rules(found.deadline_s, tolerance, failure_tolerance), run.seed), doubts)


def _judged(gate: Gate, arm: Arm, before: pd.DataFrame, rules: Rules, seed: int) -> Gate:
    """Pair by pair where both have six or more; else from blocks of the run, which do not know how runs differ."""
    numbers = sorted({int(number) for number in arm.rows["pair"]} & set(before["pair"]))
    pairs = pairs_of(before, arm.rows, numbers)
    if len(numbers) < LOOKS[0].pairs:
        judged = judge_ratio(_ratio(arm, before, seed), gate, rules.deadline_s)
        return doubted(_with_failures(judged, failures_of(pairs), rules), _unshared(before, arm.rows))
    lacking = _unshared(*(rows[rows["pair"].isin(numbers)] for rows in (before, arm.rows)))
    return decide(pairs, replace(rules, looks=(Look(len(numbers), RECORDED_ALPHA),)), BASE, arm.name, doubts=lacking)


def _with_failures(gate: Gate, found: Failures, rules: Rules) -> Gate:
    """Who fails more does not pass, however fast the rest is."""
    told = replace(gate, reasons=(*gate.reasons, *told_failures(found, rules.failure_tolerance)))
    if found.growth <= rules.failure_tolerance or gate.state == "fail":
        return told
    return replace(told, state="fail" if found.p_more <= RECORDED_ALPHA else "inconclusive")


def _kept_rows(effective_s: Mapping[str, float], deadline_s: float) -> pd.DataFrame:
    """What the baseline kept of its requests, as rows; who took as long as the deadline failed."""
    seconds = np.array(list(effective_s.values()), dtype=float)
    pair = [_pair_of(key) for key in effective_s]
    told = {"effective_s": seconds, "failed": seconds >= deadline_s - ROUNDED_S, "pair": pair}
    return pd.DataFrame(told, index=pd.Index(list(effective_s), dtype=object))


def _pair_of(key: str) -> int:
    """The pair that a request belongs to, by its key, such as p03-000417."""
    number = key.partition("-")[0].removeprefix("p")
    return int(number) if number.isdecimal() else 0


def _unshared(before: pd.DataFrame, now: pd.DataFrame) -> list[str]:
    """A sentence for each side that has requests which the other lacks: the slowest may be among them."""
    shared = int(now.index.isin(before.index).sum())
    told = [(len(before), "the baseline are in this run"), (len(now), "this run are in the baseline")]
    return [f"Only {shared} of {count} requests of {whose}." for count, whose in told if shared < count]


_NOTHING_SHARED = 'No request of arm "{arm}" finished in both the run and the baseline.'


def _check(run: Run, baseline: dict[str, Any], arm: str) -> None:
    problems = _differing("the baseline is of", SAME, baseline, identity(run))
    for where, names in (("run", [one.name for one in run.arms]), ("baseline", list(baseline["arms"]))):
        if arm not in names:
            problems.append(f"{where}: {unknown('arm', arm, names)}")
    if problems:
        raise BadInput(*problems)
    problems = _differing(f'the baseline is of arm "{arm}" of', SAME_IN_ARM, baseline["arms"][arm], arm_identity(run, arm))
    if problems:
        raise BadInput(*problems)


def _differing(said: str, same: dict[str, str], old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """A sentence for each key that is not the same, with both values."""
    differing = [key for key in same if old.get(key) != new.get(key)]
    return [f"{said} {same[key]}: {_told(old.get(key), new.get(key))}" for key in differing]


def _told(old: Any, new: Any) -> str:
    """Both values; of two tables only what differs."""
    told = [_listed(value, other) if isinstance(old or new, dict) else str(value) for value, other in ((old, new), (new, old))]
    return f"{told[0]}, this run has {told[1]}"


def _listed(value: Any, other: Any) -> str:
    table, others = (one if isinstance(one, dict) else {} for one in (value, other))
    if "sha256" in table:
        return f"{table.get('name')} (sha256 {str(table['sha256'])[:12]})"
    return ", ".join(f"{key} {told}" for key, told in table.items() if key not in others or others[key] != told) or "none"


def _ratio(arm: Arm, before: pd.DataFrame, seed: int) -> Ratio:
    rows = arm.rows[arm.rows.index.isin(before.index)]
    old, new = before["effective_s"].reindex(rows.index).to_numpy(), rows["effective_s"].to_numpy()
    return quantile_ratio(old, new, 0.95, rows["start_s"].to_numpy(), rows["pair"].to_numpy(), seed)


def judge_ratio(ratio: Ratio, gate: Gate, deadline_s: float) -> Gate:
    """Fail when slower beyond the tolerance and beyond doubt; pass when that is excluded."""
    gate, seen = replace(gate, ratio=ratio), _smallest_effect(ratio, gate.tolerance)
    told = f"P95 {ratio.new:.3f} s against {ratio.old:.3f} s, ratio {ratio.ratio:.3f}"
    if ratio.old >= deadline_s:
        blind = f"{told}: the baseline's P95 is the deadline itself, so nothing slower could have been seen."
        return replace(gate, reasons=(blind,))
    if ratio.low is None or ratio.high is None:
        few = f"{told}: {ratio.keys} shared requests are too few for an interval."
        return replace(gate, reasons=(few,))
    told += f", 95 % interval {ratio.low:.3f} to {ratio.high:.3f}, at most {1 + gate.tolerance:.3f} is accepted."
    if ratio.ratio > 1 + gate.tolerance and ratio.low > 1:
        return replace(gate, state="fail", smallest_effect=seen, reasons=(told,))
    if ratio.high <= 1 + gate.tolerance:
        return replace(gate, state="pass", smallest_effect=seen, reasons=(told,))
    if seen is not None:
        told += f" The smallest slowdown it could have failed is ratio {1 + seen:.3f}."
    return replace(gate, smallest_effect=seen, reasons=(told,))


def _smallest_effect(ratio: Ratio, tolerance: float) -> float | None:
    """A slowdown is failed once it exceeds the tolerance and the interval's lower half, on the scale of ratios."""
    if ratio.low is None or ratio.low <= 0:
        return None
    return max(tolerance, ratio.ratio / ratio.low - 1)
