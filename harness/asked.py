"""What somebody asked of Locust, on its command line or in the form of its web UI; refused where it cannot be done."""

from argparse import ArgumentTypeError, Namespace
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.foreseen import stratified
from harness.run import check_features
from harness.scenario import Scenario, read_scenario, reseeded, with_plan
from harness.single_run import arm_of
from records.bad_input import BadInput
from scenarios import options
from scenarios.workload import Workload, due

IN_FORM = ("scenario", "plan", "features")


def chosen(asked: Any) -> Scenario:
    """The scenario of the options, with what they override of it."""
    scenario = read_scenario(asked.scenario, asked.faults_dir)
    if asked.plan:
        scenario = with_plan(scenario, asked.plan)
    if asked.seed is not None:
        scenario = reseeded(scenario, asked.seed)
    scenario = replace(scenario, workload=options.overridden(scenario.workload, asked), pairs=1)
    # Nobody knows the requests of a run without an end: its rare faults stay rare.
    return scenario if is_endless(asked) else stratified(scenario)


def check_app(scenario: Scenario, features: str, host: str | None) -> None:
    """Refuses features that nobody knows; `host` is where the app is there already, and then its features are its own."""
    if host is None:
        check_features((arm_of(scenario, features),))
    elif not host.startswith(("http://", "https://")):
        raise BadInput(f'--host: must begin with http:// or https://, got "{host}"')


def typed(form: Mapping[str, str], asked: Any) -> Namespace:
    """The options as they will be once Locust has taken the form over."""
    try:
        options.rate(form.get("rate", "-1"))
    except ArgumentTypeError as error:
        raise BadInput(f"rate: {error}") from None
    return Namespace(**vars(asked) | {name: form[name] for name in IN_FORM if name in form})


def is_endless(asked: Any) -> bool:
    """Whether only a hand stops the test."""
    return not (asked.headless or asked.run_time)


def told_load(workload: Workload, seed: int, endless: bool) -> str:
    """How much load that is, in words."""
    if endless:
        return "until it is stopped"
    if not workload.rate_per_s:
        return f"closed loop, {workload.users} users for {workload.duration_s:g} s"
    many = sum(1 for _ in due(workload, seed, 1))
    return f"{many} requests in {workload.duration_s:g} s, at {workload.rate_per_s:g} a second"
