"""Bounds: what a metric must satisfy, parsed before anything starts and judged after it."""

import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from records.bad_input import unknown

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
    "==": operator.eq,
}
_FORM = "write ARM.METRIC OP NUMBER, ARM.METRIC OP NUMBER * ARM.METRIC or ARM.METRIC OP ARM.METRIC, OP one of <= < >= > =="
_BOUND = re.compile(r"\s*(?P<left>\S+?)\s*(?P<op><=|>=|==|<|>)\s*(?P<right>[^<>=]+?)\s*")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Figure:
    """A metric of an arm."""

    arm: str
    metric: str

    def __str__(self) -> str:
        return f"{self.arm}.{self.metric}"


@dataclass(frozen=True)
class Bound:
    """`left op factor`, or `left op factor * other`."""

    text: str
    left: Figure
    op: str
    factor: float
    other: Figure | None


def parse_bound(text: str, arms: Collection[str], metrics: Collection[str]) -> Bound:
    """A bound from its text; a ValueError says what is wrong and what would be right."""
    found = _BOUND.fullmatch(text)
    if found is None:
        raise ValueError(f'"{text}" is not a bound: {_FORM}')
    left = _figure(text, found["left"], arms, metrics)
    factor, other = _limit(text, found["right"], arms, metrics)
    return Bound(text.strip(), left, found["op"], factor, other)


def _figure(text: str, name: str, arms: Collection[str], metrics: Collection[str]) -> Figure:
    arm, dot, metric = name.partition(".")
    if not dot or not metric or not arm:
        raise ValueError(f'"{text}": "{name}" is not ARM.METRIC; {_FORM}')
    if arm not in arms:
        raise ValueError(f'"{text}": {unknown("arm", arm, arms)}')
    if metric not in metrics:
        raise ValueError(f'"{text}": {unknown("metric", metric, metrics)}')
    return Figure(arm, metric)


def _limit(text: str, limit: str, arms: Collection[str], metrics: Collection[str]) -> tuple[float, Figure | None]:
    if _NUMBER.fullmatch(limit):
        return float(limit), None
    number, star, name = (part.strip() for part in limit.partition("*"))
    if not star:
        return 1.0, _figure(text, limit, arms, metrics)
    if not _NUMBER.fullmatch(number):
        raise ValueError(f'"{text}": "{number}" is not a number; {_FORM}')
    return float(number), _figure(text, name, arms, metrics)


@dataclass(frozen=True)
class Judged:
    """A bound with the values it met; `state` is pass, fail or inconclusive."""

    bound: Bound
    state: str
    value: float | None
    limit: float | None
    why: str
    """Why nothing could be said; empty otherwise."""


def judge(bounds: Sequence[Bound], metrics_by_arm: Mapping[str, Mapping[str, float | None]]) -> list[Judged]:
    """Each bound against the metrics; one whose figure is unknown is inconclusive, never passed."""
    return [_judge_one(bound, metrics_by_arm) for bound in bounds]


def _judge_one(bound: Bound, metrics_by_arm: Mapping[str, Mapping[str, float | None]]) -> Judged:
    def of(figure: Figure) -> float | None:
        return metrics_by_arm.get(figure.arm, {}).get(figure.metric)

    value, base = of(bound.left), of(bound.other) if bound.other else 1.0
    limit = None if base is None else bound.factor * base
    if value is None or limit is None:
        missing = bound.left if value is None else bound.other
        return Judged(bound, "inconclusive", value, limit, f"{missing} is unknown: no rows tell it")
    return Judged(bound, "pass" if OPERATORS[bound.op](value, limit) else "fail", value, limit, "")
