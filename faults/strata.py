"""Strata: rare faults made frequent on purpose, and the weight by which each request counts on the ordinary day. Pure.

A fault that strikes one call in a thousand is not met in a run of a few hundred. `at_least = 30` raises the share of its first
attempts until it is; the report then weighs each request by how likely the ordinary day was to treat it so.
"""

from collections.abc import Mapping
from dataclasses import replace
from operator import itemgetter
from typing import Any

from faults.actions import Request
from faults.chances import Foreseen
from faults.plan import Fault, Plan
from records.bad_input import BadInput, unknown
from records.chance import draw
from records.strict import Table

Limits = list[tuple[float, Request]]


def raised(plan: Plan, foreseen: Foreseen, where: str = "the plan") -> Plan:
    """The plan, with shares that strike as many first attempts of the run as each fault asks for.

    A call counts only where no other fault leaves this one no chance. As the others are raised too, this goes on until all
    have enough. What so few calls cannot give is told together, as BadInput.
    """
    shares: dict[str, float] = {}
    wanted = [(fault, _spared_up_to(fault, plan, foreseen)) for fault in plan.faults if fault.on and fault.at_least]
    while higher := _higher(wanted, plan, shares, foreseen, where):
        shares |= higher
    return with_shares(plan, shares)


def _higher(
    wanted: list[tuple[Fault, Limits]], plan: Plan, shares: Mapping[str, float], foreseen: Foreseen, where: str
) -> dict[str, float]:
    """The shares that must be higher still, given those of the others."""
    found, problems = dict[str, float](), list[str]()
    for fault, limits in wanted:
        try:
            share = _share_for(fault, limits, with_shares(plan, {**shares, **found, fault.name: 1.0}), foreseen)
        except ValueError as error:
            problems.append(f'{where}, fault "{fault.name}".at_least: {error}')
            continue
        if share > shares.get(fault.name, fault.share):
            found[fault.name] = share
    if problems:
        raise BadInput(*problems)
    return found


def with_shares(plan: Plan, shares: Mapping[str, float]) -> Plan:
    """The plan, with these shares for first attempts."""
    faults = [replace(fault, raised_to=shares.get(fault.name, fault.raised_to)) for fault in plan.faults]
    return replace(plan, faults=tuple(faults))


def raised_faults(plan: Plan) -> list[Fault]:
    return [fault for fault in plan.faults if fault.raised_to is not None]


def _spared_up_to(fault: Fault, plan: Plan, foreseen: Foreseen) -> Limits:
    """For each call that it is meant for, in order: the share up to which the call is spared."""
    alone = replace(plan, faults=(replace(fault, raised_to=1.0),))
    limits = [(_limit(alone.faults[0], call, plan.seed), call) for call in foreseen.calls if alone.decide(call)]
    return sorted(limits, key=itemgetter(0))


def _limit(full: Fault, call: Request, seed: int) -> float:
    # Bursts and clusters let a share count for less or more at a time.
    return draw(seed, full.name, call.id, call.attempt) / full.share_of(call, seed)


def _share_for(fault: Fault, limits: Limits, full: Plan, foreseen: Foreseen) -> float:
    """The largest share that strikes enough calls and no more; `full` is the plan with this fault in every call.

    Any share from the last draw that must be struck up to the first that must not strikes the same calls. The largest makes
    the weights 1 on average, as inverse sampling does; with the smallest they are 1 / at_least too high.
    """
    counted = 0
    for number, (_, call) in enumerate(limits, 1):
        counted += fault.name not in foreseen.without_chance(call, full.decide(call))
        if counted == fault.at_least:
            return min(1.0, limits[number][0]) if number < len(limits) else 1.0
    raise ValueError(_too_few(fault, len(foreseen.calls), len(limits), counted))


def _too_few(fault: Fault, calls: int, meant: int, counted: int) -> str:
    other = f", and another fault leaves it no chance in {meant - counted} of them" if meant > counted else ""
    return (
        f"{fault.at_least} cannot be struck: of {calls} first attempts it is meant for {meant}{other}. "
        "Lower it, or let the scenario ask more: rate_per_s, duration_s, pairs"
    )


def weights(plan: Plan, foreseen: Foreseen) -> dict[str, float]:
    """By request: how likely the ordinary day is to treat its first attempt as this plan does, over how likely this plan is."""
    return {call.id: _weight(plan, call) for call in foreseen.calls}


def _weight(plan: Plan, call: Request) -> float:
    weight, struck = 1.0, {fault.name for fault in plan.decide(call)}
    for fault in raised_faults(plan):
        if fault.on and fault.is_meant_for(call) and call.at_s < plan.stop_after_s:
            now = min(1.0, fault.share_of(call, plan.seed))
            usual = min(1.0, replace(fault, raised_to=None).share_of(call, plan.seed))
            weight *= usual / now if fault.name in struck else (1 - usual) / (1 - now)
    return weight


def as_told(plan: Plan, foreseen: Foreseen) -> dict[str, Any]:
    """What strata.json holds."""
    faults = {fault.name: {"share": fault.share, "raised_to": fault.raised_to} for fault in raised_faults(plan)}
    return {"faults": faults, "weights": weights(plan, foreseen)}


def parse_shares(told: object, where: str, plan: Plan) -> Plan:
    """The plan with the shares of a strata.json; what is wrong with that one is told together, as BadInput."""
    problems: list[str] = []
    table, names = Table(where, told, problems), [fault.name for fault in plan.faults]
    shares = {}
    for entry in table.table("faults").each():
        if entry.name not in names:
            entry.problem("", unknown("fault", entry.name, names))
        shares[entry.name] = float(entry.number("raised_to", 1.0, 0, 1, required=True))
    if problems:
        raise BadInput(*problems)
    return with_shares(plan, shares)
