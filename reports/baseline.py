"""Baselines: what a run was, kept in one file, so that a later run can be held against it request by request."""

import json
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from records.bad_input import BadInput, unknown
from records.folder import RunFolder
from reports.arm import Arm
from reports.compare import Ratio, quantile_ratio
from reports.load import Run, load
from reports.report import make_report
from reports.verdict import EXIT_CODES, PARTIAL, vacuous_because

SCHEMA_VERSION = 1
SAME = {
    "scenario": "another scenario",
    "plan": "another fault plan",
    "seed": "another seed",
    "deadline_s": "another deadline",
}


def read_run(path: str | Path) -> Run:
    """The run of a folder, by its path."""
    return load(RunFolder(Path(path)))


def make_baseline(run: Run) -> dict[str, Any]:
    """What later runs of the same scenario are compared to: metrics, and each request's effective seconds by its key."""
    report = make_report(run)
    if report.verdict.state in ("invalid", "vacuous") or report.verdict.partial:
        raise BadInput(f"{run.folder.path}: not fit as a baseline. {' '.join(report.verdict.reasons)}")
    arms = {
        told.name: {"metrics": told.metrics, "effective_s": _by_key(arm)}
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
        "seed": run.manifest.get("seed"),
        "deadline_s": run.manifest["deadline_s"],
    }


def _digest(text: str | None) -> str | None:
    return None if text is None else sha256(text.encode()).hexdigest()


def write_baseline(path: str | Path, baseline: dict[str, Any]) -> None:
    Path(path).write_text(json.dumps(baseline, indent=1) + "\n")


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
    return dict(found)


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
    _check(run, baseline, arm)
    report = make_report(run)
    found = next(one for one in run.arms if one.name == arm)
    metrics = {one.name: one.metrics for one in report.arms if one.name == arm}
    if report.verdict.state == "invalid":
        return Gate("invalid", arm, tolerance, None, None, report.verdict.reasons)
    empty = vacuous_because(metrics, {one.name: one.landings for one in report.arms})
    ratio = _ratio(found, baseline["arms"][arm]["effective_s"], run.manifest.get("seed", 0))
    if empty or ratio is None:
        return Gate("vacuous", arm, tolerance, ratio, None, tuple(empty) or (_NOTHING_SHARED.format(arm=arm),))
    return _unless_partial(decide(ratio, arm, tolerance, found.deadline_s), report.verdict.partial)


def _unless_partial(gate: Gate, partial: bool) -> Gate:
    if gate.state != "pass" or not partial:
        return gate
    return replace(gate, state="inconclusive", reasons=(*gate.reasons, PARTIAL))


_NOTHING_SHARED = 'No request of arm "{arm}" finished in both the run and the baseline.'


def _check(run: Run, baseline: dict[str, Any], arm: str) -> None:
    mine = identity(run)
    problems = [
        f"the baseline is of {what}: {_told(baseline.get(key))}, this run has {_told(mine[key])}"
        for key, what in SAME.items()
        if baseline.get(key) != mine[key]
    ]
    for where, names in (("run", [one.name for one in run.arms]), ("baseline", list(baseline["arms"]))):
        if arm not in names:
            problems.append(f"{where}: {unknown('arm', arm, names)}")
    if problems:
        raise BadInput(*problems)


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value.get('name')} (sha256 {str(value.get('sha256'))[:12]})"
    return str(value)


def _ratio(arm: Arm, before: dict[str, float], seed: int) -> Ratio | None:
    rows = arm.rows[arm.rows.index.isin(list(before))]
    if not len(rows):
        return None
    old = np.array([before[key] for key in rows.index], dtype=float)
    return quantile_ratio(old, rows["effective_s"].to_numpy(), 0.95, rows["start_s"].to_numpy(), rows["pair"].to_numpy(), seed)


def decide(ratio: Ratio, arm: str, tolerance: float, deadline_s: float) -> Gate:
    """Fail when slower beyond the tolerance and beyond doubt; pass when that is excluded, or when it is no slower."""
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
    if ratio.high <= 1 + tolerance or ratio.ratio <= 1:
        return Gate("pass", arm, tolerance, ratio, seen, (told,))
    return Gate(
        "inconclusive",
        arm,
        tolerance,
        ratio,
        seen,
        (f"{told} The smallest slowdown it could have failed is ratio {1 + (seen or 0):.3f}.",),
    )


def _smallest_effect(ratio: Ratio, tolerance: float) -> float | None:
    """A slowdown is failed once it exceeds the tolerance and the interval's lower half, on the scale of ratios."""
    if ratio.low is None or ratio.low <= 0:
        return None
    return max(tolerance, ratio.ratio / ratio.low - 1)
