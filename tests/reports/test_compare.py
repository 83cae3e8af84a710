"""Arms side by side."""

from types import SimpleNamespace

import numpy as np
import pytest

from records.bad_input import BadInput
from reports.compare import compare, quantile_ratio
from reports.load import load
from reports.repeats import LEAST
from reports.report import make_report
from reports.signed_rank import hodges_lehmann


def by_name(comparison):
    return {one.metric: one for one in comparison.differences}


def arms(rows: SimpleNamespace, count: int = 200, slower_s: float = 0.0):
    off = [rows.a_request(n, intended_s=5000.0 + n / 5, finished_s=5002.0 + n / 5 + (n * 37 % 100) / 100) for n in range(count)]
    on = [
        rows.a_request(n, intended_s=9000.0 + n / 5, finished_s=9002.0 + slower_s + n / 5 + (n * 37 % 100) / 100)
        for n in range(count)
    ]
    return rows.an_arm(off), rows.an_arm(on, name="on")


def test_equal_arms_differ_by_nothing_without_doubt(rows: SimpleNamespace):
    """Both arms are resampled by the same blocks: what both share cannot look like a difference."""
    found = by_name(compare(*arms(rows), seed=7))

    assert found["p95_s"].difference == pytest.approx(0, abs=1e-9)
    assert (found["p95_s"].low, found["p95_s"].high) == pytest.approx((0, 0), abs=1e-9)
    assert found["failure_share"].p_value == 1


def test_a_shift_is_seen_as_a_shift(rows: SimpleNamespace):
    found = by_name(compare(*arms(rows, slower_s=0.5), seed=7))["p50_s"]

    assert found.difference == pytest.approx(0.5)
    assert (found.low, found.high) == pytest.approx((0.5, 0.5))
    assert found.ratio_low > 1
    assert found.method == "blocks"


def six_pairs(rows: SimpleNamespace, name: str, slower: float, tokens: int = 40):
    """The later the pair, the slower the app."""
    requests = [
        rows.a_request(
            n, request_id=f"p{pair:02d}-{n:06d}", pair=pair, intended_s=due, finished_s=due + (1 + n / 30) * pair * slower / 3
        )
        for pair in range(1, 7)
        for n, due in enumerate(range(1000 * pair, 1000 * pair + 30))
    ]
    generations = [rows.a_generation(one.request_id, 1, tokens, one.sent_s) for one in requests]
    return rows.an_arm(requests, generations=generations, name=name)


def test_six_pairs_are_compared_pair_by_pair(rows: SimpleNamespace):
    """The typical pair tells, and all but shares have an interval, also what no single request has."""
    found = compare(six_pairs(rows, "off", 1.0), six_pairs(rows, "on", 1.1), seed=7)
    told = by_name(found)

    assert (told["p95_s"].method, told["p95_s"].pairs, told["p95_s"].p_value) == ("signed_rank", 6, 2 / 64)
    assert told["p50_s"].ratio == told["p50_s"].ratio_low == told["p50_s"].ratio_high == pytest.approx(1.1)
    assert told["failure_share"].method == "newcombe"
    assert (told["requests"].method, told["aborted"].method) == ("", "")
    assert (found.curve.method, found.curve.pairs) == ("signed_rank", 6)


def test_what_no_single_request_has_is_computed_over_each_pair_alone(rows: SimpleNamespace):
    found = by_name(compare(six_pairs(rows, "off", 1.0), six_pairs(rows, "on", 1.1, tokens=45), seed=7))
    rates = [[30 / (29 + (1 + 29 / 30) * pair * slower / 3) for pair in range(1, 7)] for slower in (1.0, 1.1)]
    typical = hodges_lehmann(np.subtract(rates[1], rates[0]))

    assert found["throughput_per_s"].difference == pytest.approx(typical.estimate)
    assert (found["throughput_per_s"].low, found["throughput_per_s"].high) == pytest.approx((typical.low, typical.high))
    assert found["tokens_spent"].difference == found["tokens_spent"].low == 6 * 30 * 5


def test_all_arms_stand_against_the_reference_that_the_run_names(a_run, rows: SimpleNamespace):
    made = {name: rows.simulate(name, 60) for name in ("off", "on", "half")}
    found = make_report(load(a_run(**made, reference="on")))

    assert found.reference.name == "on"
    assert [(one.reference, one.other) for one in found.comparisons] == [("on", "off"), ("on", "half")]
    assert make_report(load(a_run("another", **made))).comparisons[0].reference == "off"


def test_a_reference_that_is_no_arm_is_refused(a_run, rows: SimpleNamespace):
    with pytest.raises(BadInput, match='reference: "onn" is not an arm'):
        load(a_run(off=rows.simulate("off", 5), on=rows.simulate("on", 5), reference="onn"))


def test_only_requests_of_both_arms_are_compared(rows: SimpleNamespace):
    off, _ = arms(rows)
    fewer = rows.an_arm([rows.a_request(n, intended_s=9000.0 + n) for n in range(150, 260)], name="on")
    found = compare(off, fewer, seed=7)

    assert (found.pairs, found.unpaired) == (50, 150 + 60)


def test_few_requests_give_a_difference_without_an_interval(rows: SimpleNamespace):
    found = by_name(compare(*arms(rows, LEAST - 1, 0.5), seed=7))["p95_s"]

    assert found.difference == pytest.approx(0.5)
    assert found.low is None


def test_what_is_unknown_in_one_arm_has_no_difference(rows: SimpleNamespace):
    off, on = arms(rows)
    found = by_name(compare(off, rows.an_arm([], name="on"), seed=7))

    assert found["p95_s"].difference is None
    assert by_name(compare(off, on, seed=7))["tokens_spent"].difference is None


def test_the_same_seed_gives_the_same_interval(rows: SimpleNamespace):
    off = rows.an_arm([rows.a_request(n, finished_s=5002.0 + n + (n * 7919 % 101) / 50) for n in range(100)])
    on = rows.an_arm([rows.a_request(n, finished_s=5002.0 + n + (n * 104729 % 89) / 50) for n in range(100)], name="on")

    assert compare(off, on, 7) == compare(off, on, 7)
    assert compare(off, on, 7) != compare(off, on, 8)


def test_the_interval_of_dependent_requests_is_wider_than_that_of_independent_ones():
    """A stall that takes a stretch of the run is one event, not hundreds."""
    start_s, pair = np.arange(1000) / 20, np.ones(1000)
    steady = 1 + (np.arange(1000) * 7919 % 1000) / 1000
    slow = steady.copy()
    slow[300:360] += 5
    spread = steady.copy()
    spread[::17] += 5
    stalled = quantile_ratio(steady, slow, 0.95, start_s, pair, 7)
    even = quantile_ratio(steady, spread, 0.95, start_s, pair, 7)

    assert stalled.high - stalled.low > 2 * (even.high - even.low)
