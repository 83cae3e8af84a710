"""Arms side by side."""

from types import SimpleNamespace

import numpy as np
import pytest

from reports.compare import LEAST, compare, quantile_ratio


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
