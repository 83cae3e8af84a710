"""What `locust -f locustfile.py` does beside the load: it starts the embedded stack, and leaves a run with its report."""

import logging
import sys
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event
from gevent.lock import RLock
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from harness.asked import check_app, chosen, is_endless, repeating, told_load, typed
from harness.chaos_page import ChaosPage
from harness.manifest import workload_of
from harness.processes import free_port, refuse_taken
from harness.progress import ArmCounters
from harness.scenario import Arm, Scenario
from harness.single_run import Ending, SingleRun, arm_of
from records.bad_input import BadInput
from records.folder import REQUESTS, ArmFolder, RunFolder
from scenarios import options
from scenarios.chaos_tab import add_chaos_tab
from scenarios.forked import await_end, forked
from scenarios.setup import setup
from scenarios.ticket import Ticket
from scenarios.web_ui import refuse_bad_forms
from scenarios.workload import Workload

RUNS = Path("runs")
LAST_ROWS_S = 10.0
"""Workers that were interrupted have so long to write what was in flight."""
REPORT_S = 60.0
INTERRUPTED = 130
TOLD_EVERY_S = 10
log = logging.getLogger(__name__)


def open_door(environment: Environment) -> "FrontDoor | None":
    """To be called in Locust's `init`. Workers, and the Locust that `headwind run` starts, only load."""
    asked: Any = environment.parsed_options
    if isinstance(environment.runner, WorkerRunner):
        setup(environment, Workload(), _never)
        return None
    try:
        if asked.rows_dir:
            # Of the manifest, not of the scenario's file: somebody may edit that one between two arms.
            ours = options.overridden(workload_of(RunFolder(Path(asked.rows_dir).parent)), asked)
            setup(environment, ours, lambda nth: options.ticket(asked, ours, nth))
            return None
        return FrontDoor(environment, chosen(asked))
    except BadInput as error:
        print(error, file=sys.stderr)
        for worker in forked():
            # They would each tell that they were told to go.
            worker.kill()
        sys.exit(2)


def _never(nth: int) -> Ticket:
    raise AssertionError("a worker is told its test by the master")


