"""What each section of the HTML report is told, where that is more than a report's own words."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reports import (
    render_ablation,
    render_arms,
    render_cache,
    render_gate,
    render_measured,
    render_mechanisms,
    render_recoveries,
)
from reports.ablation import Ablation, Effect, Worth
from reports.difference import Difference
from reports.load import load
from reports.metrics import METRICS
from reports.render_arms import GROUPS, OTHER, groups, heading_of
from reports.render_glossary import WORDS, glossary
from reports.render_ledger import FIRST, ledger
from reports.report import Report, make_report
from reports.time_to_recover import TimeToRecover
from tests.reports.paired_runs import a_gate, paired_run


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, rows: SimpleNamespace) -> Report:
    arms = {"off": rows.simulate("off", 300), "on": rows.simulate("on", 300)}
    told: dict[str, Any] = {
        "planned": {"off-01": 300, "on-01": 300},
        "cpu_share": {"off-01": {"proxy": 0.1}, "on-01": {"proxy": 0.2, "app": 0.9}},
        "steal_share": {"on-01": 0.02},
        "achieved_share": {"off-01": 1.0, "on-01": 0.99},
    }
    return make_report(load(rows.write_run(tmp_path_factory.mktemp("sections") / "run", arms, **told)))


def test_every_metric_is_told_once_in_a_group_that_is_named(report: Report):
    told = [line.label for _, lines in groups(report) for line in lines]

    assert len(told) == len(set(told)) == len(METRICS)
    assert {heading_of(metric.name) for metric in METRICS} == set(GROUPS), f"none in {OTHER!r}, and no group without any"


def test_two_arms_stand_beside_their_difference_and_more_have_it_below_each_figure(report: Report):
    told = render_arms.tell(report)
    p95 = next(line for _, lines in told["groups"] for line in lines if line.label == "P95")

    assert told["beside"].other == "on" and not told["is_wide"]
    assert p95.is_main and p95.cells[0].difference == ""
    assert p95.cells[1].judgement == "better" and p95.cells[1].difference.startswith("−")
    three = replace(report, arms=(*report.arms, replace(report.arms[1], name="other")))
    assert render_arms.tell(three)["beside"] is None


def test_what_no_arm_knows_is_named_and_takes_no_line(report: Report):
    told = render_arms.tell(report)

    assert "Time to recover" in told["unknown"]
    assert "Time to recover" not in [line.label for _, lines in told["groups"] for line in lines]


def test_where_arms_share_different_requests_each_is_told(report: Report):
    (one,) = report.comparisons
    more = replace(report, comparisons=(one, replace(one, other="other", pairs=280)))

    assert render_arms.over(report) == "Differences are over the 300 requests that finished in both arms."
    assert '300 for "on", 280 for "other".' in render_arms.over(more)


def test_every_metric_and_word_has_its_place_in_the_glossary(report: Report):
    told = glossary(report)

    assert {code for _, entries in told for _, code, _ in entries if code} == {metric.name for metric in METRICS}
    assert told[0] == ("Words", list(WORDS))


def test_what_was_tried_is_told_by_kind_and_as_surely_as_the_count_allows(report: Report):
    found = dict(render_mechanisms.tell(report)["groups"])
    by_mechanism = {name: [cell["told"] for cell in cells] for name, cells in found["By what was tried"]}
    retried = next(one for one in report.arms[1].ledger.successes if (one.kind, one.mechanism) == ("cut", "retry"))

    assert by_mechanism["retry"][0] == "–"
    assert "of" in by_mechanism["retry"][1] and "recovered: at least " in by_mechanism["retry"][1]
    assert [name for name, _ in found["Against latency"]] == ["nothing"], "one line, where one mechanism is all there was"
    assert dict(found["Against cut"])["retry"][1]["told"].startswith(f"{retried.recovered} of {retried.met} recovered")
    assert [cells[1]["told"] for _, cells in found["Amplification"]] == ["0.82", "1.73"]


def test_cold_and_warm_are_told_apart(report: Report):
    told = render_cache.tell(report)

    assert [line["part"] for line in told["lines"]] == ["cold", "warm"]
    assert all(line["served"].startswith("0 → ") for line in told["lines"])
    assert render_cache.tell(replace(report, comparisons=())) is None


def test_what_speaks_for_the_figures_is_that_of_the_worst_pair(report: Report):
    told = {name: (accepted, cells) for name, accepted, cells in render_measured.validity(report)}

    assert told["Requests with a row"][1] == ["300 of 300", "300 of 300"]
    assert told["Sent before the schedule's end"] == ("at least 98.0 %", ["100 %", "99.0 %"])
    assert told["CPU time taken by the machine's host"][1] == ["–", "2.0 %"]
    assert told["Proxy's use of a core"][1] == ["10.0 %", "20.0 %"]
    assert "Load generator late, P95" not in told, "no generator tells of it"


def an_effect(failures: float, p95_s: float) -> Effect:
    def found(metric: str, value: float) -> Difference:
        return Difference(metric, 0.0, value, value, value - 0.02, value + 0.02)

    cost = Difference("tokens_per_request", 40, 40, None)
    return Effect("without", "with", 300, found("failure_share", failures), found("p95_s", p95_s), cost)


def test_bars_go_from_the_middle_to_their_place_on_the_scale_of_their_column(report: Report):
    alone = an_effect(0.0, 0.0)
    worths = (Worth("retry", an_effect(-0.08, -1.98), alone), Worth("cache", an_effect(0.03, 1.0), alone))
    told = render_ablation.tell(replace(report, ablation=Ablation("on", "off", "tokens_per_request", worths)))
    retry, cache = told["rows"]

    assert [(row.rank, row.feature, row.word) for row in told["rows"]] == [(1, "retry", "helps"), (2, "cache", "costs")]
    failures, p95, cost = retry.bars[0]
    assert (failures.begin, failures.width, failures.low) == (pytest.approx(0.1), pytest.approx(0.4), 0.0)
    assert (p95.judgement, p95.begin) == ("better", pytest.approx(0.5 - 0.5 * 1.98 / 2.0))
    assert (cache.bars[0][1].begin, cache.bars[0][1].judgement) == (0.5, "worse")
    assert (cost.told, cost.width, cost.low) == ("–", 0.0, None)
    assert render_ablation.tell(report) is None


def test_the_gate_is_told_look_by_look_and_pair_by_pair(tmp_path: Path, rows: SimpleNamespace):
    seconds = {"base": [1.0] * 6, "candidate": [1.01] * 6}
    told = make_report(load(paired_run(tmp_path / "run", rows, seconds, gate=a_gate(6))))
    (gate,) = render_gate.tell(told)["gates"]

    assert gate["looks"] == [["6 pairs", "×1.010", "×1.010", "×1.010", "1.6 %", "pass"]]
    assert gate["pairs"][0] == ("1", "40", "1.00 s", "1.01 s", "×1.010")
    assert render_gate.sentence(told.gates[0]) == 'Gate: "candidate" against "base", pass, at look 1, after 6 pairs.'


def test_an_ordinary_run_has_no_gate(report: Report):
    assert render_gate.tell(report) is None


def test_how_soon_users_were_served_as_before(report: Report):
    found = (
        TimeToRecover(1, ("cut", "503"), 3.0, 9.0, 1.25, 0.9),
        TimeToRecover(1, ("cut",), 12.0, 20.0, None, why="the figures were not back when the run ended"),
    )
    told = render_recoveries.tell(replace(report, arms=(replace(report.arms[0], recoveries=found),)))

    assert [(line["window"], line["faults"], line["told"]) for line in told["lines"]] == [
        ("3.0 s to 9.0 s", "cut, 503", "after 1.25 s"),
        ("12.0 s to 20.0 s", "cut", "not known: the figures were not back when the run ended"),
    ]
    assert render_recoveries.tell(report) is None


def test_of_many_windows_the_longest_are_told(report: Report):
    found = tuple(TimeToRecover(n, ("cut",), 3.0, 9.0, n / 10, 0.9) for n in range(1, 101))
    told = render_recoveries.tell(replace(report, arms=(replace(report.arms[0], recoveries=found),)))

    assert len(told["lines"]) == render_recoveries.MOST and told["lines"][0]["told"] == "after 10.00 s"
    assert told["method"].endswith("The 40 longest are shown; 60 more are in report.json.")


def test_the_first_of_the_ledger_are_those_who_got_no_right_answer(report: Report):
    told = ledger(report)
    first = told["first"]

    assert len(first) == FIRST and not any(one["is_fine"] for one in first)
    assert [one["took_s"] for one in first] == sorted((one["took_s"] for one in first), reverse=True)
    assert told["sentences"][0] == 'Requests that met a fault: 52 in "off", 37 in "on". All of them are listed.'
    values = {name: told for name, _, told in told["filters"]}
    assert {("none", "nothing"), ("retry", "retry")} <= set(values["mechanism"])
    assert values["arm"] == [("off", "off"), ("on", "on")]
