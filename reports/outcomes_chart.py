"""The chart of what users got, by the fault they met."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from reports.arm import Arm
from reports.bugs import errors_of
from reports.frames import NOWHERE
from reports.svg import INK, OUTCOMES, QUIET, Chart, a_figure, as_svg, legend

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
    met = pd.concat([_met(arm)["fault"] for arm in arms], ignore_index=True)
    return ["no fault", *met.value_counts().index[:MOST_FAULTS].tolist()]


def _met(arm: Arm) -> pd.DataFrame:
    """Which requests met which fault, each once."""
    return arm.strikes.loc[arm.strikes["at"] != NOWHERE, ["at", "fault"]].drop_duplicates()


def _shares(arm: Arm, fault: str) -> tuple[list[float], int]:
    met = _met(arm)
    at = np.flatnonzero(~arm.rows["met"]) if fault == "no fault" else met["at"][met["fault"] == fault].to_numpy()
    found = arm.rows["outcome"].iloc[at]
    count = len(found)
    return [float(found.isin(members).sum()) / count if count else 0.0 for _, members in GROUPS.values()], count


def _bar(axes: Axes, place: float, shares: list[float]) -> None:
    left = 0.0
    for share, colour in zip(shares, OUTCOMES.values(), strict=True):
        axes.barh(place, share, left=left, height=0.78, color=colour, linewidth=0)
        left += share


def _right(shares: list[float], count: int) -> str:
    return f"{100 * shares[0]:.1f} % of {count} got the right answer" if count else "no request"
