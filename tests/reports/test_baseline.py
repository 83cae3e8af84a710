"""Baselines: a later run against a stored one, request by request."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from records.bad_input import BadInput
from records.folder import RunFolder
from reports.baseline import compare_to_baseline, decide, make_baseline, read_baseline, read_run, write_baseline
from reports.compare import Ratio
from reports.load import load


def test_a_run_against_itself_passes(a_run: Callable[..., RunFolder], tmp_path: Path):
    run = read_run(a_run().path)
    write_baseline(tmp_path / "baseline.json", make_baseline(run))
    gate = compare_to_baseline(run, read_baseline(tmp_path / "baseline.json"), "on", 0.1)

    assert (gate.state, gate.exit_code) == ("pass", 0)
    assert gate.ratio.ratio == pytest.approx(1, abs=1e-5)
    assert gate.ratio.keys == 500


def test_a_planted_slowdown_fails(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    baseline = make_baseline(load(a_run("before")))
    slow = a_run("after", off=rows.simulate("off", 500), on=rows.simulate("on", 500, slower=2.0))
    gate = compare_to_baseline(load(slow), baseline, "on", 0.1)

    assert (gate.state, gate.exit_code) == ("fail", 3)
    assert gate.ratio.low > 1
    assert "P95" in gate.reasons[0]


@pytest.mark.parametrize(
    ("ratio", "low", "high", "state"),
    [
        (1.05, 1.01, 1.09, "pass"),
        (0.98, 0.80, 1.30, "pass"),
        (1.20, 1.05, 1.40, "fail"),
        (1.20, 0.95, 1.40, "inconclusive"),
        (1.05, 1.01, 1.15, "inconclusive"),
        (1.05, None, None, "inconclusive"),
    ],
)
def test_the_decision(ratio: float, low: float | None, high: float | None, state: str):
    assert decide(Ratio(2.0, 2.0 * ratio, ratio, low, high, 500), "on", 0.1, 10.0).state == state


def test_an_inconclusive_gate_says_what_it_could_have_seen():
    gate = decide(Ratio(2.0, 2.4, 1.2, 0.96, 1.4, 500), "on", 0.1, 10.0)

    assert gate.smallest_effect == pytest.approx(0.25)
    assert "ratio 1.250" in gate.reasons[0]


def test_a_baseline_at_the_deadline_can_show_nothing():
    """P95 cannot exceed the deadline: equal is then no good news."""
    assert decide(Ratio(10.0, 10.0, 1.0, 1.0, 1.0, 500), "off", 0.1, 10.0).state == "inconclusive"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"seed": 8}, "another seed: 7, this run has 8"),
        ({"scenario": {"name": "other", "text": "x"}}, "another scenario: article (sha256"),
        ({"plan": None}, "another fault plan"),
        ({"deadline_s": 5.0}, "another deadline"),
    ],
)
def test_another_experiment_is_refused(a_run: Callable[..., RunFolder], changes: dict, told: str):
    baseline = make_baseline(load(a_run("before")))
    with pytest.raises(BadInput) as raised:
        compare_to_baseline(load(a_run("after", **changes)), baseline, "on", 0.1)

    assert told in raised.value.problems[0]


def test_an_unknown_arm_is_refused_with_the_nearest(a_run: Callable[..., RunFolder]):
    run = load(a_run())
    with pytest.raises(BadInput, match=r'"onn" is not an arm\. Did you mean "on"'):
        compare_to_baseline(run, make_baseline(run), "onn", 0.1)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 99, "arms": {}}'])
def test_a_file_that_is_no_baseline_is_refused(tmp_path: Path, text: str):
    (tmp_path / "baseline.json").write_text(text)
    with pytest.raises(BadInput, match="not"):
        read_baseline(tmp_path / "baseline.json")


def test_a_missing_baseline_says_how_to_write_one(tmp_path: Path):
    with pytest.raises(BadInput, match="headwind baseline RUN"):
        read_baseline(tmp_path / "baseline.json")


def test_nothing_in_common_is_vacuous(a_run: Callable[..., RunFolder]):
    run = load(a_run())
    baseline = json.loads(json.dumps(make_baseline(run)))
    baseline["arms"]["on"]["effective_s"] = {"p99-000001": 1.0}

    assert compare_to_baseline(run, baseline, "on", 0.1).state == "vacuous"


def test_a_lagging_generator_makes_the_gate_invalid(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    baseline = make_baseline(load(a_run("before")))
    files = rows.simulate("on", 500)
    for row in files.requests:
        row["sent_s"] += 0.4
    gate = compare_to_baseline(load(a_run("after", off=rows.simulate("off", 500), on=files)), baseline, "on", 0.1)

    assert (gate.state, gate.exit_code) == ("invalid", 5)


def test_a_partial_run_neither_passes_nor_serves_as_a_baseline(a_run: Callable[..., RunFolder]):
    baseline = make_baseline(load(a_run("before")))
    partial = load(a_run("after", state="partial"))

    assert compare_to_baseline(partial, baseline, "on", 0.1).state == "inconclusive"
    with pytest.raises(BadInput, match="not fit as a baseline"):
        make_baseline(partial)
