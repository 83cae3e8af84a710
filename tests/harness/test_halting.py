"""When chaos must end: values in, a sentence out."""

import pytest

from faults.plan import HaltIf
from harness.halting import Halting
from records.rows import OUTCOMES


def halting(outcomes, at_s=100.0, **limit):
    found = Halting(HaltIf(**{"error_share": 0.4, "over_s": 10.0, "at_least": 5} | limit))
    for n, outcome in enumerate(outcomes):
        found.add(at_s + n / 100, outcome)
    return found


def test_too_many_failures_are_told_with_the_figures():
    assert halting(["ok"] * 11 + ["timeout"] * 9).why(101.0) == (
        "9 of 20 users of the last 10 s got no right answer, 45.0 % where 40.0 % is the limit"
    )


def test_at_the_limit_it_goes_on():
    assert halting(["ok"] * 12 + ["timeout"] * 8).why(101.0) == ""


def test_of_too_few_users_nothing_is_concluded():
    assert halting(["cut"] * 4).why(101.0) == ""
    assert halting(["cut"] * 5).why(101.0)


def test_who_failed_long_ago_is_forgotten():
    found = halting(["cut"] * 10, at_s=100.0)
    for _ in range(10):
        found.add(109.0, "ok")

    assert found.why(109.5)
    assert found.why(110.2) == ""
    assert found.why(130.0) == ""


def test_rows_need_not_come_in_the_order_they_finished():
    found = halting(["cut"] * 10, at_s=105.0)
    found.add(90.0, "ok")
    assert found.why(106.0).startswith("10 of 10 users")


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_what_counts_as_a_failure(outcome):
    """What the row says, and who was cut off by the end of the test is no user at all."""
    found = halting(["ok"] * 3 + [outcome] * 3)
    failed = {"ok": False, "degraded": False, "rejected": False, "aborted": None}.get(outcome, True)

    assert bool(found.why(101.0)) == (failed is True)
    assert bool(halting(["cut"] * 4 + [outcome]).why(101.0)) == (failed is not None)
