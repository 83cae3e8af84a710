"""Ties a workload to Locust's events: in one process, as master and as worker, headless and with the web UI."""

import ctypes
import logging
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from math import inf
from time import monotonic
from typing import Any

import gevent
import locust.stats
from locust.env import Environment
from locust.exception import StopTest
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
END_NOW = "headwind_end_now"


def setup(environment: Environment, workload: Workload, choose: Choose) -> None:
    """To be called once, in Locust's `init` event, in every process."""
    # Without it -t runs short by the start-up time: the hub's clock stands still while we load.
    gevent.get_hub().loop.update_now()
    locust.stats.bucket_response_time = bucket  # type: ignore[assignment]
    events: Any = environment.events
    runner: Any = environment.runner
    tests = _Tests(environment, choose)
    if isinstance(runner, WorkerRunner):
        runner.register_message(END_NOW, tests.end_now)
        _end_with_parent(environment)
    else:
        _fill_in(environment, workload)
        runner.register_message(THROUGH, tests.through)
        events.test_start.add_listener(tests.choose)
    if not isinstance(runner, MasterRunner):
        events.test_start.add_listener(tests.start)
        events.test_stopping.add_listener(tests.stopping)
        events.test_stop.add_listener(tests.stop)
    events.quitting.add_listener(tests.quitting)
    if environment.web_ui is not None:
        refuse_cross_origin(environment.web_ui.app)


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
    if options.headless:
        # A headless test ends when all arrivals are told; this is for the one that never gets there.
        options.run_time = START_IN_S + workload.duration_s + workload.deadline_s + 2 * GRACE_S


class _Tests:
    """The tests of one process, one after the other."""

    def __init__(self, environment: Environment, choose: Choose) -> None:
        self._environment, self._choose = environment, choose
        self._nth = 0
        self._load: Load | None = None
        self._missing: set[str] = set()

    @property
    def _options(self) -> Any:
        return self._environment.parsed_options

    @property
    def _runner(self) -> Any:
        return self._environment.runner

    def choose(self, **_: Any) -> None:
        """On the master or the only process: names the test and puts it into the options, which the workers get."""
        self._nth += 1
        try:
            ticket = self._choose(self._nth)
        except Exception as error:
            self._give_up(error)
        else:
            endless = not (self._options.headless or self._options.run_time)
            self._missing = set(workers := self._workers())
            until_s = inf if endless else ticket.workload.duration_s
            ticket = replace(ticket, start_s=monotonic() + START_IN_S, until_s=until_s, workers=workers)
            self._options.headwind = to_wire(ticket)
            if not self._options.stop_timeout:
                self._environment.stop_timeout = ticket.workload.deadline_s + GRACE_S

    def _workers(self) -> tuple[str, ...]:
        if not isinstance(self._runner, MasterRunner):
            return (self._runner.client_id,)
        clients = self._runner.clients
        there = sorted(client.id for client in clients.ready + clients.running + clients.spawning)
        # Locust hands users out in this order: with fewer users than workers the last ones get none.
        return tuple(there[: self._runner.target_user_count])

    def _give_up(self, error: Exception) -> None:
        # Locust would go on and load with whatever was there before: a listener's exception is only logged.
        self._environment.process_exit_code = 2 if isinstance(error, BadInput) else 1
        if self._options.headless:
            gevent.spawn(self._runner.quit)
        raise StopTest(f"{type(error).__name__}: {error}") from error

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

    def through(self, msg: Any, **_: Any) -> None:
        """One process has told all its arrivals; with the last of them the test is over."""
        if msg.data["worker"] in self._missing:
            self._missing.remove(msg.data["worker"])
            if not self._missing:
                # In a greenlet of its own: quitting ends the one that brought this message.
                gevent.spawn(self._runner.quit if self._options.headless else self._runner.stop)

    def quitting(self, **_: Any) -> None:
        """Ctrl-C or SIGTERM while the test runs: nobody waits for what is in flight; it is told as aborted."""
        if self._missing and self._options.headless:
            logging.getLogger(__name__).warning("%d of the load-generating processes were not through", len(self._missing))
        if self._runner.state in (STATE_SPAWNING, STATE_RUNNING):
            self.end_now()
            if isinstance(self._runner, MasterRunner):
                self._runner.send_message(END_NOW)

    def end_now(self, **_: Any) -> None:
        self._environment.stop_timeout = 0.0


def _end_with_parent(environment: Environment) -> None:
    """Workers forked by --processes end with their master, even when that is killed: Locust's would load on for 60 s."""
    options: Any = environment.parsed_options
    if options.processes and sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)
