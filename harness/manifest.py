"""What a run's folder says of itself: what was run, with what, on which machine, and whether it came to its end."""

import os
import platform
import shlex
import sys
import time
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from faults.actions import name_of
from harness.scenario import ROOT, Arm, Scenario

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
    """A folder that does not exist yet: the time of day, then the scenario's name."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    tries = [runs / f"{stamp}-{name}", *(runs / f"{stamp}-{name}-{n}" for n in range(2, 100))]
    return next(path for path in tries if not path.exists())


def make_manifest(scenario: Scenario, run_id: str, arms: tuple[Arm, ...], bounds: tuple[str, ...]) -> dict[str, Any]:
    """The manifest of a run that begins now; its state is `partial` until the run has come to its end."""
    return {
        "id": run_id,
        "state": "partial",
        "seed": scenario.seed,
        "scenario": {"name": scenario.name, "path": _told(scenario.path), "text": scenario.text, "summary": scenario.summary},
        "plan": _plan(scenario),
        "arms": [{"name": arm.name, "features": arm.features} for arm in arms],
        "pairs": scenario.pairs,
        "deadline_s": scenario.workload.deadline_s,
        "duration_s": scenario.workload.duration_s,
        "rate_per_s": scenario.workload.rate_per_s,
        "workload": asdict(scenario.workload),
        "model": asdict(scenario.physics),
        "bounds": list(bounds),
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
        "machine": {"system": platform.platform(), "cores": os.cpu_count(), "processor": platform.machine()},
        "clocks": {"monotonic_s": time.monotonic(), "wall_s": time.time()},
        "command": shlex.join(["headwind" if Path(sys.argv[0]).stem == "headwind" else sys.argv[0], *sys.argv[1:]]),
        "cpu_share": {},
    }


def _plan(scenario: Scenario) -> dict[str, Any] | None:
    if scenario.plan is None or scenario.plan_path is None:
        return None
    faults = [{"name": fault.name, "kind": name_of(fault.kind), "share": fault.share} for fault in scenario.plan.faults]
    return {
        "name": scenario.plan_path.stem,
        "path": _told(scenario.plan_path),
        "text": scenario.plan_path.read_text(),
        "faults": faults,
    }


def _told(path: Path) -> str:
    """A path as the reader can type it: relative to the project where it lies inside."""
    full = path.resolve()
    return str(full.relative_to(ROOT)) if full.is_relative_to(ROOT) else str(path)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
