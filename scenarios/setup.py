"""Ties a workload to Locust's events: in one process, as master and as worker, headless and with the web UI."""

import logging
import os
from collections.abc import Callable
from dataclasses import replace
from math import inf
from time import monotonic
from typing import Any, NoReturn, cast

import gevent
import locust.stats
from locust.env import Environment
from locust.runners import STATE_RUNNING, STATE_SPAWNING, MasterRunner, WorkerRunner

from records.bad_input import BadInput
from scenarios.load import THROUGH, Load
from scenarios.ticket import Ticket, from_wire, to_wire
from scenarios.users import ChatUser
from scenarios.web_ui import refuse_cross_origin
from scenarios.workload import Workload

Choose = Callable[[int], Ticket]
"""Names the nth test of this process (1, 2, ...); called at each start, after the web UI's form was read."""
START_IN_S = 0.2
"""The workers get the spawn message within this time, so that nobody starts late."""
GRACE_S = 2.0
LOST_S = 10.0
"""A worker that has not been heard of for so long is given up."""
PARTIAL = 4
"""The exit code of a test that did not come to its end: inconclusive."""
END_NOW = "headwind_end_now"
log = logging.getLogger(__name__)


def setup(environment: Environment, workload: Workload, choose: Choose) -> "Tests":
    """To be called once, in Locust's `init` event, in every process."""
    # Without it -t runs short by the start-up time: the hub's clock stands still while we load.
    gevent.get_hub().loop.update_now()
    locust.stats.bucket_response_time = bucket  # type: ignore[assignment]
    events: Any = environment.events
    runner: Any = environment.runner
    tests = Tests(environment, choose)
    if isinstance(runner, WorkerRunner):
        runner.register_message(END_NOW, tests.end_now)
        _leave_terminal(environment)
    else:
        _fill_in(environment, workload)
        tests.keep_run_time()
        runner.register_message(THROUGH, tests.through)
        events.test_start.add_listener(tests.choose)
    if not isinstance(runner, MasterRunner):
        events.test_start.add_listener(tests.start)
        events.test_stopping.add_listener(tests.stopping)
        events.test_stop.add_listener(tests.stop)
    events.quitting.add_listener(tests.quitting)
    if environment.web_ui is not None:
        refuse_cross_origin(environment.web_ui.app)
    return tests


def bucket(milliseconds: float) -> float:
    """The histogram's bucket: off by 0.5 % at most, where Locust's own keeps two digits."""
    if milliseconds < 100:
        return round(milliseconds, 1)
    return round(milliseconds) if milliseconds < 1000 else round(milliseconds, -1 if milliseconds < 10_000 else -2)


def _fill_in(environment: Environment, workload: Workload) -> None:
    """What the command line left open comes from the workload."""
    options: Any = environment.parsed_options
    options.num_users = options.num_users or workload.users
    options.spawn_rate = options.spawn_rate or workload.spawn_per_s


def _leave_terminal(environment: Environment) -> None:
    """Ctrl-C is for the master, who tells its workers: ended by both at once, they would lose Locust's last figures."""
    options: Any = environment.parsed_options
    if options.processes:
        os.setsid()


