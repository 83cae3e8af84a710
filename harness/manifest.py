"""What a run's folder says of itself: what was run, with what, on which machine, and whether it came to its end."""

import os
import platform
import shlex
import sys
import time
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from pathlib import Path
from typing import Any

from faults.actions import name_of
from faults.plan import Fault
from harness.foreseen import spared
from harness.own_app import as_told
from harness.scenario import ROOT, Arm, Scenario
from model_server.physics import Physics
from records.folder import RunFolder
from scenarios.workload import Workload, due

PACKAGES = (
    "headwind",
    "locust",
    "mitmproxy",
    "langchain-core",
    "langchain-ollama",
    "fastapi",
    "uvicorn",
    "httpx",
    "pandas",
    "scipy",
)


def new_run_path(runs: Path, name: str) -> Path:
    """A fresh folder: the time of day, then the scenario's name. Two runs that start in the same second get one each."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    tries = [runs / f"{stamp}-{name}", *(runs / f"{stamp}-{name}-{n}" for n in range(2, 100))]
    return next(path for path in tries if _made(path))


def _made(path: Path) -> bool:
    try:
        path.mkdir(parents=True)
    except FileExistsError:
        return False
    return True


def make_manifest(scenario: Scenario, run_id: str, arms: tuple[Arm, ...], bounds: tuple[str, ...]) -> dict[str, Any]:
    """The manifest of a run that begins now; its state is `partial` until the run has come to its end."""
    return {
        "id": run_id,
        "state": "partial",
        "seed": scenario.seed,
        "scenario": {
            "name": scenario.name,
            "path": told_path(scenario.path),
            "text": scenario.text,
            "summary": scenario.summary,
        },
        "plan": _plan(scenario),
        "plan_seed": scenario.plan_seed,
        "embedded": True,
        "app": as_told(scenario.app),
        "arms": [_arm(arm) for arm in arms],
        "reference": next((arm.name for arm in arms if arm.name == scenario.reference), arms[0].name),
        "ablation": scenario.ablation.told(arms) if scenario.ablation else None,
        "pairs": scenario.pairs,
        "deadline_s": scenario.workload.deadline_s,
        "duration_s": scenario.workload.duration_s,
        "rate_per_s": scenario.workload.rate_per_s,
        "workload": asdict(scenario.workload),
        "model": _model(scenario.physics),
        "bounds": list(bounds),
        "goodput": asdict(scenario.goodput) if scenario.goodput else None,
        "prices": asdict(scenario.prices) if scenario.prices else None,
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
        "machine": {"system": platform.platform(), "cores": os.cpu_count(), "processor": platform.machine()},
        "clocks": {"monotonic_s": time.monotonic(), "wall_s": time.time()},
        "command": shlex.join([_program(Path(sys.argv[0])), *sys.argv[1:]]),
        "planned": _planned(scenario, arms),
        "ended_early": [],
        "cpu_share": {},
    }


def _arm(arm: Arm) -> dict[str, Any]:
    told = {"name": arm.name, "features": arm.features, "environment": dict(arm.environment)}
    return told | ({"faults": False} if arm.plain else {})


def of_pairs(scenario: Scenario, pairs: int) -> dict[str, Any]:
    """What a manifest says otherwise where the run has another number of pairs than its scenario."""
    scenario = replace(scenario, pairs=pairs)
    return {"pairs": pairs, "plan": _plan(scenario), "planned": _planned(scenario, scenario.arms)}


def _program(path: Path) -> str:
    """As the reader would type it."""
    return path.name if path.name in ("headwind", "locust") else str(path)


def _plan(scenario: Scenario) -> dict[str, Any] | None:
    if scenario.plan is None or scenario.plan_path is None:
        return None
    of = spared(scenario)
    faults = [_fault(fault) | ({"spared_of": of[fault.name]} if fault.name in of else {}) for fault in scenario.plan.faults]
    return {
        "name": scenario.plan_path.stem,
        "path": told_path(scenario.plan_path),
        "text": scenario.plan_text,
        "faults": faults,
    }


def _fault(fault: Fault) -> dict[str, Any]:
    """What a report tells of a planned fault; without a window it may strike at any time."""
    told = {"name": fault.name, "kind": name_of(fault.kind), "share": fault.share, "on": fault.on}
    if fault.raised_to is not None:
        told["raised_to"] = fault.raised_to
    from_s, to_s = fault.during_s
    window = [from_s, to_s if isfinite(to_s) else None]
    return told | ({"during_s": window} if window != [0, None] else {})


def workload_of(run: RunFolder) -> Workload:
    """The workload that a run's manifest tells."""
    told = run.manifest()["workload"]
    return Workload(**told | {"temperatures": tuple(told["temperatures"])})


def _model(physics: Physics) -> dict[str, Any]:
    """The models beside it only where there are some: runs of one model look as they always did."""
    told = asdict(physics)
    also = [{key: value for key, value in one.items() if key != "also"} for one in told.pop("also")]
    return told | ({"also": also} if also else {})


def physics_of(run: RunFolder) -> Physics:
    """The models that a run's manifest tells."""
    told = run.manifest()["model"]
    return Physics(**told | {"also": tuple(Physics(**one) for one in told.get("also", ()))})


def _planned(scenario: Scenario, arms: tuple[Arm, ...]) -> dict[str, int]:
    """How many requests the schedule holds, by the arm's folder; the closed loop has no schedule."""
    load, run = scenario.workload, RunFolder(Path())
    if not load.rate_per_s:
        return {}
    pairs = {pair: sum(1 for _ in due(load, scenario.seed, pair)) for pair in range(1, scenario.pairs + 1)}
    return {run.arm(arm.name, pair).path.name: count for pair, count in pairs.items() for arm in arms}


def told_path(path: Path) -> str:
    """A path as the reader can type it: relative to the project where it lies inside."""
    full = path.resolve()
    return str(full.relative_to(ROOT)) if full.is_relative_to(ROOT) else str(path)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
