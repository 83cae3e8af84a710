"""Baselines: what a run was, kept in one file, so that a later run can be held against it request by request."""

import json
from hashlib import sha256
from math import inf
from pathlib import Path
from typing import Any

from records.bad_input import BadInput
from records.folder import RunFolder
from reports.arm import Arm
from reports.changes import problems
from reports.load import Run, load
from reports.report import make_report

SCHEMA_VERSION = 2


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