class Tests:
    """The tests of one process, one after the other."""

    def __init__(self, environment: Environment, choose: Choose) -> None:
        self._environment, self._choose = environment, choose
        self._nth = 0
        self._load: Load | None = None
        self._missing: set[str] = set()
        self._endless = self._cut_short = False
        self._run_time: float | None = None

    @property
    def _options(self) -> Any:
        return self._environment.parsed_options

    @property
    def _runner(self) -> Any:
        return self._environment.runner

    @property
    def complete(self) -> bool:
        """Whether the last test came to its end: all arrivals told, or stopped by hand where nothing else would end it."""
        return not self._cut_short and (self._endless or not self._missing)

    def keep_run_time(self) -> None:
        """Locust's own clock starts with Locust, or with a click: it would cut off what choosing, and so starting up, takes."""
        if not (self._options.headless or self._options.autostart):
            return
        self._run_time, self._options.run_time = self._options.run_time, None
        logging.getLogger("locust.main").addFilter(lambda record: not str(record.msg).startswith("No run time limit set"))

    def choose(self, **_: Any) -> None:
        """On the master or the only process: names the test and puts it into the options, which the workers get."""
        self._nth += 1
        if self._nth == 1:
            self._options.run_time = self._options.run_time or self._run_time
        web_ui: Any = self._environment.web_ui
        if web_ui is not None:
            web_ui._cancel_run_time_timer()
        # Choosing may take seconds: meanwhile the web UI shows that something goes on, and its button stops it.
        before, self._runner.state = self._runner.state, STATE_SPAWNING
        try:
            ticket = self._choose(self._nth)
        except Exception as error:
            self._give_up(error)
        finally:
            self._runner.state = before
        self._begin(ticket)

    def _begin(self, ticket: Ticket) -> None:
        self._endless = not (self._options.headless or self._options.run_time)
        self._cut_short = False
        self._missing = set(workers := self._workers())
        until_s = inf if self._endless else ticket.workload.duration_s
        ticket = replace(ticket, start_s=monotonic() + START_IN_S, until_s=until_s, workers=workers)
        self._options.headwind = to_wire(ticket)
        if not self._options.stop_timeout:
            self._environment.stop_timeout = ticket.workload.deadline_s + GRACE_S
        if self._options.headless:
            limit_s = START_IN_S + ticket.workload.duration_s + ticket.workload.deadline_s + 2 * GRACE_S
            gevent.spawn_later(limit_s, self._out_of_time)
        if isinstance(self._runner, MasterRunner):
            gevent.spawn(self._watch_workers, ticket)

    def _out_of_time(self) -> None:
        if self._missing:
            log.error("%d of the load-generating processes did not come to an end in time.", len(self._missing))
            self.cut_short()

    def _workers(self) -> tuple[str, ...]:
        if not isinstance(self._runner, MasterRunner):
            return (self._runner.client_id,)
        # Locust hands users out in this order: with fewer users than workers the last ones get none.
        return tuple(sorted(self._connected())[: self._runner.target_user_count])

    def _connected(self) -> set[str]:
        clients = self._runner.clients
        return {client.id for client in clients.ready + clients.running + clients.spawning}

    def _watch_workers(self, ticket: Ticket) -> None:
        """Who died will never be through: the others are, and the test ends with them."""
        unheard_s = dict.fromkeys(ticket.workers, 0)
        while self._missing & unheard_s.keys():
            gevent.sleep(1)
            if self._runner.state not in (STATE_SPAWNING, STATE_RUNNING):
                return
            connected = self._connected()
            unheard_s = {worker: 0 if worker in connected else unheard_s[worker] + 1 for worker in unheard_s}
            for worker in [worker for worker in self._missing if unheard_s[worker] >= LOST_S]:
                log.error("A load-generating process died: what it was asking is lost, and the run is partial.")
                self._cut_short = True
                self._is_through(worker)

    def _give_up(self, error: Exception) -> NoReturn:
        if isinstance(error, BadInput):
            log.error("%s", error)
        else:
            log.exception("the test could not be set up")
        self._environment.process_exit_code = 2 if isinstance(error, BadInput) else 1
        if self._options.headless:
            gevent.spawn(self._runner.quit)
        # Locust would go on and load with whatever was there before: it only logs a listener's exception, all but this one.
        raise gevent.GreenletExit

    def start(self, **_: Any) -> None:
        """In each load-generating process."""
        ChatUser.load = self._load = Load(self._environment, from_wire(self._options.headwind), self._runner.client_id)
        self._load.start()

    def stopping(self, **_: Any) -> None:
        if self._load is not None:
            self._load.stop()

    def stop(self, **_: Any) -> None:
        if self._load is not None:
            self._load.close()
        ChatUser.load = self._load = None
        if isinstance(self._runner, WorkerRunner):
            # A worker waits for as long again before it is ready for the next test.
            self.end_now()

    def through(self, msg: Any, **_: Any) -> None:
        self._is_through(msg.data["worker"])

    def _is_through(self, worker: str) -> None:
        """One process has told all its arrivals; with the last of them the test is over."""
        if worker in self._missing:
            self._missing.remove(worker)
            if not self._missing:
                # In a greenlet of its own: quitting ends the one that brought this message.
                gevent.spawn(self._end)

    def cut_short(self) -> None:
        """Ends the test before its end."""
        self._cut_short = True
        gevent.spawn(self._end)

    def _end(self) -> None:
        options, web_ui = self._options, cast(Any, self._environment.web_ui)
        if options.headless:
            self._runner.quit()
            return
        self._runner.stop()
        if options.autostart and options.autoquit != -1:
            gevent.sleep(options.autoquit)
            self._runner.quit()
            web_ui.stop()

    def quitting(self, **_: Any) -> None:
        """Ctrl-C or SIGTERM while the test runs: nobody waits for what is in flight; it is told as aborted."""
        if not self.complete and self._environment.process_exit_code is None:
            self._environment.process_exit_code = PARTIAL
        if self._runner.state in (STATE_SPAWNING, STATE_RUNNING):
            self._cut_short = True
            self.end_now()
            if isinstance(self._runner, MasterRunner):
                self._runner.send_message(END_NOW)

    def end_now(self, **_: Any) -> None:
        self._environment.stop_timeout = 0.0
