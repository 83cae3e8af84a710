"""The charts of a report: latency of all arms, the run over time with its faults, outcomes by fault."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from reports.arm import Arm
from reports.bugs import errors_of
from reports.metrics import quantile
from reports.report import Report
from reports.svg import FAILED, INK, OUTCOMES, QUIET, Chart, a_figure, arm_colour, as_svg, legend
from reports.timeline import timeline

MOST_FAULTS = 10

GROUPS = {
    "right": ("right answer", ("ok", "degraded")),
    "rejected": ("rightly rejected", ("rejected",)),
    "incomplete": ("cut or incomplete", ("cut", "truncated")),
    "http_error": ("HTTP error", ("http_error",)),
    "timeout": ("timeout", ("timeout",)),
    "wrong": ("wrong or garbled", ("wrong", "duplicated", "garbled")),
}
"""Outcomes that mean the same to a user, from best to worst."""


def draw_charts(report: Report) -> list[Chart]:
    """Every chart that this run's rows can fill."""
    arms = [arm for arm in report.run.arms if len(arm.rows)]
    return [draw(arms) for draw in CHARTS] if arms else []


def latency(arms: list[Arm]) -> Chart:
    """How many requests took longer than any time: the tail on a logarithmic scale."""
    figure, (axes,) = a_figure(4.2)
    deadline_s = arms[0].deadline_s
    for number, arm in enumerate(arms):
        seconds, slower = _tail(arm.rows["effective_s"].to_numpy())
        axes.plot(seconds, slower, drawstyle="steps-post", color=arm_colour(number), linewidth=2.2, label=arm.name)
    axes.axvline(deadline_s, color=FAILED, linewidth=1.2, linestyle=(0, (4, 3)))
    axes.text(deadline_s, 1.1, "deadline ", color=FAILED, ha="right", va="bottom", fontsize=11)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(FixedLocator([1, 0.5, 0.1, 0.05, 0.01, 0.001, 0.0001]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    axes.set_ylim(max(0.5 / max(len(arm.rows) for arm in arms), 1e-5), 1.05)
    axes.set_xlim(0, deadline_s * 1.02)
    axes.set_xlabel("seconds from intended start")
    axes.set_ylabel("of requests took longer")
    legend(axes, loc="upper right", bbox_to_anchor=(0.97, 0.98))
    title = "How long users waited"
    told = "; ".join(
        f"{arm.name}: {quantile(arm.rows['effective_s'].to_numpy(), 0.95):.2f} s exceeded by 5 % of requests" for arm in arms
    )
    caption = (
        "The share of requests that took longer than a time. A failure counts as the deadline, so a drop there is its share."
    )
    return Chart("latency", title, caption, as_svg(figure, "latency", title, told))


def _tail(seconds: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> tuple[list[float], list[float]]:
    """Points of the falling curve; of many requests, ranks that lie ever closer towards the tail."""
    ordered, count = np.sort(seconds), len(seconds)
    behind = np.unique(np.geomspace(1, count, 700).astype(int)) if count > 700 else np.arange(1, count + 1)
    # `behind` requests are at least as slow as this one: the step falls below their share right at its time.
    ranks = count - behind[::-1]
    return [0.0, *ordered[ranks].tolist()], [1.0, *((count - 1 - ranks) / count).tolist()]


def outcomes(arms: list[Arm]) -> Chart:
    """What users got, by the fault their request met: one bar an arm, as shares."""
    names = _fault_names(arms)
    rows = [(name, number, arm) for name in names for number, arm in enumerate(arms)]
    figure, (axes,) = a_figure(0.9 + 0.34 * len(rows) + 0.18 * len(names))
    at = [-(index + 0.6 * names.index(name)) for index, (name, _, _) in enumerate(rows)]
    told = []
    for place, (name, _, arm) in zip(at, rows, strict=True):
        shares, count = _shares(arm, name)
        _bar(axes, place, shares)
        axes.text(1.01, place, f"{count:,}", va="center", color=QUIET, fontsize=10)
        told.append(f"{name}, {arm.name}: {_right(shares, count)}")
    axes.set_yticks(at, [f"{name} · {arm.name}" for name, _, arm in rows])
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
        label.set_color(INK)
    axes.grid(False)
    axes.set_xlim(0, 1.08)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    for colour, (words, _) in zip(OUTCOMES.values(), GROUPS.values(), strict=True):
        axes.barh(0, 0, color=colour, label=words)
    legend(figure, loc="outside upper left", ncols=6, columnspacing=1.2, handlelength=1)
    title = "What users got, by the fault they met"
    caption = "Shares of the requests that met each fault, their number at the right. A request that met two faults is in both."
    return Chart("outcomes", title, caption + _bugs(arms), as_svg(figure, "outcomes", title, "; ".join(told)))


def _bugs(arms: list[Arm]) -> str:
    names = dict.fromkeys(f'"{name}"' for arm in arms for name in errors_of(arm))
    return f" No evidence, because a bug severed calls: {', '.join(names)}." if names else ""


def _fault_names(arms: list[Arm]) -> list[str]:
    met = pd.Series([name for arm in arms for faults in arm.rows["faults"] for name in faults], dtype=object)
    return ["no fault", *met.value_counts().index[:MOST_FAULTS].tolist()]


def _shares(arm: Arm, fault: str) -> tuple[list[float], int]:
    met = arm.rows["met"]
    rows = arm.rows[~met] if fault == "no fault" else arm.rows[met]
    found = rows["outcome"] if fault == "no fault" else rows["outcome"][[fault in faults for faults in rows["faults"]]]
    count = len(found)
    return [float(found.isin(members).sum()) / count if count else 0.0 for _, members in GROUPS.values()], count


def _bar(axes: Axes, place: float, shares: list[float]) -> None:
    left = 0.0
    for share, colour in zip(shares, OUTCOMES.values(), strict=True):
        axes.barh(place, share, left=left, height=0.78, color=colour, linewidth=0)
        left += share


def _right(shares: list[float], count: int) -> str:
    return f"{100 * shares[0]:.1f} % of {count} got the right answer" if count else "no request"


CHARTS = (latency, timeline, outcomes)
