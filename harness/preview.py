"""What a plan will do in a scenario, drawn with the scenario's own request keys before anything runs."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from faults.actions import name_of, state_of
from faults.chances import Foreseen
from faults.plan import Fault, Plan
from harness.foreseen import foresee, plan_of, stratified
from harness.scenario import Scenario
from records.bad_input import BadInput

MOST_NAMED = 5


@dataclass(frozen=True)
class Met:
    """One fault, in requests of one arm over all pairs."""

    fault: str
    kind: str
    on: bool
    share: float
    raised_to: float | None
    strikes: int
    """First attempts that it is drawn to strike."""
    no_chance: int
    """Of these, those that another fault ends first."""
    first: str | None
    """The first request that it strikes."""


@dataclass(frozen=True)
class Preview:
    """What will be met, and what the figures do not say."""

    plan: str
    seed: int
    digest: str
    scenario: str
    requests: int
    """Of one arm, over all pairs."""
    at_least_one: int
    """Requests that meet a fault."""
    several: int
    """Requests that are drawn to meet more than one."""
    faults: tuple[Met, ...]
    notes: tuple[str, ...]


def preview(scenario: Scenario) -> Preview:
    """Counts; the scenario must have a plan and a schedule."""
    if not scenario.workload.rate_per_s:
        raise BadInput(f"{scenario.path}: a closed loop has no schedule to draw with. Set workload.rate_per_s")
    if scenario.app:
        raise BadInput(f"{scenario.path}: whom a fault strikes cannot be foreseen of an app of your own")
    plan, foreseen = plan_of(stratified(scenario)), foresee(scenario)
    struck, robbed, first, per_request = Counter[str](), Counter[str](), dict[str, str](), list[int]()
    for call in foreseen.calls:
        faults = plan.decide(call)
        struck.update(fault.name for fault in faults)
        robbed.update(foreseen.without_chance(call, faults))
        per_request.append(len(faults))
        first = {fault.name: call.id for fault in faults} | first
    return Preview(
        plan=plan.name,
        seed=plan.seed,
        digest=plan.digest,
        scenario=scenario.name,
        requests=len(foreseen.calls),
        at_least_one=sum(count > 0 for count in per_request),
        several=sum(count > 1 for count in per_request),
        faults=tuple(_met(fault, struck, robbed, first) for fault in plan.faults),
        notes=tuple(_notes(plan, foreseen)),
    )


def _met(fault: Fault, struck: Counter[str], robbed: Counter[str], first: dict[str, str]) -> Met:
    name = fault.name
    return Met(name, name_of(fault.kind), fault.on, fault.share, fault.raised_to, struck[name], robbed[name], first.get(name))


def _notes(plan: Plan, foreseen: Foreseen) -> Iterator[str]:
    """What the figures do not say, a sentence each."""
    yield "First attempts are counted. Retries are drawn anew, and a request that the app's cache serves meets nothing."
    if late := sum(call.at_s >= plan.stop_after_s for call in foreseen.calls):
        yield f"stop_after_s ends the faults {plan.stop_after_s:g} s after the first call: {late} of these requests come later."
    on = [fault for fault in plan.faults if fault.on]
    by_headers = [fault for fault in on if fault.headers]
    nowhere = [fault for fault in on if fault not in by_headers and not any(map(fault.is_meant_for, foreseen.calls))]
    by_state = [fault for fault in on if "shared" in state_of(fault.kind)]
    by_time = [fault for fault in on if fault.during_s != (0.0, inf) or fault.burst or fault.clusters]
    if by_headers:
        yield f"By headers that only the app knows, so counted as not sent: {_named(by_headers)}."
    if nowhere:
        yield f"Meant for none of these calls, see routes, models and during: {_named(nowhere)}."
    if by_state:
        yield f"Asked about these calls, and deciding by what came before: {_named(by_state)}."
    if by_time:
        yield f"By the moments of the schedule, which the calls are a little later than: {_named(by_time)}."
    if plan.halt_if:
        yield "halt_if may end the faults early: how the users will fare is not known."


def _named(faults: list[Fault]) -> str:
    names = ", ".join(f'"{fault.name}"' for fault in faults[:MOST_NAMED])
    return names + (f" and {len(faults) - MOST_NAMED} more" if len(faults) > MOST_NAMED else "")
