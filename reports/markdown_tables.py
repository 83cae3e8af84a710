"""The tables of a comment beside its figures: who was recovered, what each feature is worth, and the gate pair by pair."""

from math import ceil, floor

from reports.ablation import Effect
from reports.entries import NONE
from reports.gate import Gate
from reports.ledger import Success
from reports.look import Pair
from reports.markdown import folded, listed, name, table
from reports.render_tried import AMPLIFIED, amplified, mechanisms_of, shown_as, unknowns
from reports.render_words import UNKNOWN, difference, label, percent, seconds, shown_arms
from reports.report import ArmReport, Report

MOST_ARMS, MOST_KINDS, MOST_MECHANISMS, MOST_FEATURES, MOST_UNKNOWNS = 4, 6, 5, 12, 3


def shown(report: Report) -> list[ArmReport]:
    """The first arms, and the two that the headlines tell of."""
    return [report.arms[place] for place in places(report)]


def places(report: Report) -> list[int]:
    """Where these stand among all arms."""
    told = shown_arms(report)
    those = [place for place, arm in enumerate(report.arms) if any(arm is one for one in told)]
    others = [place for place in range(len(report.arms)) if place not in those]
    return sorted(those + others[: MOST_ARMS - len(those)])


def ledger_table(report: Report) -> str:
    """How many of those who met a fault were recovered: of all, by kind of fault, and by what was tried."""
    arms = shown(report)
    found = [{(one.kind, one.mechanism): one for one in arm.ledger.successes} for arm in arms]
    kinds = sorted({kind for of in found for kind, mechanism in of if kind and not mechanism})
    mechanisms = [one for one in mechanisms_of(report) if one != NONE]
    if not kinds:
        return ""
    keys = [("", ""), *((kind, "") for kind in kinds[:MOST_KINDS]), *(("", tried) for tried in mechanisms[:MOST_MECHANISMS])]
    rows = [[_of(*key), *(_recovered(of.get(key)) for of in found)] for key in keys]
    rows.append([AMPLIFIED, *map(amplified, arms)])
    head = ["Recovered, of those who met a fault", *(name(arm.name) for arm in arms)]
    return "\n".join([table(head, rows), "", *listed(unknowns(report), MOST_UNKNOWNS)]).rstrip()


def _of(kind: str, mechanism: str) -> str:
    return f"of kind {name(kind)}" if kind else f"by {name(shown_as(mechanism))}" if mechanism else "all"


def _recovered(found: Success | None) -> str:
    """Never surer than the count allows."""
    if found is None:
        return UNKNOWN
    if found.share is None or found.low is None or found.high is None:
        return f"{found.rejected:,} rightly rejected" if found.rejected else UNKNOWN
    claim = percent(found.share)
    if found.share == 1:
        claim = f"≥ {floor(1000 * found.low) / 10:g} %"
    elif not found.share:
        claim = f"≤ {ceil(1000 * found.high) / 10:g} %"
    return f"{found.recovered:,} of {found.met - found.rejected:,} ({claim})"


def ablation_table(report: Report) -> str:
    """What each feature is worth, the most valuable first."""
    found = report.ablation
    if found is None:
        return ""
    head = ["Feature", "", "beside all others", "alone", label(found.cost)]
    rows = [
        [name(one.feature), one.word, _effect(one.left_out), _effect(one.alone), difference(one.left_out.cost)]
        for one in found.features[:MOST_FEATURES]
    ]
    return table(head, rows)


def _effect(found: Effect) -> str:
    ratio = f"×{found.p95.ratio:.2f}" if found.p95.ratio is not None else UNKNOWN
    return f"failures {difference(found.failures)}, P95 {ratio}"


def gate_table(gate: Gate) -> str:
    """Pair by pair."""
    if not gate.pairs:
        return ""
    told = [[str(one.number), seconds(one.base_s), seconds(one.candidate_s), _ratio(one)] for one in gate.pairs]
    head = ["Pair", f"P95 of {name(gate.base)}", f"of {name(gate.candidate)}", "Ratio"]
    return folded(f"{name(gate.candidate)} against {name(gate.base)}, pair by pair", table(head, told))


def _ratio(pair: Pair) -> str:
    return f"×{pair.candidate_s / pair.base_s:.3f}" if pair.base_s else UNKNOWN
