"""Single requests, told to the token, and which of them are picked."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from records.folder import APP, MODEL
from reports.waterfall import MOST, Details, waterfalls
from tests.reports.fates import Fate, Step, an_arm_of, id_of

CUT = Step(faults=("cut",), end="cut")
FAILED, FINE = Fate((CUT,), "cut", None), Fate((Step(),))
RECOVERED = Fate((CUT, Step("retry")), served_by="retry")
STALLED = Fate((Step(faults=("stall",)),))


def groups(found: Details) -> dict[str, tuple[int, int]]:
    return {one.name: (one.shown, one.of) for one in found.groups}


def test_one_time_axis_from_the_intended_start():
    (found,) = waterfalls(an_arm_of([RECOVERED])).waterfalls
    first, second = found.tries
    (struck,) = found.struck

    assert (found.sent_s, found.first_token_s, found.finished_s) == pytest.approx((0.001, 0.7, 2.0))
    assert found.tokens_s[:3] == pytest.approx((0.7, 0.73, 0.76))
    assert len(found.tokens_s) == 40
    assert (first.started_s, first.first_token_s, first.finished_s) == pytest.approx((0.1, 0.2, 0.5))
    assert (second.attempt, second.reason, second.outcome, second.status) == (2, "retry", "ok", 200)
    assert (second.tokens_in, second.tokens_out) == (12, 40)
    assert (struck.fault, struck.attempt, struck.message, struck.at_s) == ("cut", 1, 3, pytest.approx(0.3))
    assert (found.saw, found.served_by, found.tokens_spent, found.tokens_wasted) == ("right in time", "retry", 104, 52)


def test_tokens_are_each_requests_own():
    """Those of the requests before it are not among them."""
    told = [
        FINE,
        Fate((CUT,), "http_error", None, tokens=0),
        Fate((CUT,), "cut", None, tokens=1),
        Fate((CUT,), "cut", None, tokens=3),
    ]
    found = {one.request_id: one for one in waterfalls(an_arm_of(told)).waterfalls}

    assert [len(found[id_of(number)].tokens_s) for number in (1, 2, 3, 4)] == [40, 0, 1, 3]
    assert found[id_of(4)].tokens_s == pytest.approx((0.7, 0.73, 0.76))
    assert found[id_of(2)].first_token_s is None


def test_what_nobody_tells_is_none():
    (found,) = waterfalls(
        an_arm_of([Fate((Step(status=503, faults=("answer",)),), "http_error", None)], without=(APP, MODEL))
    ).waterfalls
    (only,) = found.tries

    assert (found.tokens_spent, only.tokens_in, only.first_token_s) == (None, None, None)
    assert (only.reason, only.outcome, only.status) == ("first", "", 503)


def test_all_that_are_worth_a_look_are_shown_where_they_fit():
    found = waterfalls(an_arm_of([FINE] * 30 + [FAILED] * 5 + [RECOVERED] * 30 + [STALLED] * 3))

    assert groups(found) == {
        "failed": (5, 5), "slowest right": (20, 20), "recovered from cut": (30, 30), "recovered from stall": (3, 3),
    }  # fmt: skip
    assert found.sentence == ("Shown one by one: 5 failed, 20 slowest right, 30 recovered from cut, 3 recovered from stall.")
    assert found.left_out == 0


def test_the_slowest_are_the_slowest():
    told = [Fate((Step(),), took_s=1 + number / 100) for number in range(50)]

    shown = {one.request_id for one in waterfalls(an_arm_of(told)).waterfalls}
    assert shown == {id_of(number) for number in range(31, 51)}


def test_of_too_many_each_group_gets_its_part_and_it_is_said():
    found = waterfalls(an_arm_of([FAILED] * 300 + [FINE] * 30 + [RECOVERED] * 200 + [STALLED] * 4), most=100)

    assert groups(found) == {
        "failed": (50, 300), "slowest right": (20, 20), "recovered from cut": (26, 200), "recovered from stall": (4, 4),
    }  # fmt: skip
    assert "50 of 300 failed" in found.sentence
    assert "picked evenly over the run" in found.sentence
    assert found.left_out == 250 + 174


def test_failed_ones_get_the_room_that_the_others_leave():
    assert groups(waterfalls(an_arm_of([FAILED] * 300 + [STALLED] * 4), most=100)) == {
        "failed": (96, 300), "slowest right": (4, 4),
    }  # fmt: skip


def test_a_sample_is_spread_over_the_run():
    found = waterfalls(an_arm_of([FAILED] * 300), most=4)

    assert [one.request_id for one in found.waterfalls] == [id_of(number) for number in (1, 101, 200, 300)]


def test_nothing_to_look_at_says_nothing():
    found = waterfalls(an_arm_of([]))

    assert (found.waterfalls, found.groups, found.sentence) == ((), (), "")


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from([FAILED, FINE, RECOVERED, STALLED]), max_size=40), st.integers(4, 30))
def test_nobody_is_shown_twice_and_never_more_than_asked_for(told: list[Fate], most: int):
    found = waterfalls(an_arm_of(told), most)
    counted = Counter(one.request_id for one in found.waterfalls)

    assert set(counted.values()) <= {1}
    assert sum(counted.values()) == sum(one.shown for one in found.groups) <= min(most, MOST)
    assert sum(counted.values()) == min(most, sum(one.of for one in found.groups))
    assert all(0 < one.shown <= one.of for one in found.groups)
