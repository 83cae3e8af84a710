"""How figures of an ordinary day are told beside those of a run whose rare faults were made frequent."""

from reports.metrics import BY_NAME
from reports.render_words import figure, label, percent
from reports.report import Report
from reports.strata import REWEIGHTED, Reweighted, Weighted

HEADING = "Reweighted to an ordinary day"
STRATIFIED = "stratified: rare faults made frequent on purpose"
METHOD = (
    "Each request counts by how likely an ordinary day is to give it the faults it met, over how likely this run was to "
    "(importance sampling). Quantiles are nearest rank by that weight, a failure counting as the deadline. Limits are Wilson's "
    "95 % interval over the effective number of requests (Kish), which is on the wide side where it is the rare faults that "
    "fail. What requests do to each other under more faults than usual, such as longer queues, no weight undoes."
)


def stratified(report: Report) -> str:
    """What stands beside the unweighted figures; empty where there are no others."""
    return f"These figures are {STRATIFIED}." if report.ordinary else ""


def table(report: Report) -> list[list[str]]:
    """Lines of words: a metric, and its figure in each arm."""
    rows = [[label(name), *(weighted(one.figures[place]) for one in report.ordinary)] for place, name in enumerate(REWEIGHTED)]
    return [*rows, ["Effective requests", *map(effective, report.ordinary)]]


def weighted(found: Weighted) -> str:
    """The figure, with its interval where it has one."""
    told = figure(BY_NAME[found.metric].unit, found.value)
    limits = found.low is not None and found.high is not None
    return f"{told} ({percent(found.low or 0)} to {percent(found.high or 0)})" if limits else told


def effective(found: Reweighted) -> str:
    return f"{found.effective:,.0f} of {found.requests:,}"


def raised(report: Report) -> list[list[str]]:
    """Lines of words: a fault, its share of an ordinary day, and of this run."""
    told = report.run.strata.raised if report.run.strata else ()
    return [[one.name, percent(one.share), percent(one.raised_to)] for one in told]


def planned(report: Report, name: str, share: float | None) -> str:
    """The share that a fault was planned with, and what it was raised to."""
    told = {one[0]: f"{one[1]}, raised to {one[2]}" for one in raised(report)}
    return told.get(name) or figure("share", share)
