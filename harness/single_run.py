"""The run of a Locust that somebody started by hand: one arm, its stack unless the app is there already, its report."""

import atexit
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.chaos import ChaosWatch, ProxyControl, control_of
from harness.conditions import Conditions, achieved_share
from harness.kept import keep_plan
from harness.manifest import make_manifest, new_run_path
from harness.processes import Processes
from harness.run import ended_early
from harness.scenario import Arm, Scenario
from harness.stack import stack_plan, start_stack
from records.folder import REQUESTS, ArmFolder, RunFolder
from reports.bounds import parse_bound
from reports.metrics import METRICS

ARM_OF = {"all": "on", "none": "off"}
INCONCLUSIVE = 4


@dataclass(frozen=True)
class Ending:
    """What a run came to: an exit code, and what to tell about it."""

    exit_code: int
    told: str


class SingleRun:
    """One run of one arm: start it, let it be loaded, end it."""

    def __init__(
        self, scenario: Scenario, arm: Arm, app_port: int | None, endless: bool = False, command: str | None = None
    ) -> None:
        """`app_port` is where the embedded app shall listen; None: the app under test is there already.

        `endless`: it goes on, past the workload's duration, until somebody stops it. `command` repeats it; None: our own.
        """
        self.scenario = replace(scenario, pairs=1, arms=(arm,))
        self.arm, self._app_port, self._endless, self._command = arm, app_port, endless, command
        self._processes = Processes()
        self._folder: RunFolder | None = None
        self.control: ProxyControl | None = None
        """Of the stack's proxy, while there is one."""
        self.watch: ChaosWatch | None = None
        self._manifest: dict[str, Any] = {}
        self._conditions = Conditions(self._processes)

    @property
    def path(self) -> Path | None:
        """The run's folder, once it has begun."""
        return self._folder.path if self._folder else None

    @property
    def report(self) -> Path | None:
        """Once it is written."""
        path = self._folder.path / "report.html" if self._folder else None
        return path if path and path.exists() else None

    def start(self, runs: Path) -> ArmFolder:
        """Where its rows belong. The stack answers when this comes back; when it cannot, its logs stay."""
        self._folder = run = RunFolder(new_run_path(runs, self.scenario.name))
        folder = run.arm(self.arm.name, 1)
        bounds = tuple(bound for bound in self.scenario.bounds if _is_about(bound, self.arm.name))
        self._manifest = make_manifest(self.scenario, run.path.name, self.scenario.arms, bounds)
        if self._app_port is None:
            # What strikes the provider of an app that is there already, if anything does, we do not know.
            self._manifest |= {"plan": None, "embedded": False}
        if self._command:
            self._manifest["command"] = self._command
        if self._endless:
            self._manifest |= {"planned": {}, "duration_s": None}
        run.write_manifest(self._manifest)
        folder.path.mkdir()
        if self._app_port is not None:
            self._start_stack(self._app_port, folder)
        self.control = control_of(self._processes)
        self.watch = ChaosWatch(folder, None if self.arm.plain else self.scenario.plan, self.control)
        self._conditions = Conditions(self._processes)
        return folder

    def _start_stack(self, port: int, folder: ArmFolder) -> None:
        run = RunFolder(folder.path.parent)
        plan = stack_plan(keep_plan(self.scenario, run), self.arm, run, port)
        # Where the kernel cannot tell them that we died (macOS), a second Ctrl-C must not leave them behind.
        atexit.register(self._processes.stop)
        try:
            start_stack(self._processes, plan, folder)
        except Exception:
            self._processes.stop()
            raise

    def ended_early(self) -> list[str]:
        """A sentence for each process of the stack that is no more."""
        return ended_early(self._folder.arm(self.arm.name, 1), self._processes) if self._folder else []

    def end(self, complete: bool) -> Ending:
        """Ends the stack, closes the run, writes its report. A run that was stopped before it had rows leaves no folder."""
        ended: dict[str, Any] = {"ended_early": self.ended_early()}
        run = self._folder
        if run is not None:
            folder = run.arm(self.arm.name, 1)
            self._conditions.note(ended, folder.path.name, self._achieved_share(folder) if complete else None)
        self.control = None
        self._processes.stop()
        atexit.unregister(self._processes.stop)
        if run is None or not (complete or _has_rows(run)):
            if run is not None:
                shutil.rmtree(run.path, ignore_errors=True)
            return Ending(INCONCLUSIVE, "The test was stopped before any request was sent: there is nothing to report.")
        ended["state"] = "complete" if complete else "partial"
        run.write_manifest(self._manifest | ended)
        return _report(run.path)

    def _achieved_share(self, folder: ArmFolder) -> float | None:
        scheduled = self._manifest.get("planned", {}).get(folder.path.name, 0)
        return achieved_share(folder, self.scenario.workload, self.scenario.seed, scheduled)


def _has_rows(run: RunFolder) -> bool:
    return any(path.stat().st_size for path in run.path.glob(f"*/{REQUESTS}"))


def arm_of(scenario: Scenario, features: str) -> Arm:
    """The scenario's arm with these features, or one of their own; none named: the scenario's last arm."""
    if not features:
        return scenario.arms[-1]
    # Who asks for features wants to see them under the plan.
    known = {arm.features: arm for arm in scenario.arms if not arm.plain}
    return known.get(features) or Arm(ARM_OF.get(features, "custom"), features, scenario.environment)


def summary_of(scenario: Scenario, plain: Scenario) -> str:
    """What it is about: not what its file says, where that was overridden."""
    others = {
        "another plan": scenario.plan_text != plain.plan_text,
        "another load": scenario.workload != plain.workload,
    }
    told = " and ".join(what for what, is_so in others.items() if is_so)
    return f"the scenario {plain.name}, but with {told}" if told else plain.summary


def _is_about(bound: str, arm: str) -> bool:
    """Whether a bound can be judged with this arm alone."""
    try:
        parse_bound(bound, [arm], [metric.name for metric in METRICS])
    except ValueError:
        return False
    return True


def _report(run: Path) -> Ending:
    # In a process of its own: numpy and matplotlib would hold up Locust's web UI for seconds. And in a session of its
    # own: who presses Ctrl-C twice still gets the report.
    command = [sys.executable, "-m", "harness", "report", str(run)]
    done = subprocess.run(command, capture_output=True, text=True, start_new_session=True, env=_looks(), check=False)
    return Ending(done.returncode, (done.stdout + done.stderr).rstrip())


def _looks() -> dict[str, str]:
    """Colours and width of our own terminal, where there is one."""
    if not sys.stdout.isatty():
        return dict(os.environ)
    return {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(shutil.get_terminal_size().columns)}
