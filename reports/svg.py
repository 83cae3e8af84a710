"""A matplotlib figure as SVG text that takes its colours from the page, so that one chart serves light and dark."""

import io
import re
from dataclasses import dataclass
from html import escape
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

WIDTH_IN = 11.0
INK, QUIET, GRID = "#010101", "#020202", "#030303"
ARMS = ("#040401", "#040402", "#040403", "#040404", "#040405", "#040406")
OTHER_ARM = len(ARMS)
"""The colour of those arms that are too many for one of their own."""
OUTCOMES = {
    "right": "#050501",
    "rejected": "#050502",
    "incomplete": "#050503",
    "http_error": "#050504",
    "timeout": "#050505",
    "wrong": "#050506",
}
FAILED = "#060606"
# matplotlib knows no CSS: it draws in these stand-ins, and the page's own colours take their place in the text.
_COLOURS = {
    INK: "currentColor",
    QUIET: "var(--quiet, #6b7280)",
    GRID: "var(--rule, #d8d8d8)",
    FAILED: "var(--failed, #c2183c)",
    **{stand_in: f"var(--arm-{n}, currentColor)" for n, stand_in in enumerate(ARMS)},
    **{stand_in: f"var(--{name.replace('_', '-')}, currentColor)" for name, stand_in in OUTCOMES.items()},
}


@dataclass(frozen=True)
class Chart:
    """A drawn chart with its words."""

    name: str
    title: str
    caption: str
    svg: str


def arm_colour(number: int) -> str:
    """A colour of its own, or the quiet one that the others share."""
    return ARMS[number] if number < OTHER_ARM else QUIET


def a_figure(height_in: float, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """An empty figure with axes below each other that share their x."""
    figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    axes = figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0]
    for one in axes:
        _calm(one)
    return figure, list(axes)


def _calm(axes: Axes) -> None:
    axes.set_facecolor("none")
    axes.tick_params(length=0, colors=QUIET, labelsize=11)
    axes.grid(True, color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.xaxis.label.set_color(QUIET)
    axes.yaxis.label.set_color(QUIET)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(GRID)


def legend(place: Axes | Figure, **where: Any) -> None:
    """The legend in the page's ink; names are plain text, never formulas."""
    drawn = place.legend(frameon=False, fontsize=11, labelcolor=INK, **where)
    for text in drawn.get_texts():
        text.set_parse_math(False)


def as_svg(figure: Figure, name: str, title: str, description: str) -> str:
    """The figure with ids that begin with `name`, a title and a description for those who cannot see it."""
    figure.patch.set_alpha(0)
    out = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif"}):
        figure.savefig(out, format="svg", metadata=nothing)
    return _for_the_page(out.getvalue(), name, title, description)


def _for_the_page(text: str, name: str, title: str, description: str) -> str:
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(\bid=")([^"]+)', rf"\1{name}-\2", text)
    text = re.sub(r'(href="#|url\(#)([^")]+)', rf"\1{name}-\2", text)
    for stand_in, colour in _COLOURS.items():
        text = text.replace(stand_in, colour)
    # matplotlib names its own font family; the page's serves.
    text = re.sub(r"font-family: [^;\"]+;? ?", "", text)
    view = re.search(r'viewBox="[^"]+"', text)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {view[0] if view else ""} '
    head += f'role="img" aria-labelledby="{name}-title {name}-desc" class="chart">'
    head += f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>'
    return head + text[text.index(">", text.index("<svg")) + 1 :]
