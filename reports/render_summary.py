"""The sentences that stand on top: what happened to users, what the difference is and how sure, and what it cost."""

from reports.compare import Comparison
from reports.difference import Difference
from reports.metrics import BY_NAME
from reports.recovery import wilson
from reports.render_gate import sentence
from reports.render_words import comparison_of, currency, figure, judgement, percent, shown_arms
from reports.report import ArmReport, Report

COSTS = {
    "attempts_per_request": "{} attempts a request",
    "tokens_per_request": "{} tokens a request",
    "tokens_wasted": "{} tokens wasted",
    "cost_per_1000": "{} for 1,000 requests",
}
"""What was paid with, and how that is told."""


def sentences(report: Report) -> list[str]:
    """The gate's, then one for each question, of the two arms that the headlines compare; none where nothing answers."""
    before, after = shown_arms(report)
    arms = [after] if before is None else [before, after]
    compared = comparison_of(report, after.name)
    told = [
        *map(sentence, report.gates),
        users(arms),
        how_sure(compared, report.manifest["pairs"]) if compared else "",
        cost(arms, currency(report)),
    ]
    return [one for one in told if one]


def users(arms: list[ArmReport]) -> str:
    """How many got no right answer in time."""
    return _sentence("; ".join(f'with "{arm.name}", {_failed(arm)}' for arm in arms))


def _failed(arm: ArmReport) -> str:
    share, requests = arm.metrics["failure_share"], round(arm.metrics["requests"] or 0)
    if share is None or not requests:
        return "no request finished"
    if not share:
        return f"none of {requests:,} requests failed (at most {percent(wilson(0, requests)[1] or 0)})"
    return f"{round(share * requests):,} of {requests:,} requests ({percent(share)}) got no right answer in time"


def how_sure(compared: Comparison, pairs: int) -> str:
    """The two differences that decide, with their intervals, and what these are over."""
    found = {one.metric: one for one in compared.differences}
    told = [one for one in (_failures(found["failure_share"]), _waiting(found["p95_s"])) if one]
    if not told:
        return ""
    alone = "; one pair of arms says nothing of the spread between runs" if pairs == 1 else f", in {pairs} pairs of runs"
    over = f"over the {compared.pairs:,} requests that finished in both arms"
    return f'"{compared.other}" means {" and ".join(told)}, {over}{alone}.'


def _failures(found: Difference) -> str:
    word = {"better": "fewer", "worse": "more"}.get(judgement(found), "")
    return f"{_size(found, 'points')} {word} failures ({_limits(found)})" if word else _unsure(found, "in failures", "points")


def _waiting(found: Difference) -> str:
    word = {"better": "shorter", "worse": "longer"}.get(judgement(found), "")
    return f"a P95 {word} by {_size(found)} ({_limits(found)})" if word else _unsure(found, "in P95")


def _unsure(found: Difference, what: str, unit: str = "") -> str:
    if found.difference is None:
        return ""
    if found.low is None or found.high is None:
        return f"too few requests for a sure difference {what}"
    if found.low == found.high == 0:
        return f"no difference {what}"
    limits = " to ".join(("−" if value < 0 else "+") + _told(found, abs(value)) for value in (found.low, found.high))
    return f"no sure difference {what} (95 % interval {limits}{f' {unit}' if unit else ''})"


def _size(found: Difference, unit: str = "") -> str:
    return " ".join([_told(found, abs(found.difference or 0)), *([unit] if unit else [])])


def _limits(found: Difference) -> str:
    """From the smaller to the larger, without signs: the words tell the direction."""
    low, high = sorted(abs(value) for value in (found.low or 0, found.high or 0))
    return f"95 % interval {_told(found, low)} to {_told(found, high)}"


def _told(found: Difference, value: float) -> str:
    unit = BY_NAME[found.metric].unit
    return f"{100 * value:.1f}" if unit == "share" else figure(unit, value)


def cost(arms: list[ArmReport], currency: str = "") -> str:
    """What was paid for it; empty where no process tells."""
    told = [_paid(name, arms, currency) for name in COSTS if all(arm.metrics.get(name) is not None for arm in arms)]
    return _sentence("it cost " + ", ".join(told)) if told else ""


def _paid(name: str, arms: list[ArmReport], currency: str) -> str:
    unit = BY_NAME[name].unit
    figures = [figure(unit, arm.metrics[name]) + (f" {currency}" if unit == "money" and currency else "") for arm in arms]
    return COSTS[name].format(figures[-1]) + (f" instead of {figures[0]}" if len(arms) > 1 else "")


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."
