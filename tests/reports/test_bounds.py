"""Bounds: every form, every mistake."""

import pytest

from reports.bounds import Bound, Figure, judge, parse_bound
from reports.metrics import METRICS

ARMS, NAMES = ["off", "on"], [metric.name for metric in METRICS]


@pytest.mark.parametrize(
    ("text", "op", "factor", "other"),
    [
        ("on.p95_s <= 2", "<=", 2.0, None),
        ("on.p95_s<1e-1", "<", 0.1, None),
        ("on.p95_s >= .5 * off.p95_s", ">=", 0.5, Figure("off", "p95_s")),
        ("  on.p95_s > off.ok_p95_s ", ">", 1.0, Figure("off", "ok_p95_s")),
        ("on.p95_s == 0", "==", 0.0, None),
    ],
)
def test_the_forms(text: str, op: str, factor: float, other: Figure | None):
    assert parse_bound(text, ARMS, NAMES) == Bound(text.strip(), Figure("on", "p95_s"), op, factor, other)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("on.p95 <= 2", '"p95" is not a metric. Did you mean "p95_s"?'),
        ("onn.p95_s <= 2", '"onn" is not an arm. Did you mean "on"?'),
        ("on.p95_s <= 1.0 * of.p95_s", '"of" is not an arm. Did you mean "off"?'),
        ("on.p95_s <= off.ttft_p95", '"ttft_p95" is not a metric. Did you mean "ttft_p95_s"?'),
        ("p95_s <= 2", '"p95_s" is not ARM.METRIC'),
        ("on.p95_s <= two", '"two" is not ARM.METRIC'),
        ("on.p95_s <= two * off.p95_s", '"two" is not a number'),
        ("on.p95_s <= nan", '"nan" is not ARM.METRIC'),
        ("on.p95_s =< 2", "is not a bound"),
        ("on.p95_s", "is not a bound"),
        ("", "is not a bound"),
        ("on.p95_s <= 2 <= 3", "is not a bound"),
        ("on.p95_s <= 2 * ", '"" is not ARM.METRIC'),
    ],
)
def test_the_mistakes_are_told_with_what_would_be_right(text: str, told: str):
    with pytest.raises(ValueError, match=r".") as raised:
        parse_bound(text, ARMS, NAMES)

    assert told in str(raised.value)
    assert f'"{text}"' in str(raised.value)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("on.p95_s <= 0.5 * off.p95_s", "pass"),
        ("on.p95_s < 0.5 * off.p95_s", "fail"),
        ("on.p95_s >= off.p95_s", "fail"),
        ("on.wrong_share == 0", "pass"),
        ("on.ttft_p95_s <= 2", "inconclusive"),
        ("on.p95_s <= 2 * off.ttft_p95_s", "inconclusive"),
    ],
)
def test_judging(text: str, state: str):
    metrics = {"off": {"p95_s": 4.0, "ttft_p95_s": None}, "on": {"p95_s": 2.0, "wrong_share": 0.0, "ttft_p95_s": None}}

    assert judge([parse_bound(text, ARMS, NAMES)], metrics)[0].state == state


def test_an_inconclusive_bound_says_which_figure_is_unknown():
    bound = parse_bound("on.p95_s <= off.p95_s", ARMS, NAMES)

    assert judge([bound], {"on": {"p95_s": 1.0}})[0].why == "off.p95_s is unknown: no rows tell it"
