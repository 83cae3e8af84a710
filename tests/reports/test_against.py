"""A later run against a baseline, request by request and pair by pair."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from records.bad_input import BadInput
from records.folder import RunFolder
from reports.against import compare_to_baseline, judge_ratio
from reports.baseline import make_baseline, read_baseline, read_run, write_baseline
from reports.compare import Ratio
from reports.gate import Gate
from reports.load import Run, load
from tests.reports.paired_runs import paired_run


def judged(ratio: Ratio, tolerance: float, deadline_s: float) -> Gate:
    return judge_ratio(ratio, Gate("inconclusive", "baseline", "on", tolerance, ()), deadline_s)


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
        (0.98, 0.80, 1.30, "inconclusive"),
        (0.98, 0.90, 1.08, "pass"),
        (1.20, 1.05, 1.40, "fail"),
        (1.20, 0.95, 1.40, "inconclusive"),
        (1.05, 1.01, 1.15, "inconclusive"),
        (1.05, None, None, "inconclusive"),
    ],
)
def test_the_decision(ratio: float, low: float | None, high: float | None, state: str):
    assert judged(Ratio(2.0, 2.0 * ratio, ratio, low, high, 500), 0.1, 10.0).state == state


def test_an_inconclusive_gate_says_what_it_could_have_seen():
    gate = judged(Ratio(2.0, 2.4, 1.2, 0.96, 1.4, 500), 0.1, 10.0)

    assert gate.smallest_effect == pytest.approx(0.25)
    assert "ratio 1.250" in gate.reasons[0]


def test_a_faster_run_that_may_be_slower_is_told_with_what_it_could_have_seen():
    """No slower on paper is not good news, while the interval reaches beyond the tolerance."""
    gate = judged(Ratio(2.0, 1.96, 0.98, 0.80, 1.30, 500), 0.1, 10.0)

    assert gate.reasons == (
        "P95 1.960 s against 2.000 s, ratio 0.980, 95 % interval 0.800 to 1.300, at most 1.100 is accepted. "
        "The smallest slowdown it could have failed is ratio 1.225.",
    )


def test_a_baseline_at_the_deadline_can_show_nothing():
    """P95 cannot exceed the deadline: equal is then no good news."""
    assert judged(Ratio(10.0, 10.0, 1.0, 1.0, 1.0, 500), 0.1, 10.0).state == "inconclusive"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"seed": 8}, "another seed: 7, this run has 8"),
        ({"scenario": {"name": "other", "text": "x"}}, "another scenario: article (sha256"),
        ({"plan": None}, "another fault plan"),
        ({"deadline_s": 5.0}, "another deadline"),
        ({"plan_seed": 9}, "another seed of the plan: None, this run has 9"),
        ({"workload": {"users": 50, "rate_per_s": 20.0}}, "another workload: rate_per_s 15.0, this run has rate_per_s 20.0"),
        ({"workload": None}, "another workload: users 50, rate_per_s 15.0, this run has none"),
        ({"model": {"slots": 8}}, "another physics of the model: slots 64, this run has slots 8"),
    ],
)
def test_another_experiment_is_refused(a_run: Callable[..., RunFolder], changes: dict, told: str):
    usual = {"workload": {"users": 50, "rate_per_s": 15.0}, "model": {"slots": 64}}
    baseline = make_baseline(load(a_run("before", **usual)))
    with pytest.raises(BadInput) as raised:
        compare_to_baseline(load(a_run("after", **usual | changes)), baseline, "on", 0.1)

    assert len(raised.value.problems) == 1
    assert told in raised.value.problems[0]


@pytest.mark.parametrize(
    ("arm", "told"),
    [
        ({"features": "retry"}, 'arm "on" of other features: all, this run has retry'),
        ({"features": "all", "environment": {"APP_RETRY_BASE_S": "2"}}, 'arm "on" of another environment: none, this run has'),
    ],
)
def test_another_app_is_refused(a_run: Callable[..., RunFolder], arm: dict, told: str):
    """The same name for another set of features is not the same arm."""
    off = {"name": "off", "features": "none"}
    baseline = make_baseline(load(a_run("before")))
    after = load(a_run("after", arms=[off, {"name": "on", **arm}]))
    with pytest.raises(BadInput) as raised:
        compare_to_baseline(after, baseline, "on", 0.1)

    assert len(raised.value.problems) == 1
    assert told in raised.value.problems[0]
    assert compare_to_baseline(after, baseline, "off", 0.1).candidate == "off"


def test_an_unknown_arm_is_refused_with_the_nearest(a_run: Callable[..., RunFolder]):
    run = load(a_run())
    with pytest.raises(BadInput, match=r'"onn" is not an arm\. Did you mean "on"'):
        compare_to_baseline(run, make_baseline(run), "onn", 0.1)


@pytest.mark.parametrize("tolerance", [10.0, -0.1, float("nan")])
def test_a_tolerance_in_percent_is_refused(a_run: Callable[..., RunFolder], tolerance: float):
    run = load(a_run())
    with pytest.raises(BadInput, match=r"must be a share between 0 and 1, such as 0\.1 for 10 %, got"):
        compare_to_baseline(run, make_baseline(run), "on", tolerance)


def lacking(rows: SimpleNamespace, kept: int) -> Any:
    files = rows.simulate("on", 500)
    files.requests = files.requests[:kept]
    return files


def test_a_run_that_lacks_requests_of_the_baseline_is_inconclusive(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    baseline = make_baseline(load(a_run("before")))
    gate = compare_to_baseline(load(a_run("after", off=rows.simulate("off", 500), on=lacking(rows, 185))), baseline, "on", 0.1)

    assert (gate.state, gate.exit_code) == ("inconclusive", 4)
    assert "185 of 500 requests of the baseline are in this run" in gate.reasons[-1]


def test_a_baseline_that_lacks_requests_of_the_run_is_inconclusive(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    baseline = make_baseline(load(a_run("before", off=rows.simulate("off", 500), on=lacking(rows, 185))))
    gate = compare_to_baseline(load(a_run("after")), baseline, "on", 0.1)

    assert gate.state == "inconclusive"
    assert "185 of 500 requests of this run are in the baseline" in gate.reasons[-1]


def test_an_arm_without_one_right_answer_makes_the_gate_vacuous(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    """Every request was rejected at once: fast, and worth nothing."""
    baseline = make_baseline(load(a_run("before")))
    files = rows.simulate("on", 500)
    for row in files.requests:
        row |= {"outcome": "http_error", "status": 500, "served_by": None}
    gate = compare_to_baseline(load(a_run("after", off=rows.simulate("off", 500), on=files)), baseline, "on", 0.1)

    assert gate.state == "vacuous"
    assert gate.reasons == ('No request of arm "on" got a right answer.',)


def test_a_slower_run_fails_also_where_requests_are_missing(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    baseline = make_baseline(load(a_run("before")))
    slow = rows.simulate("on", 500, slower=2.0)
    slow.requests = slow.requests[:400]
    gate = compare_to_baseline(load(a_run("after", off=rows.simulate("off", 500), on=slow)), baseline, "on", 0.1)

    assert gate.state == "fail"
    assert "400 of 500 requests of the baseline are in this run" in gate.reasons[-1]


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


def six(path: Path, rows: SimpleNamespace, took_s: float, pairs: int = 6, **more: Any) -> Run:
    """A run of six pairs, each a little different from the others."""
    return load(paired_run(path, rows, {"on": [took_s * (1 + pair / 1000) for pair in range(pairs)]}, **more))


@pytest.mark.parametrize(("slower", "state"), [(1.0, "pass"), (1.2, "fail"), (0.5, "pass")])
def test_six_pairs_are_compared_pair_by_pair(tmp_path: Path, rows: SimpleNamespace, slower: float, state: str):
    baseline = make_baseline(six(tmp_path / "before", rows, 1.0))
    gate = compare_to_baseline(six(tmp_path / "after", rows, slower), baseline, "on", 0.1)

    assert gate.state == state
    assert [look.pairs for look in gate.looks] == [6]
    assert gate.looks[0].ratio == pytest.approx(slower)


def test_ten_pairs_are_one_look_at_all_of_them(tmp_path: Path, rows: SimpleNamespace):
    """Nobody looked before: there is nothing to spare certainty for."""
    gate = compare_to_baseline(
        six(tmp_path / "after", rows, 1.0, 10), make_baseline(six(tmp_path / "before", rows, 1.0, 10)), "on", 0.1
    )

    assert [(look.pairs, look.alpha) for look in gate.looks] == [(10, 0.03)]


def test_only_pairs_that_both_have_are_compared(tmp_path: Path, rows: SimpleNamespace):
    gate = compare_to_baseline(
        six(tmp_path / "after", rows, 1.0, 9), make_baseline(six(tmp_path / "before", rows, 1.0, 7)), "on", 0.1
    )

    assert (gate.state, gate.looks[0].pairs) == ("pass", 7)


def test_five_pairs_are_too_few_for_that(tmp_path: Path, rows: SimpleNamespace):
    gate = compare_to_baseline(
        six(tmp_path / "after", rows, 1.0, 6), make_baseline(six(tmp_path / "before", rows, 1.0, 5)), "on", 0.1
    )

    assert gate.looks == ()
    assert gate.ratio is not None


@pytest.mark.parametrize("pairs", [1, 6])
def test_a_faster_run_that_fails_more_does_not_pass(tmp_path: Path, rows: SimpleNamespace, pairs: int):
    baseline = make_baseline(six(tmp_path / "before", rows, 1.0, pairs))
    gate = compare_to_baseline(six(tmp_path / "after", rows, 0.5, pairs, failed={"on": 1}), baseline, "on", 0.1)

    assert gate.state == ("fail" if pairs == 6 else "inconclusive")
    assert "The share of failures grew by 2.5 points" in " ".join(gate.reasons)


def test_how_much_failures_may_grow_can_be_set(tmp_path: Path, rows: SimpleNamespace):
    baseline = make_baseline(six(tmp_path / "before", rows, 1.0))
    after = six(tmp_path / "after", rows, 1.0, failed={"on": 1})

    assert compare_to_baseline(after, baseline, "on", 0.1).state == "fail"
    assert compare_to_baseline(after, baseline, "on", 0.1, failure_tolerance=0.03).state == "pass"
