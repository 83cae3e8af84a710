from statistics import fmean

import pytest

from records.chance import between, draw, normal


def test_the_same_question_gets_the_same_answer():
    assert draw(7, "cut", "p01-000417", 1) == draw(7, "cut", "p01-000417", 1)


@pytest.mark.parametrize(
    "other",
    [(8, "cut", "p01-000417", 1), (7, "stall", "p01-000417", 1), (7, "cut", "p01-000418", 1), (7, "cut", "p01-000417", 2)],
)
def test_every_part_of_the_key_counts(other):
    assert draw(7, "cut", "p01-000417", 1) != draw(*other)


def test_draws_are_uniform():
    drawn = [draw(7, "cut", f"p01-{n:06d}") for n in range(20_000)]

    assert min(drawn) >= 0 and max(drawn) < 1
    assert fmean(drawn) == pytest.approx(0.5, abs=0.01)
    assert sum(share < 0.12 for share in drawn) / len(drawn) == pytest.approx(0.12, abs=0.01)


def test_a_range_of_whole_numbers_holds_both_ends():
    assert {between(3, 7, n / 1000) for n in range(1000)} == {3, 4, 5, 6, 7}


def test_a_range_of_booleans_is_a_coin():
    drawn = [bool(between(False, True, n / 1000)) for n in range(1000)]

    assert sum(drawn) == 500


def test_a_range_of_floats_stays_inside():
    assert between(0.5, 1.5, 0.0) == 0.5
    assert between(0.5, 1.5, 0.25) == 0.75


def test_the_normal_quantile_is_finite_at_the_ends():
    assert normal(0.5) == pytest.approx(0)
    assert -10 < normal(0.0) < normal(1.0) < 10
