"""Baselines: what a run was, kept in one file, so that a later run can be held against it request by request."""

import json
from dataclasses import dataclass, replace
from hashlib import sha256
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from records.bad_input import BadInput, unknown
from records.folder import RunFolder
from reports.arm import Arm
from reports.changes import inconclusive, problems
from reports.compare import Ratio, quantile_ratio
from reports.load import Run, load
from reports.report import make_report
from reports.verdict import EXIT_CODES, PARTIAL, vacuous_because

SCHEMA_VERSION = 2
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


def read_run(path: str | Path) -> Run:
    """The run of a folder, by its path."""
    return load(RunFolder(Path(path)))


def make_baseline(run: Run) -> dict[str, Any]:
    """What later runs of the same scenario are compared to: metrics, and each request's effective seconds by its key."""
    report = make_report(run)
    if report.verdict.state in ("invalid", "vacuous") or report.verdict.partial or report.checks.inconclusive:
        raise BadInput(f"{run.folder.path}: not fit as a baseline. {' '.join(report.verdict.reasons)}")
    if changed := problems(run.arms):
        raise BadInput(f"{run.folder.path}: not fit as a baseline. {' '.join(changed)}")
    arms = {
        told.name: {**arm_identity(run, told.name), "metrics": told.metrics, "effective_s": _by_key(arm)}
        for arm, told in zip(run.arms, report.arms, strict=True)
    }
    return {"schema_version": SCHEMA_VERSION, "run": run.manifest.get("id"), **identity(run), "arms": arms}


def _by_key(arm: Arm) -> dict[str, float]:
    return dict(zip(arm.rows.index, arm.rows["effective_s"].round(6).tolist(), strict=True))


def identity(run: Run) -> dict[str, Any]:
    """What must be the same for two runs to be comparable request by request; texts as digests."""
    scenario, plan = run.manifest.get("scenario") or {}, run.manifest.get("plan") or {}
    return {
        "scenario": {"name": scenario.get("name"), "sha256": _digest(scenario.get("text"))},
        "plan": {"name": plan.get("name"), "sha256": _digest(plan.get("text"))},
        **{key: run.manifest.get(key) for key in ("seed", "plan_seed", "deadline_s", "workload", "model")},
    }


def arm_identity(run: Run, name: str) -> dict[str, Any]:
    """What must be the same for an arm to be the same app."""
    told = next(arm for arm in run.manifest["arms"] if arm["name"] == name)
    return {"features": told.get("features"), "environment": told.get("environment") or {}}


def _digest(text: str | None) -> str | None:
    return None if text is None else sha256(text.encode()).hexdigest()


def write_baseline(path: str | Path, baseline: dict[str, Any]) -> None:
    try:
        Path(path).write_text(json.dumps(baseline, indent=1) + "\n")
    except OSError as error:
        raise BadInput(f"{path}: not writable ({error.strerror}). Name another file: --out FILE") from None


def read_baseline(path: str | Path) -> dict[str, Any]:
    """A baseline from its file, of the one schema we know."""
    try:
        found = json.loads(Path(path).read_text())
    except FileNotFoundError:
        raise BadInput(f"{path}: no such baseline. Write one: headwind baseline RUN") from None
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: not readable as a baseline ({error})") from None
    version = found.get("schema_version") if isinstance(found, dict) else None
    if version != SCHEMA_VERSION or not isinstance(found.get("arms"), dict):
        raise BadInput(
            f"{path}: not a baseline of schema version {SCHEMA_VERSION}, got {version!r}. Write it again: headwind baseline RUN"
        )
    useless = [name for name, arm in found["arms"].items() if not _has_seconds(arm)]
    if useless:
        raise BadInput(*(f'{path}: arm "{name}" has no effective_s, seconds above 0 by request id' for name in useless))
    return dict(found)


def _has_seconds(arm: Any) -> bool:
    told = arm.get("effective_s") if isinstance(arm, dict) else None
    if not isinstance(told, dict) or not set(map(type, told.values())) <= {int, float}:
        return False
    return all(0 < seconds < inf for seconds in told.values())


@dataclass(frozen=True)
class Gate:
    """How a run's P95 stands against a baseline's."""

    state: str
    arm: str
    tolerance: float
    ratio: Ratio | None
    smallest_effect: float | None
    """The smallest slowdown, as a share, that this comparison could have called a failure."""
    reasons: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.state]


