"""What somebody asked of Locust, on its command line or in the form of its web UI; refused where it cannot be done."""

import shlex
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from locust.util.timespan import parse_timespan

from harness.foreseen import stratified
from harness.run import check_features
from harness.scenario import Scenario, read_scenario, reseeded, with_plan
from harness.single_run import arm_of, summary_of
from records.bad_input import BadInput
from scenarios import options
from scenarios.workload import Workload, due

IN_FORM = ("scenario", "plan", "features")
LOAD_IN_FORM: tuple[tuple[str, str, Callable[[str], float]], ...] = (
    ("num_users", "user_count", int),
    ("spawn_rate", "spawn_rate", float),
    ("run_time", "run_time", parse_timespan),
)
"""The option, what Locust's form calls it, and how it is read."""


def chosen(asked: Any) -> Scenario:
    """The scenario of the options, with what they override of it."""
    plain = scenario = read_scenario(asked.scenario, asked.faults_dir)
    if asked.plan:
        scenario = with_plan(scenario, asked.plan)
    if asked.seed is not None:
        scenario = reseeded(scenario, asked.seed)
    scenario = replace(scenario, workload=options.overridden(scenario.workload, asked), pairs=1)
    scenario = replace(scenario, summary=summary_of(scenario, plain))
    # Nobody knows the requests of a run without an end: its rare faults stay rare.
    return scenario if is_endless(asked) else stratified(scenario)


def check_app(scenario: Scenario, features: str, host: str | None) -> None:
    """Refuses features that nobody knows; `host` is where the app is there already, and then its features are its own."""
    if host is None:
        check_features(scenario, (arm_of(scenario, features),))
    elif not host.startswith(("http://", "https://")):
        raise BadInput(f'--host: must begin with http:// or https://, got "{host}"')


def typed(form: Mapping[str, str], asked: Any) -> Namespace:
    """The options as they will be once Locust has taken the form over."""
    return Namespace(**vars(asked) | {name: form[name] for name in IN_FORM if name in form} | _load(form))


def _load(form: Mapping[str, str]) -> dict[str, Any]:
    """How much load the form asks for; Locust itself refuses what of it is no number."""
    found: dict[str, Any] = {}
    try:
        found |= {"rate": options.rate(form["rate"])} if "rate" in form else {}
    except ArgumentTypeError as error:
        raise BadInput(f"rate: {error}") from None
    for name, field, read in LOAD_IN_FORM:
        if field in form:
            with suppress(ValueError):
                found[name] = read(form[field]) if form[field] else None
    return found


def is_endless(asked: Any) -> bool:
    """Whether only a hand stops the test."""
    return not (asked.headless or asked.run_time)


def repeating(asked: Any, host: str | None) -> str | None:
    """The command that repeats a test of the web UI without it; None where ours said all, or only a hand ended the test."""
    if asked.headless or is_endless(asked):
        return None
    flags = {
        "-f": asked.locustfile,
        "--scenario": asked.scenario,
        "--plan": asked.plan,
        "--faults-dir": asked.faults_dir,
        "--features": asked.features,
        "--seed": asked.seed,
        "--rate": f"{asked.rate:g}" if asked.rate >= 0 else None,
        "-u": asked.num_users,
        "-r": asked.spawn_rate,
        "-t": f"{asked.run_time:g}s",
        "--host": host,
        "--processes": asked.processes,
    }
    said = [word for flag, value in flags.items() if value not in (None, "") for word in (flag, str(value))]
    return shlex.join(["locust", "--headless", *said, *(["--proof"] if host and asked.proof else [])])


def told_load(workload: Workload, seed: int, endless: bool) -> str:
    """How much load that is, in words."""
    if endless:
        return "until it is stopped"
    if not workload.rate_per_s:
        return f"closed loop, {workload.users} users for {workload.duration_s:g} s"
    many = sum(1 for _ in due(workload, seed, 1))
    return f"{many} requests in {workload.duration_s:g} s, at {workload.rate_per_s:g} a second"
