"""The chart of how long users waited: the tail, on a logarithmic scale."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from reports.arm import Arm
from reports.metrics import quantile
from reports.svg import FAILED, OTHER_ARM, Chart, a_figure, arm_colour, as_svg, legend

TICKS = {
    1: "100 %",
    0.5: "50 % · P50",
    0.1: "10 % · P90",
    0.05: "5 % · P95",
    0.01: "1 % · P99",
    0.001: "0.1 % · P99.9",
    0.0001: "0.01 %",
}
OTHERS = "each other arm"


def latency(arms: list[Arm], colour_of: Mapping[str, int]) -> Chart:
    """How many requests took longer than any time: the tail on a logarithmic scale."""
    figure, (axes,) = a_figure(4.4)
    deadline_s = arms[0].deadline_s
    for arm in sorted(arms, key=lambda one: -colour_of[one.name]):
        _draw_tail(axes, arm, colour_of[arm.name])
    axes.axvline(deadline_s, color=FAILED, linewidth=1.2, linestyle=(0, (4, 3)))
    axes.text(deadline_s, 1.1, "deadline ", color=FAILED, ha="right", va="bottom", fontsize=11)
    _logarithmic(axes, max(0.5 / max(len(arm.rows) for arm in arms), 1e-5))
    axes.set_xlim(0, deadline_s * 1.02)
    axes.set_xlabel("seconds from intended start")
    axes.set_ylabel("of requests took longer")
    handles, names = axes.get_legend_handles_labels()
    shown = dict(zip(names[::-1], handles[::-1], strict=True))
    legend(axes, handles=shown.values(), labels=shown.keys(), loc="upper right", bbox_to_anchor=(0.97, 0.98))
    title = "How long users waited"
    told = "; ".join(
        f"{arm.name}: {quantile(arm.rows['effective_s'].to_numpy(), 0.95):.2f} s exceeded by 5 % of requests" for arm in arms
    )
    caption = (
        "The share of requests that took longer than a time, on a scale that gives each tenth the room of the whole: P95 is "
        "where a line crosses 5 %. A failure counts as the deadline, so a drop there is its share."
    )
    return Chart("latency", title, caption, as_svg(figure, "latency", title, told))


def _draw_tail(axes: Axes, arm: Arm, colour: int) -> None:
    seconds, slower = _tail(arm.rows["effective_s"].to_numpy())
    is_other = colour >= OTHER_ARM
    name, width = (OTHERS, 0.9) if is_other else (arm.name, 2.2)
    axes.plot(seconds, slower, drawstyle="steps-post", color=arm_colour(colour), linewidth=width, label=name)


def _logarithmic(axes: Axes, least: float) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(FixedLocator(list(TICKS)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: TICKS.get(share, "")))
    axes.set_ylim(least, 1.05)


def _tail(seconds: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> tuple[list[float], list[float]]:
    """Points of the falling curve; of many requests, ranks that lie ever closer towards the tail."""
    ordered, count = np.sort(seconds), len(seconds)
    behind = np.unique(np.geomspace(1, count, 700).astype(int)) if count > 700 else np.arange(1, count + 1)
    # `behind` requests are at least as slow as this one: the step falls below their share right at its time.
    ranks = count - behind[::-1]
    return [0.0, *ordered[ranks].tolist()], [1.0, *((count - 1 - ranks) / count).tolist()]
