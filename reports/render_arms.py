"""How the arms are told side by side: figures in groups, each with its difference from the reference arm."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reports.difference import Difference
from reports.metrics import METRICS, Metric
from reports.render_words import HEADLINES, arm_figure, difference, interval, judgement, label, methods
from reports.report import ArmReport, Report

OTHER = "Other figures"
GROUPS = {
    "What users got": (
        "requests", "aborted", "ok_share", "availability", "failure_share", "timeout_share", "broken_share", "wrong_share",
        "http_error_share", "rejected_share", "degraded_share", "goodput_share",
    ),
    "How long they waited": ("p50_s", "p95_s", "p99_s", "ok_p"),
    "How it streamed": ("ttft_", "itl_", "tpot_", "longest_gap_", "fluidity", "output_tokens_p50"),
    "Faults and recovery": ("fault_met_share", "retry_success", "time_to_recover", "attempts_per_request"),
    "Capacity": ("cache_share", "throughput", "right_per_s", "goodput_per_s", "output_tokens_per_s", "send_lag"),
    "Cost": ("tokens_", "cost_"),
}  # fmt: skip
"""Headings, each with the beginnings of its metrics' names."""
FEW = 2
"""Up to so many arms have a column for the difference; with more, each figure has its own below it."""
MANY = 6
"""From so many on, the table needs a page across to be printed."""


@dataclass(frozen=True)
class Cell:
    """A figure of one arm; the words of its difference are empty where there is none, as for the reference arm."""

    figure: str
    difference: str = ""
    interval: str = ""
    judgement: str = ""


@dataclass(frozen=True)
class Line:
    """One metric in every arm."""

    label: str
    sentence: str
    is_main: bool
    cells: tuple[Cell, ...]


def tell(report: Report) -> dict[str, Any]:
    """What the section shows."""
    known, unknown = _known(report)
    return {
        "groups": groups(report, known),
        "unknown": [label(metric.name) for metric in unknown],
        "beside": report.comparisons[0] if len(report.arms) == FEW and report.comparisons else None,
        "is_wide": len(report.arms) >= MANY,
        "over": over(report),
        "methods": methods(report),
    }


def _known(report: Report) -> tuple[list[Metric], list[Metric]]:
    """The metrics that any arm knows, and those that none does."""
    known = {name for arm in report.arms for name, value in arm.metrics.items() if value is not None}
    return [one for one in METRICS if one.name in known], [one for one in METRICS if one.name not in known]


def groups(report: Report, metrics: Sequence[Metric] = METRICS) -> list[tuple[str, list[Line]]]:
    """Every metric once, under its heading."""
    found = {one.other: {of.metric: of for of in one.differences} for one in report.comparisons}
    lines: dict[str, list[Line]] = {heading: [] for heading in (*GROUPS, OTHER)}
    for metric in metrics:
        cells = tuple(_cell(metric.name, arm, found.get(arm.name, {}).get(metric.name)) for arm in report.arms)
        lines[heading_of(metric.name)].append(Line(label(metric.name), metric.sentence, metric.name in HEADLINES, cells))
    return [(heading, of) for heading, of in lines.items() if of]


def heading_of(metric: str) -> str:
    """The first group that knows a beginning of its name."""
    return next((heading for heading, starts in GROUPS.items() if metric.startswith(starts)), OTHER)


def _cell(metric: str, arm: ArmReport, found: Difference | None) -> Cell:
    told = arm_figure(metric, arm)
    return Cell(told, difference(found), interval(found), judgement(found)) if found else Cell(told)


def over(report: Report) -> str:
    """Which requests the differences are over; empty where nothing is compared."""
    compared = report.comparisons
    if not compared:
        return ""
    counts = {(one.pairs, one.unpaired) for one in compared}
    if len(counts) > 1:
        each = ", ".join(f'{one.pairs:,} for "{one.other}"' for one in compared)
        return f'Differences are from "{compared[0].reference}", over the requests that finished in both arms: {each}.'
    pairs, unpaired = counts.pop()
    alone = f" ({unpaired:,} finished in one only)" if unpaired else ""
    against = f' from "{compared[0].reference}"' if len(compared) > 1 else ""
    return f"Differences{against} are over the {pairs:,} requests that finished in both arms{alone}."
