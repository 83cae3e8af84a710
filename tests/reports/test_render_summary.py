"""The sentences on top: as much as the figures allow, and no more."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from reports.difference import Difference
from reports.load import load
from reports.render_summary import cost, how_sure, sentences, users
from reports.report import Report, make_report


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, rows: SimpleNamespace) -> Report:
    arms = {"off": rows.simulate("off", 300), "on": rows.simulate("on", 300)}
    return make_report(load(rows.write_run(tmp_path_factory.mktemp("summary") / "run", arms)))


def test_three_sentences(report: Report):
    happened, difference, paid = sentences(report)

    assert happened == (
        'With "off", 36 of 300 requests (12.0 %) got no right answer in time; '
        'with "on", none of 300 requests failed (at most 1.3 %).'
    )
    assert difference.startswith('"on" means 12.0 points fewer failures (95 % interval 8.6 to 16.2) and a P95 shorter by ')
    assert difference.endswith(
        "over the 300 requests that finished in both arms; one pair of arms says nothing of the spread between runs."
    )
    assert paid == (
        "It cost 0.82 attempts a request instead of 1.00, 41.77 tokens a request instead of 50.27, "
        "1,144 tokens wasted instead of 1,560."
    )


def test_one_arm_is_held_against_nothing(report: Report):
    alone = replace(report, run=replace(report.run, arms=report.run.arms[:1]), arms=report.arms[:1], comparisons=())

    assert len(sentences(alone)) == 2
    assert "instead" not in sentences(alone)[1]


def test_who_served_nobody_has_no_share(report: Report):
    empty = replace(report.arms[0], metrics=dict.fromkeys(report.arms[0].metrics))

    assert users([empty]) == 'With "off", no request finished.'
    assert cost([empty]) == ""


def compared(report: Report, **told: Any) -> str:
    (one,) = report.comparisons
    found = {"failure_share": Difference("failure_share", 0.1, 0.1, 0.0), "p95_s": Difference("p95_s", 2.0, 2.0, 0.0)} | told
    return how_sure(replace(one, differences=tuple(found.values())), 12)


def test_what_is_not_sure_is_not_called_a_difference(report: Report):
    text = compared(
        report,
        failure_share=Difference("failure_share", 0.1, 0.09, -0.01, -0.03, 0.01),
        p95_s=Difference("p95_s", 2.0, 2.04, 0.04, -0.02, 0.1),
    )

    assert "no sure difference in failures (95 % interval −3.0 to +1.0 points)" in text
    assert "no sure difference in P95 (95 % interval −20 ms to +100 ms)" in text
    assert text.endswith(", in 12 pairs of runs.")


def test_what_is_the_same_is_the_same(report: Report):
    assert "no difference in P95, over" in compared(report, p95_s=Difference("p95_s", 10.0, 10.0, 0.0, 0.0, 0.0))


def test_worse_is_called_worse(report: Report):
    text = compared(
        report,
        failure_share=Difference("failure_share", 0.1, 0.15, 0.05, 0.03, 0.07),
        p95_s=Difference("p95_s", 2.0, 3.0, 1.0, 0.5, 1.5),
    )

    assert '"on" means 5.0 points more failures (95 % interval 3.0 to 7.0) and a P95 longer by 1.00 s' in text


def test_without_an_interval_nothing_is_sure(report: Report):
    assert "too few requests for a sure difference in failures and too few requests" in compared(report)


def test_money_is_told_in_its_currency(report: Report):
    arms = [
        replace(arm, metrics=arm.metrics | {"cost_per_1000": value})
        for arm, value in zip(report.arms, (1.5, 0.75), strict=True)
    ]

    assert "0.750 EUR for 1,000 requests instead of 1.50 EUR" in cost(arms, "EUR")
