"""Paired shares against the paper and against counting."""

from math import comb

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reports.proportions import mcnemar, newcombe


def test_newcombes_own_example():
    """36 twice yes, 12 and 2 changed sides, none twice no: method 10 gives 0.0569 to 0.3404."""
    assert newcombe(36, 12, 2, 0) == pytest.approx((0.0569, 0.3404), abs=5e-5)


@given(st.tuples(*[st.integers(0, 300)] * 4).filter(any))
def test_the_interval_holds_the_difference_and_mirrors(counts: tuple[int, int, int, int]):
    both, only_new, only_old, neither = counts
    low, high = newcombe(*counts)
    difference = (only_new - only_old) / sum(counts)

    assert -1 - 1e-12 <= low <= difference + 1e-12
    assert difference - 1e-12 <= high <= 1 + 1e-12
    assert newcombe(both, only_old, only_new, neither) == pytest.approx((-high, -low), abs=1e-12)


# Counted in whole numbers: scipy's binomtest says 0 where the answer is around 1e-260 and below, as in this example.
# No deadline: the first call imports scipy.
@settings(deadline=None)
@example(10, 1065)
@given(st.integers(0, 600), st.integers(0, 600))
def test_mcnemar_is_the_exact_test_of_a_coin(one: int, other: int):
    tosses = one + other
    as_few = sum(comb(tosses, heads) for heads in range(min(one, other) + 1))
    expected = min(1.0, 2 * as_few / 2**tosses)

    assert mcnemar(one, other) == pytest.approx(expected, rel=1e-9, abs=1e-300)
