"""The chart of the difference at every quantile: what an arm gains for the fastest users, and for the slowest."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from reports.compare import Comparison
from reports.quantile_curve import Curve
from reports.svg import INK, OTHER_ARM, QUIET, Chart, a_figure, arm_colour, as_svg, legend

TICKS = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999)


def curve(comparisons: Sequence[Comparison], colour_of: Mapping[str, int]) -> Chart | None:
    """The difference from the reference arm at every quantile, with its band; None where no comparison has a curve."""
    drawn = [(one, one.curve) for one in comparisons if one.curve and colour_of[one.other] < OTHER_ARM]
    if not drawn:
        return None
    figure, (axes,) = a_figure(3.9)
    for one, found in drawn:
        _draw(axes, one.other, found, colour_of[one.other])
    reference = drawn[0][0].reference
    _scales(axes, reference, [found for _, found in drawn])
    legend(axes, loc="lower left", bbox_to_anchor=(0.01, 0.02))
    title = "The difference at every quantile"
    told = "; ".join(_told(one.other, found) for one, found in drawn)
    return Chart("curve", title, _caption(reference), as_svg(figure, "curve", title, told))


def _draw(axes: Axes, name: str, found: Curve, colour: int) -> None:
    at = [point.q for point in found.points]
    low, high = [point.low_s for point in found.points], [point.high_s for point in found.points]
    axes.fill_between(at, low, high, color=arm_colour(colour), alpha=0.18, linewidth=0)
    axes.plot(at, [point.difference_s for point in found.points], color=arm_colour(colour), linewidth=2.2, label=name)


def _scales(axes: Axes, reference: str, drawn: Sequence[Curve]) -> None:
    """Quantiles by their log odds: both ends get room, the slow one above all."""
    last = max(found.points[-1].q for found in drawn)
    axes.axhline(0, color=INK, linewidth=1)
    words: dict[str, Any] = {"ha": "right", "va": "bottom", "fontsize": 11, "parse_math": False}
    axes.text(0.995, 0, f"as {reference}", transform=axes.get_yaxis_transform(), color=QUIET, **words)
    axes.set_xscale("logit")
    axes.xaxis.set_major_locator(FixedLocator([one for one in TICKS if one <= last]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda q, _: f"P{100 * q:g}"))
    axes.set_xlim(min(found.points[0].q for found in drawn), last)
    axes.set_xlabel("quantile, from the fastest requests to the slowest")
    axes.set_ylabel(f"seconds more than {reference}", parse_math=False)


def _caption(reference: str) -> str:
    return (
        f'Below the line, the arm is faster than "{reference}" at that quantile; the band is the 95 % interval of each point '
        "by itself. A cache shows at the left, recovery from faults at the right, a slower service throughout. Failures count "
        "as the deadline."
    )


def _told(name: str, found: Curve) -> str:
    nearest = {q: min(found.points, key=lambda point: abs(point.q - q)) for q in (0.5, 0.95)}
    told = ", ".join(f"{point.difference_s:+.2f} s at P{100 * point.q:g}" for point in nearest.values())
    return f"{name}: {told}"