def compare_to_baseline(run: Run, baseline: dict[str, Any], arm: str, tolerance: float) -> Gate:
    """The run's failure-inclusive P95 of one arm against the baseline's, over the requests both have."""
    if not 0 <= tolerance <= 1:
        raise BadInput(f"The tolerance must be a share between 0 and 1, such as 0.1 for 10 %, got {tolerance:g}")
    _check(run, baseline, arm)
    report = make_report(run)
    found = next(one for one in run.arms if one.name == arm)
    metrics = {one.name: one.metrics for one in report.arms if one.name == arm}
    if report.verdict.state == "invalid":
        return Gate("invalid", arm, tolerance, None, None, report.verdict.reasons)
    empty = vacuous_because(metrics, {one.name: one.landings for one in report.arms})
    before = baseline["arms"][arm]["effective_s"]
    ratio = _ratio(found, before, run.seed)
    if empty or ratio is None:
        return Gate("vacuous", arm, tolerance, ratio, None, tuple(empty) or (_NOTHING_SHARED.format(arm=arm),))
    doubts = [*_unshared(found, before), *inconclusive([found]), *problems([found])]
    doubts += [PARTIAL] if report.verdict.partial else []
    return _doubted(decide(ratio, arm, tolerance, found.deadline_s), doubts)


def _unshared(arm: Arm, before: dict[str, float]) -> list[str]:
    """A sentence for each side that has requests which the other lacks: the slowest may be among them."""
    shared = int(arm.rows.index.isin(list(before)).sum())
    told = [(len(before), "the baseline are in this run"), (len(arm.rows), "this run are in the baseline")]
    return [f"Only {shared} of {count} requests of {whose}." for count, whose in told if shared < count]


def _doubted(gate: Gate, doubts: list[str]) -> Gate:
    """What is missing cannot make a slower run good, but it can hide one."""
    if not doubts:
        return gate
    state = "inconclusive" if gate.state == "pass" else gate.state
    return replace(gate, state=state, reasons=(*gate.reasons, " ".join(doubts)))


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


def _ratio(arm: Arm, before: dict[str, float], seed: int) -> Ratio | None:
    rows = arm.rows[arm.rows.index.isin(list(before))]
    if not len(rows):
        return None
    old = np.array([before[key] for key in rows.index], dtype=float)
    return quantile_ratio(old, rows["effective_s"].to_numpy(), 0.95, rows["start_s"].to_numpy(), rows["pair"].to_numpy(), seed)


def decide(ratio: Ratio, arm: str, tolerance: float, deadline_s: float) -> Gate:
    """Fail when slower beyond the tolerance and beyond doubt; pass when that is excluded."""
    seen = _smallest_effect(ratio, tolerance)
    told = f"P95 {ratio.new:.3f} s against {ratio.old:.3f} s, ratio {ratio.ratio:.3f}"
    if ratio.old >= deadline_s:
        blind = f"{told}: the baseline's P95 is the deadline itself, so nothing slower could have been seen."
        return Gate("inconclusive", arm, tolerance, ratio, None, (blind,))
    if ratio.low is None or ratio.high is None:
        few = f"{told}: {ratio.keys} shared requests are too few for an interval."
        return Gate("inconclusive", arm, tolerance, ratio, None, (few,))
    told += f", 95 % interval {ratio.low:.3f} to {ratio.high:.3f}, at most {1 + tolerance:.3f} is accepted."
    if ratio.ratio > 1 + tolerance and ratio.low > 1:
        return Gate("fail", arm, tolerance, ratio, seen, (told,))
    if ratio.high <= 1 + tolerance:
        return Gate("pass", arm, tolerance, ratio, seen, (told,))
    if seen is not None:
        told += f" The smallest slowdown it could have failed is ratio {1 + seen:.3f}."
    return Gate("inconclusive", arm, tolerance, ratio, seen, (told,))


def _smallest_effect(ratio: Ratio, tolerance: float) -> float | None:
    """A slowdown is failed once it exceeds the tolerance and the interval's lower half, on the scale of ratios."""
    if ratio.low is None or ratio.low <= 0:
        return None
    return max(tolerance, ratio.ratio / ratio.low - 1)
