"""The model's timing: keyed, log-normal, cheap to ask for."""

from itertools import islice
from statistics import NormalDist, median, quantiles

from model_server.physics import Physics, first_token_s, gap_s, offsets_s


def keys(count: int) -> list[str]:
    return [f"p01-{number:06d}" for number in range(count)]


def test_a_request_has_its_timing_and_a_retry_has_its_own():
    """The same call gets the same timing in any order; another attempt, request or seed gets another."""
    first = first_token_s(Physics(), "p01-000001", 1)

    assert first == first_token_s(Physics(), "p01-000001", 1)
    assert first != first_token_s(Physics(), "p01-000001", 2)
    assert first != first_token_s(Physics(), "p01-000002", 1)
    assert first != first_token_s(Physics(seed=8), "p01-000001", 1)


def test_time_to_first_token_is_log_normal_around_its_median():
    """P50 and P95 of many requests are those of the formula."""
    times = [first_token_s(Physics(), key, 1) for key in keys(4000)]
    z95 = NormalDist().inv_cdf(0.95)

    assert abs(median(times) / 0.7 - 1) < 0.02
    assert abs(quantiles(times, n=20)[-1] / (0.7 * 2.718281828 ** (0.25 * z95)) - 1) < 0.03


def test_gaps_have_their_median_and_spread():
    """Gaps of one request differ, and gather around the median."""
    gaps = [gap_s(Physics(), number, key, 1) for key in keys(100) for number in range(1, 40)]

    assert len(set(gaps)) == len(gaps)
    assert abs(median(gaps) / 0.03 - 1) < 0.03


def test_without_spread_the_medians_are_exact():
    physics = Physics(first_token_s=0.2, first_token_sigma=0, gap_s=0.05, gap_sigma=0)

    assert [round(at, 9) for at in islice(offsets_s(physics, "p01-000001", 1), 3)] == [0.2, 0.25, 0.3]


def test_offsets_sum_first_token_and_gaps():
    physics, key = Physics(), "p01-000009"

    third = list(islice(offsets_s(physics, key, 2), 3))[2]

    assert third == first_token_s(physics, key, 2) + gap_s(physics, 1, key, 2) + gap_s(physics, 2, key, 2)
