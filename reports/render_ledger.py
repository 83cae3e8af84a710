"""How the ledger is told: the first requests as a table, all that fit as data for the page's script."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from reports.charts import colours, compared
from reports.entries import tried_of
from reports.ledger import Waterfall
from reports.ledger_data import FINE, ledger_data
from reports.ledger_sample import MET, OF_EACH, UNSTRUCK, Sample, sample
from reports.render_tried import shown_as, unknowns
from reports.render_words import UNKNOWN
from reports.report import Report
from reports.waterfall import waterfalls_of

FIRST = 25
"""Requests in the table without a script."""
MOST_NAMED = 4
"""Of more arms than this only the sum is told."""
KEY = (
    "In a waterfall a thin line is waiting, a bar an answer that comes, each tick below it a token that reached the user. "
    "Every attempt has a line of its own; a red triangle is a fault that struck it, a red cross an end without a right "
    "answer, a dashed line the deadline."
)


@dataclass(frozen=True)
class Told:
    """A request with what the ledger says beside its waterfall."""

    of: Waterfall
    listed: str
    mechanisms: Sequence[str]

    @property
    def is_fine(self) -> bool:
        return self.of.saw in FINE


def ledger(report: Report) -> dict[str, Any] | None:
    """What the section shows; None where no request met a fault, failed or was slow, or the run is older than its ledger."""
    lines = {arm.name: arm.ledger.entries for arm in report.arms}
    arms = [arm for arm in report.run.arms if len(arm.rows)]
    found = sample(arms, lines, compared(report)) if arms else None
    if found is None or not len(found.chosen):
        return None
    requests = _requests(report, found)
    colour_of = colours(report)
    data = ledger_data(
        [one.of for one in requests],
        [one.listed for one in requests],
        [one.mechanisms for one in requests],
        [(arm.name, colour_of[arm.name]) for arm in arms],
        report.manifest["deadline_s"],
    )
    met = [one for one in requests if one.listed == MET]
    return {
        "sentences": sentences(report, found),
        "filters": _filters(met, [arm.name for arm in arms]),
        "first": [_shown(one) for one in met[:FIRST]],
        "first_of": f"The first {min(FIRST, len(met)):,} of {len(met):,} requests." if met else "No request met a fault.",
        "key": KEY,
        "data": Markup(data),
    }


def _requests(report: Report, found: Sample) -> list[Told]:
    """The worst first: who got no right answer, then who waited longest."""
    told: list[Told] = []
    for arm in report.run.arms:
        mine = found.chosen[found.chosen["arm"] == arm.name]
        if len(mine):
            of = waterfalls_of(arm, mine["place"].to_numpy())
            told += [Told(*one) for one in zip(of, mine["listed"], mechanisms_of(of), strict=True)]
    return sorted(told, key=lambda one: (one.is_fine, -one.of.finished_s))


def mechanisms_of(requests: Sequence[Waterfall]) -> list[list[str]]:
    """What acted on each, by the ledger's own rule."""
    import numpy as np

    at = np.array([place for place, one in enumerate(requests) for _ in one.tries], dtype=np.int64)
    reasons = np.array([of.reason for one in requests for of in one.tries], dtype=object)
    tried = tried_of(at, reasons, np.array([one.served_by for one in requests], dtype=object))
    found: list[list[str]] = [[] for _ in requests]
    for place, mechanism in zip(tried["at"], tried["mechanism"], strict=True):
        found[place].append(str(mechanism))
    return found


def sentences(report: Report, found: Sample) -> list[str]:
    """How many there are, how many of them are listed, and what could not be known."""
    told = [f"{_counted(found)} {_listed(found)}", _beside(found), *unknowns(report)]
    return [one for one in told if one]


def _counted(found: Sample) -> str:
    if len(found.met) > MOST_NAMED:
        return f"{sum(found.met.values()):,} requests of {len(found.met)} arms met a fault."
    return f"""Requests that met a fault: {", ".join(f'{count:,} in "{name}"' for name, count in found.met.items())}."""


def _listed(found: Sample) -> str:
    count, every = found.count(MET), sum(found.met.values())
    if count == every:
        return "All of them are listed."
    return (
        f"{count:,} of these {every:,} are listed, so that this file stays small: evenly picked, the same requests of every "
        f"arm, and of each fault and end of an arm {OF_EACH} at least. The figures above are of all."
    )


def _beside(found: Sample) -> str:
    """Empty where there are none."""
    count = found.count(UNSTRUCK)
    if not count:
        return ""
    some = f"{count:,} of {found.unstruck:,}" if count < found.unstruck else f"{count:,}"
    plural = "requests that failed, or were slower than 99 % of their arm, though no fault met them"
    single = "request that failed, or was slower than 99 % of its arm, though no fault met it"
    return f"Beside them: {some} {single if found.unstruck == 1 else plural}."


def _filters(met: Sequence[Told], arms: Sequence[str]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Name, label and what can be chosen: values, and how they are shown."""
    values = {
        ("arm", "Arm"): arms,
        ("fault", "Fault"): sorted({of.fault for one in met for of in one.of.struck}),
        ("mechanism", "What was tried"): sorted({name for one in met for name in one.mechanisms}),
        ("saw", "What the user saw"): sorted({one.of.saw for one in met}),
    }
    return [(name, label, [(one, shown_as(one)) for one in of]) for (name, label), of in values.items()]


def _shown(one: Told) -> dict[str, Any]:
    """A line of the table."""
    return {
        "request_id": one.of.request_id,
        "arm": one.of.arm,
        "faults": list(dict.fromkeys(of.fault for of in one.of.struck)),
        "attempts": len(one.of.tries),
        "served_by": one.of.served_by,
        "saw": one.of.saw,
        "is_fine": one.is_fine,
        "took_s": one.of.finished_s,
        "spent": _count(one.of.tokens_spent),
        "wasted": _count(one.of.tokens_wasted),
    }


def _count(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.0f}"
