"""How it is told what was tried for those who met a fault, what came of it, and what nobody could know."""

from reports.entries import NONE, UNKNOWN, in_order
from reports.render_words import UNKNOWN as NO_FIGURE
from reports.render_words import figure, survived
from reports.report import ArmReport, Report

AMPLIFIED = "Attempts of each"
"""Of those who met a fault."""
_SHOWN = {NONE: "nothing", UNKNOWN: "unknown"}


def shown_as(mechanism: str) -> str:
    """A mechanism's name as people read it."""
    return _SHOWN.get(mechanism, mechanism)


def mechanisms_of(report: Report) -> list[str]:
    """Everything that was tried in any arm."""
    names = {one.mechanism for arm in report.arms for one in arm.ledger.by_mechanism}
    return sorted(names, key=in_order(names).__getitem__)


def tried(report: Report, mechanism: str) -> list[str]:
    """What became of those on whom it acted, in each arm."""
    found = [{one.mechanism: one for one in arm.ledger.by_mechanism}.get(mechanism) for arm in report.arms]
    return [survived(one) if one else NO_FIGURE for one in found]


def amplified(arm: ArmReport) -> str:
    """Attempts for each request that met a fault."""
    return figure("per_request", arm.ledger.amplification_met)


def unknowns(report: Report) -> list[str]:
    """What the ledger could not know, once for all arms where it is the same."""
    arms: dict[str, list[str]] = {}
    for arm in report.arms:
        for sentence in arm.ledger.unknowns:
            arms.setdefault(sentence, []).append(arm.name)
    return [told if len(names) == len(report.arms) else f"{', '.join(names)}: {told}" for told, names in arms.items()]
