"""The shift between pairs against the textbook."""

import numpy as np
import pytest

from reports.signed_rank import hodges_lehmann, lower_bound, rank_of_bound, shifts, upper_bound

BEFORE = (1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30)
AFTER = (0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29)


def test_hollander_and_wolfes_own_example():
    """Example 3.1, nine patients before and after: P(T+ <= 5) = 0.0195, shift -0.46, interval -0.786 to -0.010."""
    found = hodges_lehmann(np.subtract(AFTER, BEFORE))

    assert found.p_less == pytest.approx(0.01953, abs=5e-6)
    assert found.estimate == pytest.approx(-0.46)
    assert (found.low, found.high) == pytest.approx((-0.786, -0.010))
    assert found.n == 9


def test_the_ranks_of_the_tables():
    """The largest sum of ranks that is significant at 5 %, two-sided, as every textbook prints it; one less than the rank."""
    printed = {6: 0, 7: 2, 8: 3, 9: 5, 10: 8, 12: 13, 15: 25, 20: 52, 25: 89}

    assert {n: rank_of_bound(n, 0.025) - 1 for n in printed} == printed


def test_five_values_are_too_few_for_95_percent():
    found = hodges_lehmann([0.1, 0.2, 0.3, 0.4, 0.5])

    assert found.estimate == pytest.approx(0.3)
    assert found.low is found.high is None
    assert (found.p_greater, found.p_two_sided) == (1 / 32, 1 / 16)


def test_six_values_allow_a_bound_at_one_in_64_and_no_surer_one():
    """The first look of the gate: all six slower is what it takes, and the least of them is the bound."""
    values = [0.3, 0.1, 0.2, 0.25, 0.4, 0.15]

    assert hodges_lehmann(values).p_greater == 1 / 64
    assert (lower_bound(values, 0.016), upper_bound(values, 0.016)) == (0.1, 0.4)
    assert lower_bound(values, 1 / 64) == 0.1
    assert lower_bound(values, 0.0156) is None
    assert upper_bound(values, 0.0156) is None


def test_values_that_are_all_zero_are_no_surprise():
    found = hodges_lehmann([0.0] * 8)

    assert (found.estimate, found.low, found.high) == (0, 0, 0)
    assert found.p_greater == found.p_less == found.p_two_sided == 1


def test_a_zero_that_falls_never_makes_the_whole_look_further_above_zero():
    """Pratt's example of 1959: with zeros dropped before the ranking, p is 0.0171 for the first and 0.0133 for the second."""
    others = [2, 3, 4, 6, 7, 8, 9, 11, 14, 15, 17, -18]
    with_zero, fallen, risen = (hodges_lehmann([first, *others]).p_greater for first in (0, -0.5, 0.5))

    assert hodges_lehmann(others).p_greater == pytest.approx(0.0171, abs=5e-5)
    assert (fallen, with_zero, risen) == pytest.approx((0.0133, 0.0120, 0.0107), abs=5e-5)


def test_many_columns_at_once_are_each_as_if_alone():
    table = np.random.default_rng(5).normal(size=(9, 4))
    table[3, 2] = np.nan
    found = shifts(table)

    for column in (0, 1, 3):
        alone = hodges_lehmann(table[:, column])
        assert (found.estimate[column], found.low[column], found.high[column]) == (alone.estimate, alone.low, alone.high)
    assert np.isnan([found.estimate[2], found.low[2], found.high[2]]).all()
    assert shifts(table[:5]).low is None


def test_hundreds_of_values_do_not_take_long_or_lose_their_digits():
    found = hodges_lehmann(np.arange(1.0, 301.0))

    assert found.p_greater == 0.5**300
    assert found.low < found.estimate == 150.5 < found.high


@pytest.mark.parametrize("values", [[], [1.0, float("nan")], [float("inf")], [[1.0, 2.0]]])
def test_what_is_no_list_of_numbers_is_refused(values: list[float]):
    with pytest.raises(ValueError, match="finite numbers"):
        hodges_lehmann(values)
