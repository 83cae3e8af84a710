"""Reweighting against the truth: rare faults made frequent, and weighted back to the day they are rare on."""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.folder import STRATA, RunFolder
from reports.load import load
from reports.metrics import quantile
from reports.report import make_report
from reports.strata import doubts, effective_size, parse_strata, reweight, weighted_quantile, weighted_share

DEADLINE_S = 10.0
DAY = {"429": 0.01, "cut": 0.0017, "truncated": 0.0005, "stall": 0.0001}
"""Shares of an ordinary day: faults that a thousand requests may never meet."""
RAISED = {"429": 0.01, "cut": 0.06, "truncated": 0.06, "stall": 0.06}


@dataclass
class Drawn:
    """Requests of one day: what they met, how long they took, and the weights that make an ordinary day of it."""

    struck: dict[str, Any]
    seconds: Any
    failed: Any
    weights: Any


def a_day(shares: dict[str, float], count: int, seed: int) -> Drawn:
    """Four faults of different harm over log-normal latencies; some requests fail of themselves."""
    rng = np.random.default_rng(seed)
    struck = {name: rng.random(count) < share for name, share in shares.items()}
    seconds = rng.lognormal(0.0, 0.5, count)
    seconds = np.where(struck["429"], seconds + 1.5, seconds)
    failed = (rng.random(count) < 0.004) | struck["truncated"] | struck["stall"] | (struck["cut"] & (rng.random(count) < 0.7))
    failed |= seconds > DEADLINE_S
    weights = np.ones(count)
    for name, share in shares.items():
        weights *= np.where(struck[name], DAY[name] / share, (1 - DAY[name]) / (1 - share))
    return Drawn(struck, np.where(failed, DEADLINE_S, seconds), failed, weights)


@pytest.fixture(scope="module")
def truth() -> Drawn:
    """Two million requests of an ordinary day: the standard error of its failure share is 0.006 points."""
    return a_day(DAY, 2_000_000, seed=1)


def test_reweighted_is_the_truth_where_stratified_is_far_off(truth: Drawn):
    """20,000 requests: the share within 0.15 points of the truth, P50 within 2 %, P95 3 %, P99 9 %: three standard errors."""
    run = a_day(RAISED, 20_000, seed=2)
    share, low, high = weighted_share(run.failed, run.weights)
    true_share = truth.failed.mean()

    assert share == pytest.approx(true_share, abs=0.0015)
    assert low < true_share < high
    assert run.failed.mean() > 20 * true_share
    for q, within in ((0.5, 0.02), (0.95, 0.03), (0.99, 0.09)):
        assert weighted_quantile(run.seconds, run.weights, q) == pytest.approx(quantile(truth.seconds, q), rel=within)
    assert quantile(run.seconds, 0.95) == DEADLINE_S


def test_many_small_runs_are_right_on_average_and_their_intervals_hold_the_truth(truth: Drawn):
    """300 runs of 1,000 requests: no bias beyond three standard errors, and at least 95 % of the intervals hold the truth."""
    runs = [a_day(RAISED, 1000, seed) for seed in range(100, 400)]
    told = [weighted_share(run.failed, run.weights) for run in runs]
    shares, true_share = np.array([share for share, _, _ in told]), truth.failed.mean()

    assert abs(shares.mean() - true_share) < 3 * shares.std() / len(runs) ** 0.5
    assert np.mean([low <= true_share <= high for _, low, high in told]) >= 0.95


def test_a_rare_harm_is_known_better_than_from_as_many_requests_of_the_ordinary_day():
    """Six of ten thousand: estimates of a thousand ordinary requests spread more than five times as far."""

    def harmed(shares: dict[str, float], first: int) -> Any:
        runs = [a_day(shares, 1000, seed) for seed in range(first, first + 200)]
        return np.array([weighted_share(run.struck["truncated"] | run.struck["stall"], run.weights)[0] for run in runs])

    stratified, plain = harmed(RAISED, 400), harmed(DAY, 600)

    assert stratified.mean() == pytest.approx(0.0006, rel=0.05)
    assert stratified.std() < plain.std() / 5


def test_every_rare_fault_is_met_often_enough(truth: Drawn):
    run = a_day(RAISED, 1000, seed=3)

    assert min(int(run.struck[name].sum()) for name in ("cut", "truncated", "stall")) >= 30
    assert truth.struck["stall"].mean() * 1000 < 1


@given(st.lists(st.floats(0.001, 10), min_size=1, max_size=60), st.sampled_from([0.5, 0.95, 0.99]), st.floats(1e-6, 1e6))
def test_equal_weights_change_nothing(values: list[float], q: float, weight: float):
    seconds, weights = np.array(values), np.full(len(values), weight)

    assert weighted_quantile(seconds, weights, q) == quantile(seconds, q)
    assert effective_size(weights) == pytest.approx(len(values))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5)), min_size=1, max_size=30), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_whole_weight_is_as_many_requests(told: list[tuple[int, int]], q: float):
    values, weights = np.array([v for v, _ in told], dtype=float), np.array([w for _, w in told], dtype=float)
    repeated = np.repeat(values, weights.astype(int))

    assert weighted_quantile(values, weights, q) == quantile(repeated, q)
    assert weighted_share(values > 4, weights)[0] == pytest.approx((repeated > 4).mean())


def test_kish_is_kish():
    assert effective_size(np.array([1.0, 1, 1, 1])) == 4
    assert effective_size(np.array([3.0, 1])) == pytest.approx(16 / 10)
    assert effective_size(np.array([1.0, 0, 0])) == 1
    assert effective_size(np.zeros(3)) == 0


