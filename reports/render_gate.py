"""How the gate's decision is told: look by look, and pair by pair."""

from typing import Any

from reports.gate import Gate
from reports.look import OPEN, Looked
from reports.render_words import UNKNOWN, figure
from reports.report import Report

METHOD = (
    "Both sides of a pair run under one seed, in random order. Their P95s are compared by the log of the ratio, over the "
    "pairs: Hodges and Lehmann's estimate (1963) with the exact bounds of Wilcoxon's signed-rank statistic. The gate may "
    "look more than once, and each look may be wrong by its own share. It fails when the ratio is surely above 1 and the "
    "estimate above the tolerance, passes when it is surely below the tolerance, and is inconclusive otherwise."
)


def tell(report: Report) -> dict[str, Any] | None:
    """What the section shows; None for a run that is not the gate's."""
    return {"gates": [_gate(one) for one in report.gates], "method": METHOD} if report.gates else None


def sentence(one: Gate) -> str:
    """Who stands against whom, and when that was decided; how is told by the verdict's reasons."""
    last = one.looks[-1] if one.looks else None
    when = f", at look {len(one.looks)}, after {last.pairs} pairs" if last else ""
    return f'Gate: "{one.candidate}" against "{one.base}", {one.outcome}{when}.'


def _gate(one: Gate) -> dict[str, Any]:
    return {
        "name": f'"{one.candidate}" against "{one.base}"',
        "state": one.outcome,
        "reasons": one.reasons,
        "looks": [_look(look) for look in one.looks],
        "pairs": [
            (
                f"{pair.number}",
                f"{pair.requests:,}",
                figure("s", pair.base_s),
                figure("s", pair.candidate_s),
                _ratio(pair.candidate_s, pair.base_s),
            )
            for pair in one.pairs
        ],
    }


def _look(one: Looked) -> list[str]:
    return [
        f"{one.pairs} pairs",
        f"×{one.ratio:.3f}",
        UNKNOWN if one.low is None else f"×{one.low:.3f}",
        UNKNOWN if one.high is None else f"×{one.high:.3f}",
        f"{100 * one.alpha:g} %",
        "went on" if one.state == OPEN else one.state,
    ]


def _ratio(candidate_s: float, base_s: float) -> str:
    return f"×{candidate_s / base_s:.3f}" if base_s > 0 else UNKNOWN
