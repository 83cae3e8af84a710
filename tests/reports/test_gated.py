"""The gate of a recorded run: the same verdict again, from its manifest and rows."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from records.bad_input import BadInput
from records.folder import RunFolder
from reports.gate import Gate
from reports.load import load
from reports.report import Report, make_report
from tests.reports.paired_runs import ASKED, a_gate, paired_run


@pytest.fixture
def gated(tmp_path: Path, rows: SimpleNamespace) -> Any:
    """gated({"base": [...], "candidate": [...]}): the report of a run of the gate."""

    def make(seconds: dict[str, list[float]], failed: dict[str, int] = {}, gate: dict[str, Any] = {}, **more: Any) -> Report:
        told = a_gate(len(next(iter(seconds.values())))) | gate
        return make_report(load(paired_run(tmp_path / "run", rows, seconds, failed, gate=told, **more)))

    return make


def gate_of(report: Report) -> Gate:
    (gate,) = report.gates
    return gate


def test_an_ordinary_run_has_no_gate(tmp_path: Path, rows: SimpleNamespace):
    report = make_report(load(paired_run(tmp_path / "run", rows, {"off": [1.0], "on": [1.0]})))

    assert report.gates == ()
    assert report.verdict.reasons == ("No bound was asked for.",)


def test_the_same_app_passes(gated: Any):
    report = gated({"base": [1.0] * 6, "candidate": [1.01] * 6})

    assert (report.verdict.state, report.exit_code) == ("pass", 0)
    assert report.verdict.reasons[0].startswith("P95 ratio 1.010 over 6 pairs")


def test_a_slower_app_fails(gated: Any):
    report = gated({"base": [1.0] * 6, "candidate": [1.2] * 6})

    assert (report.verdict.state, report.exit_code) == ("fail", 3)
    assert [(pair.base_s, pair.candidate_s, pair.requests) for pair in gate_of(report).pairs] == [
        (pytest.approx(1.0), pytest.approx(1.2), ASKED)
    ] * 6


def test_a_failure_counts_as_the_deadline(gated: Any):
    """3 of 40 fail, which is more than 5 %: P95 is 10 s."""
    report = gated({"base": [1.0] * 6, "candidate": [0.5] * 6}, failed={"candidate": 3})

    assert gate_of(report).pairs[0].candidate_s == 10
    assert gate_of(report).pairs[0].only_candidate_failed == 3
    assert report.verdict.state == "fail"


def test_a_faster_app_that_fails_more_does_not_pass(gated: Any):
    """One of 40 does not move P95."""
    report = gated({"base": [1.0] * 6, "candidate": [0.5] * 6}, failed={"candidate": 1})

    assert gate_of(report).looks[0].ratio == pytest.approx(0.5)
    assert report.verdict.state == "fail"
    assert "share of failures grew by 2.5 points" in report.verdict.reasons[0]


def test_only_counted_pairs_count(gated: Any):
    report = gated({"base": [1.0] * 7, "candidate": [1.2] + [1.0] * 6}, gate={"counted": [2, 3, 4, 5, 6, 7]})

    assert report.verdict.state == "pass"
    assert [pair.number for pair in gate_of(report).pairs] == [2, 3, 4, 5, 6, 7]


def test_it_is_judged_as_its_manifest_says(gated: Any):
    lax = gated({"base": [1.0] * 6, "candidate": [1.2] * 6}, gate={"tolerance": 0.25})
    late = gated({"base": [1.0] * 6, "candidate": [1.2] * 6}, gate={"looks": [{"pairs": 9, "alpha": 0.02}]})

    assert lax.verdict.state == "pass"
    assert late.verdict.reasons == ("Only 6 pairs: the first look takes 9.",)


def test_a_run_that_only_measures_is_not_judged(gated: Any):
    report = gated({"base": [1.0] * 6, "candidate": [1.2] * 6}, gate={"looks": []})

    assert (report.gates, report.verdict.state) == ((), "pass")


def test_an_interrupted_gate_is_inconclusive(gated: Any):
    report = gated({"base": [1.0] * 4, "candidate": [1.2] * 4}, state="partial")

    assert (report.verdict.state, report.exit_code) == ("inconclusive", 4)
    assert any("Only 4 pairs" in reason for reason in report.verdict.reasons)


def test_a_gate_without_a_whole_pair_is_vacuous(gated: Any):
    assert gated({"base": [1.0], "candidate": [1.0]}, gate={"counted": []}).verdict.state == "vacuous"


def test_a_pair_that_stayed_invalid_makes_the_gate_invalid(gated: Any):
    report = gated({"base": [1.0] * 6, "candidate": [1.0] * 6}, gate={"invalid": ["Pair 7 stayed invalid."]})

    assert (report.verdict.state, report.exit_code) == ("invalid", 5)
    assert report.verdict.reasons == ("Pair 7 stayed invalid.",)


def test_a_bad_machine_makes_the_gate_invalid(gated: Any):
    report = gated({"base": [1.0] * 6, "candidate": [1.2] * 6}, steal_share={"base-03": 0.2})

    assert report.verdict.state == "invalid"
    assert "base-03: 20% of the CPU time was stolen" in report.verdict.reasons[0]


def test_what_was_run_again_is_told(gated: Any):
    report = gated({"base": [1.0] * 6, "candidate": [1.0] * 6}, gate={"told": ["Pair 3 was run again."]})

    assert report.verdict.state == "pass"
    assert "Pair 3 was run again." in report.problems


def test_rows_that_nobody_wrote_keep_it_from_passing(gated: Any):
    report = gated({"base": [1.0] * 6, "candidate": [1.0] * 6}, planned={"candidate-02": ASKED + 5})

    assert report.verdict.state == "inconclusive"


@pytest.mark.parametrize(
    ("same", "planted", "state"),
    [(1.0, 1.2, "pass"), (1.2, 1.2, "fail"), (1.0, 1.0, "fail"), (1.2, 1.0, "fail")],
)
def test_the_gate_on_trial(gated: Any, same: float, planted: float, state: str):
    trial = a_gate(6, ("base", "same", "pass"), ("base", "planted", "fail"))
    report = gated({"base": [1.0] * 6, "same": [same] * 6, "planted": [planted] * 6}, gate=trial)

    assert report.verdict.state == state
    assert len(report.gates) == 2
    assert any(reason.startswith("planted against base, which must fail: ") for reason in report.verdict.reasons)


def broken(rows: SimpleNamespace, path: Path, gate: Any) -> RunFolder:
    return paired_run(path, rows, {"base": [1.0], "candidate": [1.0]}, gate=gate)


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        ("no table", "gate must be a table"),
        ({"comparisons": [{"base": "base"}]}, "gate must be a table"),
        ({"looks": [6, 9]}, "gate must be a table"),
        ({"tolerance": "a tenth"}, "gate must be a table"),
        ({"counted": ["1"]}, "gate must be a table"),
        ({"comparisons": [{"base": "bse", "candidate": "candidate"}]}, 'gate: "bse" is not an arm. Did you mean "base"'),
    ],
)
def test_a_gate_that_cannot_be_read_is_bad_input(rows: SimpleNamespace, tmp_path: Path, gate: Any, told: str):
    with pytest.raises(BadInput, match=told):
        load(broken(rows, tmp_path / "run", gate))
