"""A locustfile as small as it can be: what the project's own does with scenarios/, and a count of Locust's own events."""

import json
import os
import signal
from pathlib import Path

from locust import events
from locust.runners import WorkerRunner

from records.bad_input import BadInput
from records.jsonl import RowFile
from scenarios import options
from scenarios.setup import setup
from scenarios.users import ChatUser  # noqa: F401
from scenarios.workload import Workload

# Where pytest itself runs in the background SIGINT is ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
options.register()
FOLDER = Path(os.environ["FOLDER"])
EVENTS = RowFile(FOLDER / "events.jsonl")


@events.init.add_listener
def begin(environment, **_):
    asked = environment.parsed_options
    workload = options.overridden(Workload(**json.loads(os.environ["WORKLOAD"])), asked)

    def choose(nth):
        if asked.scenario == "nowhere.toml":
            raise BadInput("nowhere.toml: there is no such file")
        return options.ticket(asked, workload, nth)

    setup(environment, workload, choose)


@events.request.add_listener
def count(request_type, name, context, exception, **_):
    EVENTS.write({**context, "name": name, "failed": exception is not None, "pid": os.getpid()})


@events.quitting.add_listener
def total(environment, **_):
    if not isinstance(environment.runner, WorkerRunner):
        entries = {f"{method} {name}": entry.num_requests for (name, method), entry in environment.stats.entries.items()}
        told = {"requests": environment.stats.total.num_requests, "failures": environment.stats.total.num_failures}
        (FOLDER / "totals.json").write_text(json.dumps({**told, "entries": entries}))
