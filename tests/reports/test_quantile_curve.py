"""The curve of quantile differences; that its points are right is in test_statistics_properties.py."""

from types import SimpleNamespace

from reports.compare import compare
from reports.quantile_curve import GRID, told_by


def test_a_quantile_needs_ten_requests_beyond_it():
    assert told_by(1000, 1000)[0] == 0.01
    assert told_by(1000, 1000)[-1] == 0.99
    assert told_by(2000, 2000)[-1] == 0.995
    assert told_by(10_000, 10_000) == list(GRID)
    assert (told_by(20, 20), told_by(19, 19)) == ([0.5], [])


def test_of_the_smallest_pair_one_request_at_least_is_beyond():
    """The slowest of fifty is no P99."""
    assert told_by(10_000, 50)[-1] == 0.98


def test_a_cache_shows_as_a_drop_on_the_left_and_nothing_on_the_right(rows: SimpleNamespace):
    off = [rows.a_request(n, finished_s=5002.0 + n + n / 100) for n in range(200)]
    on = [one if n % 2 else rows.a_request(n, finished_s=5000.1 + n) for n, one in enumerate(off)]
    found = compare(rows.an_arm(off), rows.an_arm(on, name="on"), seed=7).curve
    drop = {point.q: point for point in found.points}

    assert drop[0.2].high_s < -1.5
    assert abs(drop[0.95].difference_s) < 0.2
    assert (found.method, found.requests, found.pairs) == ("blocks", 200, None)


def test_too_few_requests_have_no_curve(rows: SimpleNamespace):
    few = [rows.a_request(n) for n in range(19)]

    assert compare(rows.an_arm(few), rows.an_arm(few, name="on"), seed=7).curve is None