def test_the_interval_is_as_wide_as_the_effective_number_allows():
    """10 of 40 with weight 1: what 10 of 40 requests tell, though a thousand weightless ones stand beside them."""
    holds = np.arange(1040) % 4 == 0
    weights = np.where(np.arange(1040) < 40, 1.0, 0.0)

    assert weighted_share(holds, weights) == weighted_share(holds[:40], weights[:40])
    assert weighted_share(holds, weights) == pytest.approx((0.25, 0.1419, 0.4019), abs=1e-4)


def test_all_and_none_have_intervals_that_end_there():
    weights = np.array([0.3, 1.7, 0.1])

    assert weighted_share(np.ones(3, bool), weights)[::2] == (1, 1)
    assert weighted_share(np.zeros(3, bool), weights)[:2] == (0, 0)


def test_nothing_of_weight_is_unknown():
    assert weighted_share(np.ones(2, bool), np.zeros(2)) == (None, None, None)
    assert weighted_quantile(np.ones(2), np.zeros(2), 0.5) is None
    assert weighted_quantile(np.zeros(0), np.zeros(0), 0.5) is None


def strata(weights: dict[str, Any], **faults: Any) -> dict[str, Any]:
    return {"faults": faults or {"cut": {"share": 0.001, "raised_to": 0.1}}, "weights": weights}


def test_an_arm_is_reweighted_by_its_keys(rows: SimpleNamespace):
    """One of four failed, with a hundredth of the weight; a request without a weight counts as 1."""
    requests = [rows.a_request(n, outcome="cut" if n == 1 else "ok") for n in range(1, 5)]
    told = parse_strata(strata({"p01-000001": 0.01, "p01-000002": 1, "p01-000003": 1.0}), [])
    found = reweight(rows.an_arm(requests), told)
    figures = {one.metric: one for one in found.figures}

    assert figures["failure_share"].value == pytest.approx(0.01 / 3.01)
    assert figures["ok_share"].value == pytest.approx(3 / 3.01)
    assert figures["timeout_share"].value == 0
    assert figures["p99_s"].value == pytest.approx(2)
    assert (found.requests, found.without_weight) == (4, 1)
    assert found.effective == pytest.approx(3.01**2 / 3.0001)
    assert doubts([found], told, []) == ['strata.json tells no weight of 1 of 4 requests of arm "off": each counts as 1.']


def test_a_failure_counts_as_the_deadline_on_an_ordinary_day_too(rows: SimpleNamespace):
    requests = [rows.a_request(n, outcome="cut" if n == 1 else "ok") for n in range(1, 5)]
    told = parse_strata(strata({"p01-000001": 1, "p01-000002": 1, "p01-000003": 1, "p01-000004": 1}), [])

    assert {one.metric: one.value for one in reweight(rows.an_arm(requests), told).figures}["p95_s"] == rows.DEADLINE_S


GOOD = {"share": 0.001, "raised_to": 0.1}


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ([], "must hold two tables, faults and weights. No figure is reweighted"),
        ({"faults": {}}, "must hold two tables"),
        ({"faults": [], "weights": {}}, "must hold two tables"),
        (strata({}), "holds no weight. No figure is reweighted"),
        (strata({"a": 1, "b": -1}), '1 weight left out ("b"): each must be a number of at least 0'),
        (strata({"a": 1, "b": "much", "c": None, "d": True, "e": float("inf")}), '4 weights left out ("b", "c", "d", ...)'),
        (strata({"a": 1}, cut=GOOD, stall={"share": 2, "raised_to": 0.1}), '1 fault left out ("stall"): each needs share and'),
        (strata({"a": 1}, cut="rare"), '1 fault left out ("cut")'),
    ],
)
def test_what_cannot_be_used_is_told(told: Any, problem: str):
    problems: list[str] = []
    parse_strata(told, problems)

    assert problems and problems[0].startswith("strata.json: ")
    assert problem in " ".join(problems)


def test_a_plan_that_raised_nothing_has_nothing_to_undo():
    problems: list[str] = []

    assert parse_strata({"faults": {}, "weights": {}}, problems) is None
    assert problems == []


@pytest.mark.parametrize("text", ["", "{", "[1", "null", '"text"', '{"faults": 1, "weights": {}}', "\x00"])
def test_a_file_that_cannot_be_used_is_a_problem_and_no_traceback(a_run: Callable[..., RunFolder], text: str):
    folder = a_run()
    (folder.path / STRATA).write_text(text)
    report = make_report(load(folder))

    assert report.ordinary == ()
    assert len(report.problems) == 1
    assert "strata.json" in report.problems[0] and "No figure is reweighted to an ordinary day" in report.problems[0]


def test_a_plan_that_was_changed_has_other_weights(rows: SimpleNamespace):
    told = parse_strata(strata({"p01-000001": 1}), [])
    found = reweight(rows.an_arm([rows.a_request(1)]), told)

    assert doubts([found], told, []) == []
    assert doubts([found], told, ["off"])[0].startswith('The weights of arm "off" are those of its plan')


def test_a_fault_raised_to_all_hides_how_the_others_fare():
    """Weighted down to nothing, all of its calls leave a gap that no weight fills."""
    told = parse_strata(
        strata({"a": 1}, stall={"share": 0.001, "raised_to": 1}, cut=GOOD, always={"share": 1, "raised_to": 1}), []
    )

    assert len(doubts([], told, [])) == 1
    assert doubts([], told, [])[0].startswith('"stall" was raised to every first attempt it is meant for')


def test_requests_without_a_weight_are_a_problem_of_the_report(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    folder = a_run(off=rows.simulate("off", 60))
    (folder.path / STRATA).write_text(rows.as_json(strata({f"p01-{n:06d}": 1.0 for n in range(1, 51)})))

    assert make_report(load(folder)).problems == (
        'strata.json tells no weight of 10 of 60 requests of arm "off": each counts as 1.',
    )
