"""How it is told what each feature is worth: ranked, with a bar for each difference."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reports.ablation import Ablation, Effect
from reports.difference import Difference
from reports.render_words import difference, interval, judgement, label
from reports.report import Report

METHOD = (
    "Each feature is left out of all the others, and tried alone. Below zero, users fail less, wait less or cost less with "
    "it. The ranking goes by the failures avoided with all others on, then by the P95 saved there, then by the same two of "
    "the feature alone; a difference whose interval holds zero counts as none. Bars are drawn to one scale down a column; "
    "the thin line is the 95 % interval."
)


@dataclass(frozen=True)
class Bar:
    """A difference as words, and as a bar: places are shares of its width, zero is in the middle."""

    told: str
    interval: str
    judgement: str
    begin: float
    width: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Row:
    """A feature, with its bars: left out, then alone."""

    rank: int
    feature: str
    word: str
    bars: tuple[tuple[Bar, ...], tuple[Bar, ...]]


def tell(report: Report) -> dict[str, Any] | None:
    """What the section shows; None for a run that takes no features away."""
    found = report.ablation
    if not found or not found.features:
        return None
    return {
        "rows": rows(found),
        "columns": ["Failures", "P95", label(found.cost)],
        "on": found.on,
        "off": found.off,
        "method": METHOD,
    }


def rows(found: Ablation) -> list[Row]:
    """One for each feature, in their order."""
    scales = [
        _scale(one)
        for one in zip(*(_figures(of) for worth in found.features for of in (worth.left_out, worth.alone)), strict=True)
    ]
    return [
        Row(rank, worth.feature, worth.word, (_bars(worth.left_out, scales), _bars(worth.alone, scales)))
        for rank, worth in enumerate(found.features, 1)
    ]


def _figures(effect: Effect) -> tuple[Difference, Difference, Difference]:
    return effect.failures, effect.p95, effect.cost


def _scale(found: Iterable[Difference]) -> float:
    """What fills half of a column's width."""
    return max((abs(value) for one in found for value in (one.difference, one.low, one.high) if value is not None), default=0.0)


def _bars(effect: Effect, scales: list[float]) -> tuple[Bar, ...]:
    return tuple(_bar(found, scale) for found, scale in zip(_figures(effect), scales, strict=True))


def _bar(found: Difference, scale: float) -> Bar:
    def place(value: float | None) -> float | None:
        return None if value is None or not scale else 0.5 + 0.5 * value / scale

    end = place(found.difference)
    begin, width = (0.5, 0.0) if end is None else (min(0.5, end), abs(end - 0.5))
    limits = interval(found).partition(";")[0]
    return Bar(difference(found), limits, judgement(found), begin, width, place(found.low), place(found.high))
