"""One metric against another, by each way of knowing how sure the difference is."""

import numpy as np
import pytest

from reports.difference import interval, over_pairs, over_replicates, over_requests, plain

SIX = np.array([1.0, 1.1, 0.9, 1.2, 1.0, 1.3])


def test_what_is_unknown_on_one_side_has_no_difference():
    assert plain("p95_s", 1.0, None).difference is None
    assert plain("p95_s", 0.0, 1.0).ratio is None


def test_six_pairs_that_all_rose_leave_no_doubt():
    found = over_pairs(plain("p95_s", 1.1, 2.2), SIX, 2 * SIX)

    assert (found.ratio, found.ratio_low, found.ratio_high) == pytest.approx((2, 2, 2))
    assert (found.low, found.high) == pytest.approx((0.9, 1.3))
    assert (found.method, found.pairs, found.p_value) == ("signed_rank", 6, 2 / 64)


def test_what_is_shown_lies_within_its_interval_though_the_figures_of_all_requests_lie_elsewhere():
    """One pair of twelve met a storm: over all requests P95 rose eightfold, in the typical pair by a tenth."""
    old = np.linspace(1.0, 1.2, 12)
    new = np.append(1.1 * old[:-1], 40.0)
    found = over_pairs(plain("p95_s", 1.2, 9.6), old, new)

    assert (found.reference, found.other) == (1.2, 9.6)
    assert found.low <= found.difference <= found.high < 1
    assert found.ratio_low <= found.ratio <= found.ratio_high < 2


def test_five_pairs_that_know_the_metric_are_too_few():
    told = plain("p95_s", 1.0, 2.0)

    assert over_pairs(told, np.append(SIX[:5], np.nan), 2 * SIX) == told


def test_a_total_is_as_many_times_the_typical_pairs():
    found = over_pairs(plain("tokens_spent", 600.0, 660.0), 100 * np.ones(6), 110 * np.ones(6), times=6)

    assert (found.difference, found.low, found.high) == (60, 60, 60)
    assert found.ratio == pytest.approx(1.1)


def test_where_a_pair_has_zero_there_is_no_interval_of_the_ratio():
    found = over_pairs(plain("tokens_wasted", 6.0, 7.0), np.array([0.0, 1, 1, 1, 1, 2]), np.array([1.0, 1, 1, 1, 1, 2]))

    assert found.ratio == pytest.approx(7 / 6)
    assert found.ratio_low is None
    assert found.low == 0


def test_the_rounding_of_clocks_is_no_difference():
    """One arm began 4,000 s later on the run's clock: in every pair its last digits are others, always to the same side."""
    found = over_pairs(plain("p95_s", 2.0, 2.0), SIX, SIX + 4e-13)

    assert (found.difference, found.low, found.high, found.p_value) == (0, 0, 0, 1)
    assert (found.ratio, found.ratio_low, found.ratio_high) == (1, 1, 1)


def test_replicates_give_the_middle_95_percent():
    replicates = np.arange(1000.0)

    assert interval(replicates, 500.0) == (24, 974)
    assert interval(replicates, 990.0) == (24, 990)
    assert interval(replicates, 3.0) == (3, 974)
    assert interval(np.where(replicates < 60, np.nan, replicates), 500.0) == (None, None)


def test_a_ratio_without_a_base_is_left_out():
    found = over_replicates(plain("p95_s", 0.0, 2.0), np.zeros(1000), np.full(1000, 2.0))

    assert (found.difference, found.low, found.high) == (2, 2, 2)
    assert found.ratio is found.ratio_low is None


def test_a_share_is_compared_by_who_changed_sides():
    left = np.array([True] * 38 + [False] * 12)
    right = np.array([True] * 36 + [False] * 2 + [True] * 12)
    found = over_requests(plain("ok_share", 38 / 50, 48 / 50), left, right)

    assert (found.low, found.high) == pytest.approx((0.0569, 0.3404), abs=5e-5)
    assert found.p_value == pytest.approx(2 * (1 + 14 + 91) / 2**14)
    assert found.method == "newcombe"
