"""How it is told what the faults did, and what was done to them while the run went on."""

from typing import Any

from reports.arm import Change
from reports.bugs import calls, is_ours
from reports.changes import is_by_hand, moment, silenced
from reports.recovery import Landing, Recovery
from reports.render_words import percent, survived
from reports.report import ArmReport, Report

MOST_CHANGES = 50


def names_of(report: Report) -> list[str]:
    """Every fault that any arm tells of, those of the plan first."""
    return list(dict.fromkeys(one.name for arm in report.arms for one in arm.landings))


def fates(report: Report, name: str) -> list[str]:
    """What became of those who met the fault, in each arm."""
    return [
        fate({one.name: one for one in arm.landings}.get(name), {one.name: one for one in arm.by_fault}.get(name))
        for arm in report.arms
    ]


def fate(landed: Landing | None, recovered: Recovery | None) -> str:
    """What became of those who met a fault; before it, what makes that no evidence; after it, why nobody met it."""
    told = survived(recovered) if recovered else "met by no request" if landed else "spared this arm"
    if landed and landed.severed:
        told = f"{calls(landed.severed)} severed by a bug, which is no evidence; {told}"
    if not landed or not landed.silenced or landed.struck:
        return told
    return f"{told}; {silenced(landed.silenced) if landed.share else 'off in its plan'}"


def all_fates(arm: ArmReport) -> str:
    """What became of those who met any fault."""
    severed = sum(one.severed for one in arm.landings)
    return survived(arm.overall) + (f"; among them {calls(severed)} severed by a bug" if severed else "")


def bug_of(report: Report, name: str) -> str:
    """The fault's bug, from the first arm that met it; empty where there is none."""
    found = next((one for arm in report.arms for one in arm.landings if one.name == name and one.bug), None)
    if not found:
        return ""
    return f"a bug of Headwind's own: {found.bug}" if is_ours(found.name, found.kind) else f"has a bug: {found.bug}"


def changes(report: Report, most: int = MOST_CHANGES) -> list[str]:
    """Every change of every arm, a line each; how many more where there are many."""
    told = [f"{_where(arm.name, one, report)}: {change(one)}" for arm in report.arms for one in arm.changes]
    more = [f"and {len(told) - most:,} more, in report.json"] if len(told) > most else []
    return told[:most] + more


def _where(arm: str, told: Change, report: Report) -> str:
    pair = f" pair {told.pair}," if report.manifest["pairs"] > 1 else ""
    return f"{arm},{pair} {moment(told)}"


def change(told: Change) -> str:
    """What was changed, by whom, and why."""
    return f"{_what(told)}, by {told.by}" + (f" ({told.why})" if told.why else "")


def _what(told: Change) -> str:
    of = f'"{told.fault}"' if told.fault else "all faults"
    value = percent(told.value) if isinstance(told.value, int | float) else str(told.value)
    return {
        "on": f"{of} on",
        "off": f"{of} off",
        "share": f"share of {of} now {value}",
        "plan": f"plan now {told.value}",
        "stop": "all faults off" if is_by_hand(told) else "chaos ended by itself",
    }[told.action]


def faults(report: Report) -> list[dict[str, Any]]:
    """Each fault with its landing and its recovery in every arm."""
    landings = [{one.name: one for one in arm.landings} for arm in report.arms]
    recoveries = [{one.name: one for one in arm.by_fault} for arm in report.arms]
    told = {name: next(of[name] for of in landings if name in of) for name in names_of(report)}
    return [
        {
            "fault": fault,
            "bug": bug_of(report, name),
            "arms": [(landed.get(name), recovered.get(name)) for landed, recovered in zip(landings, recoveries, strict=True)],
        }
        for name, fault in told.items()
    ]
