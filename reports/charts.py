"""The charts of a report: how long users waited, the difference at every quantile, the run over time, outcomes by fault."""

from dataclasses import replace

from reports.curve_chart import curve
from reports.latency_chart import latency
from reports.outcomes_chart import outcomes
from reports.render_words import shown_arms
from reports.report import Report
from reports.svg import OTHER_ARM, Chart
from reports.timeline import timeline

MOST_PANELS = 4
"""Arms that are drawn each by itself; of more, only the two that are held against each other."""


def draw_charts(report: Report) -> list[Chart]:
    """Every chart that this run's rows can fill."""
    arms = [arm for arm in report.run.arms if len(arm.rows)]
    if not arms:
        return []
    of = colours(report)
    panels = arms if len(arms) <= MOST_PANELS else [arm for arm in arms if arm.name in compared(report)] or arms[:1]
    drawn = [latency(arms, of), curve(report.comparisons, of), timeline(panels, of), outcomes(panels)]
    return [_with_left_out(chart, len(arms) - len(panels)) for chart in drawn if chart]


def _with_left_out(chart: Chart, count: int) -> Chart:
    if not count or chart.name not in ("timeline", "outcomes"):
        return chart
    return replace(chart, caption=f"{chart.caption} The other {count} arms are left out of this chart.")


def compared(report: Report) -> list[str]:
    """The names of the arms that the headline holds against each other."""
    return [arm.name for arm in shown_arms(report) if arm]


def colours(report: Report) -> dict[str, int]:
    """The colour of each arm by its name: one of its own, or, where there are too many, the two compared alone."""
    names = [arm.name for arm in report.arms]
    if len(names) <= OTHER_ARM:
        return {name: number for number, name in enumerate(names)}
    return dict.fromkeys(names, OTHER_ARM) | {name: number for number, name in enumerate(compared(report))}
