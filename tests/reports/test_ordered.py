"""A column sorted once."""

import numpy as np

from reports.ordered import Ordered, ranks


def test_a_rank_is_not_moved_by_the_last_digit():
    """0.07 * 100 is 7.000000000000001: the seventh value all the same."""
    assert ranks(np.array(100), [0.07, 0.5, 0.95, 0.99, 1.0]).tolist() == [6, 49, 94, 98, 99]


def test_values_without_a_number_are_left_out():
    column = Ordered.of(np.array([3.0, np.nan, 1.0, 2.0]))

    assert column.values.tolist() == [1, 2, 3]
    assert column.order.tolist() == [2, 3, 0]
    assert column.quantiles([0.5, 1.0]).tolist() == [2, 3]


def test_nothing_has_no_quantile():
    nothing = Ordered.of(np.full(4, np.nan))

    assert np.isnan(nothing.quantiles([0.5])).all()
    assert np.isnan(nothing.in_groups(np.zeros(4, dtype=int), 2, [0.5, 0.9])).tolist() == [[True, True]] * 2


def test_each_group_has_its_own_quantiles():
    column = Ordered.of(np.array([5.0, 1.0, 9.0, 2.0, np.nan]))

    found = column.in_groups(np.array([0, 0, 1, 1, 2]), 3, [0.5, 1.0])
    assert found[:2].tolist() == [[1, 5], [2, 9]]
    assert np.isnan(found[2]).all()


def test_some_of_the_requests_need_no_new_sorting():
    column = Ordered.of(np.array([5.0, 1.0, 9.0, 2.0])).only(np.array([True, False, True, False]))

    assert (column.values.tolist(), column.order.tolist()) == ([5, 9], [0, 2])
