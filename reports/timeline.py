"""The chart of a run over time: every request, the faults as they struck, and what was changed about them meanwhile."""

from collections.abc import Mapping
from math import ceil

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from reports.arm import Arm
from reports.metrics import quantile
from reports.svg import FAILED, INK, QUIET, Chart, a_figure, arm_colour, as_svg, legend

MOST_DOTS = 800
MOST_TICKS = 300
MOST_STEPS = 60
MOST_MARKS = 60
MOST_WINDOWS = 8


def timeline(arms: list[Arm], colour_of: Mapping[str, int]) -> Chart:
    """Every request by when it was due, with the faults as they struck; arms below each other."""
    figure, panels = a_figure(0.7 + 2.3 * len(arms), len(arms))
    span_s = max(float(arm.rows["start_s"].max()) for arm in arms)
    step_s = max(1, ceil(span_s / MOST_STEPS)) if span_s > MOST_STEPS else 1
    sampled = False
    for arm, axes in zip(arms, panels, strict=True):
        _windows(axes, arm, span_s)
        sampled |= _dots(axes, arm, arm_colour(colour_of[arm.name]))
        _p95_over_time(axes, arm, step_s)
        sampled |= _fault_ticks(axes, arm)
        _change_marks(axes, arm)
        axes.set_ylim(-0.12 * arm.deadline_s, arm.deadline_s * 1.08)
        axes.set_xlim(-0.01 * span_s, 1.01 * span_s + 1e-3)
        axes.set_ylabel("seconds")
        axes.text(0.005, 1.0, arm.name, transform=axes.transAxes, color=INK, fontsize=12, weight="bold", parse_math=False)
    panels[-1].set_xlabel("seconds since the first request was due")
    _legend(panels)
    title = "The run over time"
    return Chart("timeline", title, _caption(arms, step_s, sampled), as_svg(figure, "timeline", title, _told(arms)))


def _windows(axes: Axes, arm: Arm, span_s: float) -> None:
    """Shaded where the plan's faults may strike; faults of one window are one shade."""
    for from_s, to_s in dict.fromkeys((one.from_s, one.to_s) for one in arm.windows):
        end_s = 1.01 * span_s + 1e-3 if to_s is None else to_s
        axes.axvspan(from_s, end_s, color=QUIET, alpha=0.14, linewidth=0, label=WINDOW)


WINDOW, CHANGED = "planned window", "faults changed"


def _dots(axes: Axes, arm: Arm, colour: str) -> bool:
    """The requests as dots, failures as crosses at the deadline; True when only some are drawn."""
    every = max(1, ceil(len(arm.rows) / MOST_DOTS))
    shown = arm.rows.iloc[::every]
    fine, failed = shown[~shown["failed"]], shown[shown["failed"]]
    axes.plot(fine["start_s"], fine["effective_s"], "o", ms=3.2, color=colour, alpha=0.55, mew=0, label="answered")
    axes.plot(failed["start_s"], failed["effective_s"], "x", ms=5.5, color=FAILED, mew=1.4, label="failed")
    return every > 1


def _p95_over_time(axes: Axes, arm: Arm, step_s: int) -> None:
    grouped = arm.rows["effective_s"].groupby((arm.rows["start_s"] // step_s).astype(int))
    p95 = pd.Series({step: quantile(seconds.to_numpy(), 0.95) for step, seconds in grouped}, dtype=float)
    axes.plot((p95.index + 0.5) * step_s, p95.to_numpy(), color=INK, linewidth=1.3, label="P95")


def _fault_ticks(axes: Axes, arm: Arm) -> bool:
    every = max(1, ceil(len(arm.strikes) / MOST_TICKS))
    times = arm.strikes["start_s"].to_numpy()[::every]
    low = -0.1 * arm.deadline_s
    axes.vlines(times, low, 0.4 * low, color=QUIET, linewidth=1, label="fault struck")
    return every > 1


def _change_marks(axes: Axes, arm: Arm) -> None:
    """A dashed line over the whole panel, to be found again in the list of changes."""
    every = max(1, ceil(len(arm.changes) / MOST_MARKS))
    for change in arm.changes[::every]:
        axes.axvline(change.start_s, color=INK, linewidth=1.2, linestyle=(0, (2, 2)), label=CHANGED)


def _legend(panels: list[Axes]) -> None:
    """One for all panels; what any of them holds is in it, once."""
    shown: dict[str, Line2D | Patch] = {}
    for axes in panels:
        handles, names = axes.get_legend_handles_labels()
        shown = dict(zip(names, handles, strict=True)) | shown
    # The shades come last: they are behind everything.
    names = [name for name in shown if name != WINDOW] + [name for name in shown if name == WINDOW]
    handles = [shown[name] for name in names]
    legend(panels[0], handles=handles, labels=names, loc="lower right", bbox_to_anchor=(1, 0.98), ncols=6)


def _caption(arms: list[Arm], step_s: int, sampled: bool) -> str:
    told = f"Each dot is a request; the line is P95 of each {step_s} s, a failure counting as the deadline; ticks are faults."
    if any(arm.changes for arm in arms):
        told += " Dashed: something about the faults was changed, as listed below."
        told += f" {MOST_MARKS} marks of each arm are shown." if any(len(arm.changes) > MOST_MARKS for arm in arms) else ""
    if windowed := next((arm for arm in arms if arm.windows), None):
        told += f" Shaded: the planned windows, {_windows_told(windowed)}."
    if sampled:
        told += f" Too many to draw all: {MOST_DOTS} requests and {MOST_TICKS} faults of each arm are shown, evenly picked."
    return told


def _windows_told(arm: Arm) -> str:
    told = [
        f"{one.fault} from {one.from_s:g} s {'on' if one.to_s is None else f'to {one.to_s:g} s'}"
        for one in arm.windows[:MOST_WINDOWS]
    ]
    more = len(arm.windows) - MOST_WINDOWS
    return "; ".join(told) + (f"; and {more} more" if more > 0 else "")


def _told(arms: list[Arm]) -> str:
    return "; ".join(
        f"{arm.name}: {int(arm.rows['failed'].sum())} of {len(arm.rows)} requests failed"
        + (f", the faults were changed {len(arm.changes)} times" if arm.changes else "")
        for arm in arms
    )
