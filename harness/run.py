"""Runs a scenario: for each pair, each arm gets its own stack and its own Locust; then the report is written."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.chaos import ChaosWatch, control_of
from harness.conditions import Conditions, achieved_share
from harness.foreseen import stratified
from harness.kept import keep_plan
from harness.manifest import make_manifest, new_run_path, of_pairs
from harness.processes import Process, Processes
from harness.progress import ArmCounters, ShownProgress
from harness.scenario import ROOT, Arm, Scenario
from harness.stack import from_folder, stack_plan, start_stack
from records.bad_input import BadInput
from records.chance import draw
from records.folder import REQUESTS, ArmFolder, RunFolder
from scenarios.workload import Workload

POLL_S = 0.25
CHECK_S = 60.0
ALWAYS_KNOWN = ("all", "none")
"""Asking costs a second, which a run of these need not wait for."""
SLACK_S = 60.0
"""Added to duration and deadline: the load is ended by force after that, so that no run can hang."""


def run(scenario: Scenario, runs: Path, progress: ShownProgress) -> tuple[RunFolder, bool]:
    """The run's folder, and whether it came to its end. Ctrl-C ends it early; what was recorded stays."""
    running = Running(scenario, runs, progress)
    try:
        with progress.shown():
            if not all(running.run_pair(number) for number in range(1, scenario.pairs + 1)):
                return running.folder, False
    except KeyboardInterrupt:
        return running.folder, False
    running.complete()
    return running.folder, True


class Running:
    """A run that goes on, pair by pair: its folder, and the manifest that tells as much of it as is over."""

    def __init__(self, scenario: Scenario, runs: Path, progress: ShownProgress, more: Mapping[str, Any] = {}) -> None:
        """`more` is for its manifest."""
        check_features(scenario, scenario.arms)
        scenario = stratified(scenario)
        self.progress = progress
        self.folder = RunFolder(new_run_path(runs, scenario.name))
        self.manifest = make_manifest(scenario, self.folder.path.name, scenario.arms, scenario.bounds) | dict(more)
        self.write()
        self._as_given, self.scenario = scenario, keep_plan(scenario, self.folder)

    def run_pair(self, number: int) -> bool:
        """All arms, one after the other; whether the load of each came to its end."""
        for arm in in_order(self.scenario, number):
            complete = _run_arm(self.scenario, arm, self.folder.arm(arm.name, number), self.manifest, self.progress)
            self.write()
            if not complete:
                return False
        return True

    def reaches(self, pairs: int) -> None:
        """It has so many pairs, whatever its scenario says."""
        self.manifest |= of_pairs(self._as_given, pairs)

    def write(self) -> None:
        self.folder.write_manifest(self.manifest)

    def complete(self) -> None:
        """It came to its end."""
        self.manifest["state"] = "complete"
        self.write()


def in_order(scenario: Scenario, pair: int) -> list[Arm]:
    """The arms of a pair in an order drawn by its number: a machine that gets slower must not always strike the same one."""
    return sorted(scenario.arms, key=lambda arm: draw(scenario.seed, "order", f"{pair}:{arm.name}"))


def check_features(scenario: Scenario, arms: tuple[Arm, ...]) -> None:
    """Ask the reference app, before anything starts, whether it knows the features of every arm; another cannot be asked."""
    if scenario.app:
        return
    asked = {
        (features, folder): subprocess.Popen(
            [sys.executable, "-m", "reference_app", "--features", features, "--check"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**os.environ, **from_folder(folder)},
        )
        for features, folder in dict.fromkeys((arm.features, arm.folder) for arm in arms)
        if features not in ALWAYS_KNOWN
    }
    told = [process.communicate(timeout=CHECK_S)[1].strip() for process in asked.values()]
    problems = [sentence for sentence, process in zip(told, asked.values(), strict=True) if process.returncode]
    if problems:
        raise BadInput(*problems)


def _run_arm(scenario: Scenario, arm: Arm, folder: ArmFolder, manifest: dict[str, Any], progress: ShownProgress) -> bool:
    """Whether its load came to its end."""
    told = f"{arm.name}" + (f", pair {folder.pair} of {scenario.pairs}" if scenario.pairs > 1 else "")
    progress.phase(f"{told}: starting model server, proxy, app")
    name = folder.path.name
    with Processes() as processes:
        url = start_stack(processes, stack_plan(scenario, arm, RunFolder(folder.path.parent)), folder)
        conditions = Conditions(processes)
        locust = processes.start("locust", locust_command(scenario, folder, url), folder.logs / "locust.log")
        of = manifest["planned"].get(name, 0)
        watch = ChaosWatch(folder, None if arm.plain else scenario.plan, control_of(processes))
        _follow(locust, processes, scenario.workload, folder, of, f"{told}: load", progress, watch)
        complete = locust.child.poll() == 0
        achieved = achieved_share(folder, scenario.workload, scenario.seed, of) if complete else None
        conditions.note(manifest, name, achieved)
        manifest["ended_early"] += ended_early(folder, processes, besides=locust)
        return complete


def ended_early(folder: ArmFolder, processes: Processes, besides: Process | None = None) -> list[str]:
    """A sentence for each process of the stack that did not live to the end of the load."""
    return [
        f"{folder.path.name}: the {process.name} ended with exit code {process.child.returncode} while the load ran. "
        f"Its last words, in {process.log}: {process.tail(1) or 'none'}"
        for process in processes.ended()
        if process is not besides
    ]


def locust_command(scenario: Scenario, folder: ArmFolder, url: str) -> list[str]:
    """Locust as a person would type it, on our locustfile."""
    # A failed request is a result here, not an error of Locust's.
    users = ["--headless", "--only-summary", "--exit-code-on-error", "0", "--host", url]
    ours = ["--rows-dir", str(folder.path), "--arm", folder.arm, "--pair", str(folder.pair)]
    return [sys.executable, "-m", "locust", "-f", str(ROOT / "locustfile.py"), *users, *ours, "--seed", str(scenario.seed)]


def _follow(
    locust: Process,
    processes: Processes,
    load: Workload,
    folder: ArmFolder,
    of: int,
    told: str,
    progress: ShownProgress,
    watch: ChaosWatch,
) -> None:
    """Shows how far the load is, until it ends, or a process of the stack does, or it takes far too long."""
    counters = ArmCounters(folder)
    began_s = time.monotonic()
    until_s = began_s + load.duration_s + load.deadline_s + SLACK_S
    while not processes.ended() and time.monotonic() < until_s:
        progress.load(told, *_ordered(counters.update(), of), left_s=load.duration_s - (time.monotonic() - began_s))
        for changed in watch.look():
            progress.console.print(changed, markup=False, highlight=False, soft_wrap=True)
        time.sleep(POLL_S)
    if locust.child.poll() not in (None, 0) and not (folder.path / REQUESTS).exists():
        raise RuntimeError(f"{folder.arm}: Locust ended before any request. The end of {locust.log}:\n{locust.tail()}")


def _ordered(counted: tuple[int, int], of: int) -> tuple[int, int, int]:
    done, faults = counted
    return done, max(of, done), faults