class FrontDoor:
    """The tests of one Locust, one after the other; each has a run of its own, and a stack unless the app is there already."""

    def __init__(self, environment: Environment, scenario: Scenario) -> None:
        self._environment, self._scenario = environment, scenario
        self._lock = RLock()
        self._run: SingleRun | None = None
        self._report: Path | None = None
        self._starting: gevent.Greenlet | None = None
        self._told: list[str] = []
        self._leaving = False
        self._workers = forked()
        self._app_port = free_port()
        # Known before the app runs: the web UI's form shows it, and the workers get it.
        self._own_url = f"http://127.0.0.1:{self._app_port}"
        self._prepare(self._asked)
        # Ctrl-C is no error of the greenlet that it happens to meet, which would be told on the console.
        hub: Any = gevent.get_hub()
        hub.NOT_ERROR = (*hub.NOT_ERROR, KeyboardInterrupt)
        self._tests = setup(environment, scenario.workload, self.begin)
        events: Any = environment.events
        events.test_stop.add_listener(self.stopped)
        # Added last, called first: what would still start must not begin to load while Locust takes its time to leave.
        events.quitting.add_listener(self.abandon_start)
        events.quit.add_listener(self.quit)
        if environment.web_ui is not None:
            refuse_bad_forms(environment.web_ui.app, self.check)
            page = ChaosPage(lambda: self._run, lambda: self._report)
            add_chaos_tab(environment.web_ui, page, self._asked.web_base_path)

    @property
    def _asked(self) -> Any:
        return self._environment.parsed_options

    @property
    def _runner(self) -> Any:
        return self._environment.runner

    def _prepare(self, asked: Any) -> None:
        self._environment.host = self._environment.host or self._own_url
        check_app(self._scenario, asked.features, self._foreign(self._environment.host))
        if self._foreign(self._environment.host) and (asked.features or asked.plan):
            log.warning("--features and --plan are for the embedded stack: they change nothing about the app of --host.")
        if asked.headless:
            # A line now and then tells how far it is; Locust's table every two seconds is there for who asks for it.
            asked.only_summary = not asked.print_stats
        elif self._environment.web_ui is not None:
            refuse_taken("--web-port", asked.web_host, asked.web_port)

    def _foreign(self, host: str) -> str | None:
        """The host, where it is not that of the embedded app."""
        return None if host.rstrip("/") in ("", self._own_url) else host

    def check(self, form: Mapping[str, str]) -> None:
        """Refuses a form of the web UI that could not be started."""
        if isinstance(self._runner, MasterRunner) and not self._runner.worker_count:
            raise BadInput("No worker is connected. Wait a moment, or start one.")
        asked = typed(form, self._asked)
        check_app(chosen(asked), asked.features, self._foreign(form.get("host", self._own_url)))
        if form.get("run_time") == "":
            # Locust would keep the one that was typed before.
            self._asked.run_time = None

    def begin(self, _: int) -> Ticket:
        """A new run, and in it a new stack, with what the command line or the form says now."""
        with self._lock:
            self._finish(self._run)
            self._starting = gevent.getcurrent()
            try:
                return self._begin(chosen(self._asked))
            finally:
                self._starting = None

    def _begin(self, scenario: Scenario) -> Ticket:
        asked, endless = self._asked, is_endless(self._asked)
        self._environment.host = host = self._environment.host or self._own_url
        if self._foreign(host):
            scenario = replace(scenario, workload=replace(scenario.workload, proof=asked.proof))
            run = SingleRun(scenario, Arm("target", "unknown", {}), None, endless, repeating(asked, host))
        else:
            run = SingleRun(scenario, arm_of(scenario, asked.features), self._app_port, endless, repeating(asked, None))
            log.info("Starting model server, proxy and app (features: %s) ...", run.arm.features)
        try:
            folder = run.start(RUNS)
        except (gevent.GreenletExit, KeyboardInterrupt):
            self._settle(run.end(complete=False))
            for stray in set(forked()) - set(self._workers):
                # Interrupted in the very moment of its start, before anybody took note of it.
                stray.kill()
            raise
        self._run = run
        log.info("Loading %s: %s. The run: %s", host, told_load(scenario.workload, scenario.seed, endless), run.path)
        gevent.spawn(self._follow, run, folder)
        return Ticket(scenario.workload, scenario.seed, 1, run.arm.name, str(folder.path / REQUESTS))

    def _follow(self, run: SingleRun, folder: ArmFolder) -> None:
        """Tells how far it is, now and then; without its stack there is nothing left to load."""
        counters = ArmCounters(folder)
        for second in count(1):
            gevent.sleep(1)
            if run is not self._run:
                return
            for changed in run.watch.look() if run.watch else ():
                log.warning("%s", changed)
            if ended := run.ended_early():
                log.error("%s", "\n".join(ended))
                self._tests.cut_short()
                return
            if self._asked.headless and second % TOLD_EVERY_S == 0:
                log.info("%d requests finished, %d faults landed", *counters.update())

    def stopped(self, **_: Any) -> None:
        """The test was stopped in the web UI, or came to its end there: its report is written once the last user is done."""
        if self._environment.web_ui is not None and not self._leaving:
            gevent.spawn(self._finish_when_idle, self._run)

    def _finish_when_idle(self, run: SingleRun | None) -> None:
        # On a master: a worker reports its users as gone when their rows are written.
        while self._runner.user_count:
            gevent.sleep(0.1)
        self._finish(run)

    def abandon_start(self, **_: Any) -> None:
        if self._starting is not None:
            self._starting.kill()

    def quitting(self) -> None:
        """The last thing before Locust ends: also after Ctrl-C, when the users may still run."""
        if self._leaving:
            # SIGTERM makes Locust shut down twice at once, with two summaries: the second waits for the end of the first.
            Event().wait(REPORT_S)
            return
        self._leaving, run = True, self._run
        try:
            self._leave()
        except KeyboardInterrupt:
            if run is not None:
                log.warning("Interrupted again: no report was written. To write it: headwind report %s", run.path)
            sys.exit(INTERRUPTED)

    def _leave(self) -> None:
        if not isinstance(self._runner, MasterRunner):
            self._runner.quit()
        if not await_end(self._workers, LAST_ROWS_S):
            log.warning("The workers did not end within %g s: their last rows may be missing from the report.", LAST_ROWS_S)
        self._finish(self._run)

    def quit(self, **_: Any) -> None:
        """After Locust's own summary."""
        for told in self._told:
            print(told, flush=True)

    def _finish(self, run: SingleRun | None) -> None:
        """Ends the stack, closes the run and writes its report; once."""
        with self._lock:
            if run is None or run is not self._run:
                return
            self._run = None
            complete = self._tests.complete
            log.info("The load %s. Writing the report ...", "has ended" if complete else "was stopped before its end")
            self._settle(run.end(complete))
            self._report = run.report or self._report

    def _settle(self, ending: Ending) -> None:
        self._environment.process_exit_code = ending.exit_code
        self._told.append(ending.told)
        if not self._leaving:
            self.quit()
            self._told.clear()
