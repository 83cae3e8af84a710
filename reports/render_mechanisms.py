"""How it is told what was tried for requests that met a fault, and how often it helped."""

from typing import Any

from reports.entries import in_order
from reports.ledger import Success
from reports.render_tried import shown_as
from reports.render_words import UNKNOWN, figure, survived
from reports.report import Report

METHOD = (
    "A request counts under each kind of fault that it met, and under each mechanism that acted on it, whether that helped "
    "or not. Recovered: the user got the right answer in time. Limits are Wilson's 95 % interval, and where all were "
    "recovered, what so many allow to be claimed. Attempts: calls to the provider for each of these requests."
)

ALL = "all of them"


def tell(report: Report) -> dict[str, Any] | None:
    """What the section shows; None where no request met a fault."""
    found = [{(one.kind, one.mechanism): one for one in arm.ledger.successes if one.met} for arm in report.arms]
    keys = {key for of in found for key in of}
    if not keys:
        return None
    ranks = in_order(mechanism for _, mechanism in keys)
    groups: dict[str, list[Any]] = {}
    for key in sorted(keys, key=lambda key: (key[0], key[1] != "", ranks.get(key[1], 0))):
        groups.setdefault(_heading(*key), []).append((_name(*key), [_cell(of.get(key)) for of in found]))
    told = [(heading, _without_repeats(lines)) for heading, lines in groups.items()]
    return {"groups": [*told, ("Amplification", _amplification(report))], "method": METHOD, "all": ALL}


def _without_repeats(lines: list[Any]) -> list[Any]:
    """Where one mechanism alone is all there was, its line is enough."""
    return lines[1:] if len(lines) == 2 else lines


def _heading(kind: str, mechanism: str) -> str:
    return f"Against {kind}" if kind else "By what was tried"


def _name(kind: str, mechanism: str) -> str:
    return shown_as(mechanism) if mechanism else ALL


def _cell(found: Success | None) -> dict[str, str]:
    if not found:
        return {"told": UNKNOWN, "more": "", "worse": ""}
    wasted = "" if found.tokens_wasted is None else f", {found.tokens_wasted:,.0f} tokens wasted"
    return {
        "told": survived(found),
        "more": f"{figure('per_request', found.attempts_per_request)} attempts{wasted}",
        "worse": "worse" if found.met - found.rejected - found.recovered else "",
    }


def _amplification(report: Report) -> list[Any]:
    """Attempts for each request: of all, and of those that met a fault."""
    of_all = [_plain(arm.ledger.amplification) for arm in report.arms]
    of_met = [_plain(arm.ledger.amplification_met) for arm in report.arms]
    return [("attempts for each request", of_all), ("for each that met a fault", of_met)]


def _plain(value: float | None) -> dict[str, str]:
    return {"told": figure("per_request", value), "more": "", "worse": ""}
