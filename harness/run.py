"""Runs a scenario: for each pair, each arm gets its own stack and its own Locust; then the report is written."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from harness.manifest import make_manifest, new_run_path
from harness.processes import Process, Processes
from harness.progress import ArmCounters, ShownProgress
from harness.scenario import ROOT, Arm, Scenario
from harness.stack import StackPlan, start_stack
from records.bad_input import BadInput
from records.folder import REQUESTS, ArmFolder, RunFolder
from scenarios.workload import due

POLL_S = 0.25
CHECK_S = 60.0
SLACK_S = 60.0
"""Added to duration and deadline: the load is ended by force after that, so that no run can hang."""


def run(scenario: Scenario, runs: Path, progress: ShownProgress) -> tuple[RunFolder, bool]:
    """The run's folder, and whether it came to its end. Ctrl-C ends it early; what was recorded stays."""
    check_features(scenario.arms)
    folder = RunFolder(new_run_path(runs, scenario.name))
    manifest = make_manifest(scenario, folder.path.name, scenario.arms, scenario.bounds)
    folder.write_manifest(manifest)
    try:
        with progress.shown():
            for pair in range(1, scenario.pairs + 1):
                for arm in scenario.arms:
                    _run_arm(scenario, arm, folder.arm(arm.name, pair), manifest, progress)
                    folder.write_manifest(manifest)
    except KeyboardInterrupt:
        return folder, False
    folder.write_manifest(manifest | {"state": "complete"})
    return folder, True


def check_features(arms: tuple[Arm, ...]) -> None:
    """Ask the app, before anything starts, whether it knows the features of every arm."""
    asked = {
        features: subprocess.Popen(
            [sys.executable, "-m", "reference_app", "--features", features, "--check"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for features in dict.fromkeys(arm.features for arm in arms)
    }
    told = [process.communicate(timeout=CHECK_S)[1].strip() for process in asked.values()]
    problems = [sentence for sentence, process in zip(told, asked.values(), strict=True) if process.returncode]
    if problems:
        raise BadInput(*problems)


def _run_arm(scenario: Scenario, arm: Arm, folder: ArmFolder, manifest: dict[str, Any], progress: ShownProgress) -> None:
    told = f"{arm.name}" + (f", pair {folder.pair} of {scenario.pairs}" if scenario.pairs > 1 else "")
    progress.phase(f"{told}: starting model server, proxy, app")
    with Processes() as processes:
        stack = StackPlan(
            scenario.physics,
            scenario.plan_path,
            scenario.plan_seed,
            arm.features,
            scenario.workload.deadline_s,
            environment=arm.environment,
        )
        url = start_stack(processes, stack, folder)
        began_s = time.monotonic()
        locust = processes.start("locust", locust_command(scenario, folder, url), folder.logs / "locust.log")
        _follow(locust, scenario, folder, f"{told}: load", progress)
        manifest["cpu_share"][folder.path.name] = _cpu_shares(processes, time.monotonic() - began_s)


def locust_command(scenario: Scenario, folder: ArmFolder, url: str) -> list[str]:
    """Locust as a person would type it, on our locustfile."""
    # A failed request is a result here, not an error of Locust's.
    users = ["--headless", "--only-summary", "--exit-code-on-error", "0", "--host", url]
    ours = ["--scenario", str(scenario.path), "--rows-dir", str(folder.path), "--arm", folder.arm, "--pair", str(folder.pair)]
    return [sys.executable, "-m", "locust", "-f", str(ROOT / "locustfile.py"), *users, *ours, "--seed", str(scenario.seed)]


def _follow(locust: Process, scenario: Scenario, folder: ArmFolder, told: str, progress: ShownProgress) -> None:
    counters, load = ArmCounters(folder), scenario.workload
    of = sum(1 for _ in due(load, scenario.seed, folder.pair)) if load.rate_per_s else 0
    began_s = time.monotonic()
    until_s = began_s + load.duration_s + load.deadline_s + SLACK_S
    while locust.child.poll() is None and time.monotonic() < until_s:
        progress.load(told, *_ordered(counters.update(), of), left_s=load.duration_s - (time.monotonic() - began_s))
        time.sleep(POLL_S)
    if not (folder.path / REQUESTS).exists():
        raise BadInput(f"{folder.arm}: Locust made no request. The end of {locust.log}:\n{locust.tail()}")


def _ordered(counted: tuple[int, int], of: int) -> tuple[int, int, int]:
    done, faults = counted
    return done, max(of, done), faults


def _cpu_shares(processes: Processes, wall_s: float) -> dict[str, float]:
    """CPU seconds used, a second of load, by name: 0.5 is half a core."""
    used = {process.name: process.cpu_s() for process in processes.started}
    return {name: round(cpu_s / wall_s, 3) for name, cpu_s in used.items() if cpu_s is not None and wall_s > 0}
