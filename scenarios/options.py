"""Headwind's own arguments of Locust, on the command line and in the web UI's form."""

from argparse import ArgumentTypeError, Namespace
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

from locust import events

from records.folder import REQUESTS, RunFolder
from scenarios import forked
from scenarios.ticket import Ticket
from scenarios.workload import Workload

SCENARIO = "article"
USUAL_SEED = 7


def register() -> None:
    """To be called when the locustfile is loaded: Locust asks for arguments before anything else happens."""
    hook: Any = events.init_command_line_parser
    hook.add_listener(_add_arguments)
    hook.add_listener(_prepare_workers)


def _add_arguments(parser: Any, **_: Any) -> None:
    # Defaults are never None: the web UI casts what is typed to the type of the default.
    parser.add_argument("--scenario", default=SCENARIO, help="Scenario to run: a TOML file, or one of ours by its name")
    parser.add_argument(
        "--plan", default="", help="Plan of faults: a TOML file, or one of ours by its name; empty: the scenario's"
    )
    parser.add_argument(
        "--features", default="", help="Features of the app, such as all, none or all,-retry; empty: the scenario's"
    )
    parser.add_argument("--rate", type=rate, default=-1.0, help="Arrivals a second; 0: closed loop; -1: the scenario's")
    parser.add_argument(
        "--proof",
        action="store_true",
        default=False,
        help="With --host: the model behind it is Headwind's, its answers prove themselves",
    )
    hidden = {"include_in_web_ui": False}
    parser.add_argument(
        "--faults-dir", default="", help="A folder with kinds of your own, which the plan may name beside ours", **hidden
    )
    parser.add_argument("--seed", type=int, help="Another seed than the scenario's: other requests, other weather", **hidden)
    parser.add_argument("--rows-dir", default="", help="Load only, with rows into this arm's folder (headwind run)", **hidden)
    parser.add_argument("--arm", default="on", help="With --rows-dir: the name of the arm under test", **hidden)
    parser.add_argument("--pair", type=int, default=1, help="With --rows-dir: the pair's number", **hidden)
    # Locust itself would answer on every interface of the machine.
    parser.set_defaults(web_host="127.0.0.1")


def _prepare_workers(parser: Any, **_: Any) -> None:
    forked.prepare(parser)


def rate(text: str) -> float:
    """Arrivals a second, as typed."""
    try:
        found = float(text)
    except ValueError:
        found = -2.0
    if not isfinite(found) or (found < 0 and found != -1):
        raise ArgumentTypeError(f'must be arrivals a second, 0 for the closed loop or -1 for the scenario\'s, got "{text}"')
    return found


def overridden(workload: Workload, options: Namespace) -> Workload:
    """The workload, where --rate, -u, -r and -t do not say otherwise.

    When headless it must be asked before setup(), which fills in what they left open.
    """
    if options.rate >= 0:
        workload = replace(workload, rate_per_s=options.rate)
    if options.num_users:
        workload = replace(workload, users=int(options.num_users))
    if options.spawn_rate:
        workload = replace(workload, spawn_per_s=float(options.spawn_rate))
    if options.run_time:
        workload = replace(workload, duration_s=float(options.run_time))
    return workload


def ticket(options: Namespace, workload: Workload, nth: int = 1) -> Ticket:
    """The test that the hidden arguments name; every further start takes the next pair number, and that pair's folder."""
    folder = Path(options.rows_dir)
    if nth > 1:
        folder = RunFolder(folder.parent).arm(options.arm, options.pair + nth - 1).path
    seed = USUAL_SEED if options.seed is None else options.seed
    return Ticket(workload, seed, options.pair + nth - 1, options.arm, str(folder / REQUESTS))
