"""What `locust -f locustfile.py` does beside the load: it starts the embedded stack, and leaves a run with its report."""

import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import STATE_RUNNING, STATE_SPAWNING, MasterRunner, WorkerRunner

from harness.manifest import make_manifest, new_run_path
from harness.processes import Processes, free_port
from harness.scenario import PLANS, Arm, Scenario, find, read_scenario
from harness.stack import StackPlan, start_stack
from records.bad_input import BadInput
from records.folder import ArmFolder, RunFolder
from reports.bounds import parse_bound
from reports.metrics import METRICS
from scenarios import options
from scenarios.setup import setup
from scenarios.ticket import Ticket
from scenarios.workload import Workload

RUNS = Path("runs")
ARM_OF = {"all": "on", "none": "off"}
log = logging.getLogger(__name__)


def open_door(environment: Environment) -> "FrontDoor | None":
    """To be called in Locust's `init`. Workers, and the Locust that `headwind run` starts, only load."""
    asked: Any = environment.parsed_options
    if isinstance(environment.runner, WorkerRunner):
        setup(environment, Workload(), _never)
        return None
    scenario = _or_exit(lambda: chosen(asked))
    workload = options.overridden(scenario.workload, asked)
    if asked.rows_dir:
        setup(environment, workload, lambda nth: options.ticket(asked, workload, nth))
        return None
    door = FrontDoor(environment, replace(scenario, workload=workload))
    setup(environment, workload, door.begin)
    return door


def _never(nth: int) -> Ticket:
    raise AssertionError("a worker is told its test by the master")


def _or_exit(read: Callable[[], Scenario]) -> Scenario:
    try:
        return read()
    except BadInput as error:
        print(error, file=sys.stderr)
        sys.exit(2)


def chosen(asked: Any) -> Scenario:
    """The scenario of the options, with what they override."""
    scenario = read_scenario(asked.scenario)
    if asked.plan:
        from faults.plan import read_plan

        path = find(asked.plan, PLANS, "plan")
        scenario = replace(scenario, plan_path=path, plan=read_plan(path))
    return scenario


class FrontDoor:
    """The tests of one Locust, one after the other; each has a stack and a run of its own."""

    def __init__(self, environment: Environment, scenario: Scenario) -> None:
        self._environment, self._scenario = environment, scenario
        self._processes = Processes()
        self._run: RunFolder | None = None
        self._manifest: dict[str, Any] = {}
        self._embedded = not environment.host
        self._app_port = free_port()
        if self._embedded:
            # Known before the app runs: the web UI's form shows it, and the workers get it.
            environment.host = f"http://127.0.0.1:{self._app_port}"

    def begin(self, _: int) -> Ticket:
        """A new run folder, and in it a new stack with what the form says now."""
        self.finish()
        asked: Any = self._environment.parsed_options
        scenario = self._scenario if asked.headless else self._as_in_form(asked)
        arm = self._arm(scenario, asked.features)
        workload = replace(scenario.workload, proof=self._embedded or asked.proof)
        scenario = replace(scenario, workload=workload, pairs=1)
        self._run = RunFolder(new_run_path(RUNS, scenario.name))
        folder = self._run.arm(arm.name, 1)
        bounds = tuple(bound for bound in scenario.bounds if _is_about(bound, arm.name))
        self._manifest = make_manifest(scenario, self._run.path.name, (arm,), bounds)
        if not self._embedded:
            self._manifest["plan"] = None
        self._run.write_manifest(self._manifest)
        self._start(scenario, arm, folder)
        return Ticket(workload, scenario.seed, 1, arm.name, str(folder.path / "requests.jsonl"))

    def _as_in_form(self, asked: Any) -> Scenario:
        scenario = chosen(asked)
        return replace(scenario, workload=options.overridden(scenario.workload, asked))

    def _arm(self, scenario: Scenario, features: str) -> Arm:
        if not self._embedded:
            return Arm("target", "unknown", {})
        known = {arm.features: arm for arm in scenario.arms}
        features = features or scenario.arms[-1].features
        return known.get(features) or Arm(ARM_OF.get(features, "custom"), features, {})

    def _start(self, scenario: Scenario, arm: Arm, folder: ArmFolder) -> None:
        if not self._embedded:
            folder.path.mkdir(parents=True)
            return
        log.info("starting model server, proxy and app (features: %s)", arm.features)
        deadline_s = scenario.workload.deadline_s
        plan = StackPlan(scenario.physics, scenario.plan_path, None, arm.features, deadline_s, self._app_port, arm.environment)
        try:
            start_stack(self._processes, plan, folder)
        except BadInput:
            self._processes.stop()
            raise

    def stopped(self, **_: Any) -> None:
        """The test was stopped in the web UI: its report is written once the last user is done."""
        if self._environment.web_ui is not None:
            gevent.spawn(self._finish_when_idle)

    def _finish_when_idle(self) -> None:
        runner: Any = self._environment.runner
        while runner.user_count:
            gevent.sleep(0.1)
        if isinstance(runner, MasterRunner):
            gevent.sleep(1.0)  # The workers' last rows: each reports its users as gone when it has written them.
        self.finish()

    def quitting(self, **_: Any) -> None:
        """The last thing before Locust ends: also after Ctrl-C, when the users may still run."""
        runner: Any = self._environment.runner
        interrupted = runner.state in (STATE_SPAWNING, STATE_RUNNING)
        if interrupted:
            runner.stop()
        self.finish(complete=not interrupted)

    def finish(self, complete: bool = True) -> None:
        """Ends the stack, closes the run and writes its report; once."""
        run, self._run = self._run, None
        self._processes.stop()
        if run is None:
            return
        if complete:
            run.write_manifest(self._manifest | {"state": "complete"})
        # In a process of its own: numpy and matplotlib would hold up Locust's web UI for seconds.
        done = subprocess.run([sys.executable, "-m", "harness", "report", str(run.path)], check=False)
        self._environment.process_exit_code = done.returncode


def _is_about(bound: str, arm: str) -> bool:
    """Whether a bound can be judged with this arm alone."""
    try:
        parse_bound(bound, [arm], [metric.name for metric in METRICS])
    except ValueError:
        return False
    return True
