"""What became of those who met a fault."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from reports.recovery import by_fault, by_kind, landings, overall, wilson

CUT, BUSY, BAD = {"name": "cut", "kind": "cut"}, {"name": "busy", "kind": "answer"}, {"name": "bad", "kind": "answer"}


@given(st.integers(0, 5000), st.integers(1, 5000))
def test_wilson_is_scipys(successes: int, trials: int):
    successes = min(successes, trials)
    theirs = binomtest(successes, trials).proportion_ci(method="wilson")

    assert wilson(successes, trials) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_forty_of_forty_is_at_least_91_percent():
    low, high = wilson(40, 40)

    assert low == pytest.approx(0.912, abs=5e-4)
    assert high == 1


def test_each_request_counts_once_however_often_it_was_struck(rows: SimpleNamespace):
    requests = [
        rows.a_request(1),
        rows.a_request(2, outcome="cut"),
        rows.a_request(3, outcome="rejected", status=422),
        rows.a_request(4),
    ]
    calls = [
        rows.a_call("p01-000001", 1, faults=[CUT]),
        rows.a_call("p01-000001", 2, faults=[CUT, BUSY]),
        rows.a_call("p01-000002", 1, faults=[CUT]),
        rows.a_call("p01-000003", 1, status=422, faults=[BAD]),
        rows.a_call("p01-000004", 1),
    ]
    arm = rows.an_arm(requests, calls)

    assert [(one.name, one.met, one.recovered, one.rejected, one.failed) for one in by_fault(arm)] == [
        ("bad", 1, 0, 1, 0),
        ("busy", 1, 1, 0, 0),
        ("cut", 2, 1, 0, 1),
    ]
    assert [(one.name, one.met, one.recovered) for one in by_kind(arm)] == [("answer", 2, 1), ("cut", 2, 1)]
    assert (overall(arm).met, overall(arm).share) == (3, 0.5)


def test_a_right_answer_after_the_deadline_is_no_recovery(rows: SimpleNamespace):
    late = rows.a_request(1, intended_s=5000.0, finished_s=5010.5)

    assert overall(rows.an_arm([late], [rows.a_call("p01-000001", faults=[CUT])])).failed == 1


def test_only_rejected_ones_leave_the_share_unknown(rows: SimpleNamespace):
    arm = rows.an_arm(
        [rows.a_request(1, outcome="rejected", status=422)], [rows.a_call("p01-000001", status=422, faults=[BAD])]
    )

    assert by_fault(arm)[0].share is None


def test_an_arm_that_met_nothing_has_no_share(rows: SimpleNamespace):
    assert overall(rows.an_arm([rows.a_request(1)])).share is None


def test_a_fault_that_its_plan_keeps_switched_off_was_to_strike_nothing(rows: SimpleNamespace):
    plan = [
        {"name": "bad", "kind": "answer", "share": 0.1, "on": False},
        {"name": "cut", "kind": "cut", "share": 0.1, "on": True},
    ]

    assert [one.share for one in landings(rows.an_arm([rows.a_request(1)]), plan)] == [0, 0.1]


def test_a_planned_fault_that_never_struck_is_listed_with_nothing(rows: SimpleNamespace):
    arm = rows.an_arm([rows.a_request(1)], [rows.a_call("p01-000001", faults=[CUT])])
    found = landings(arm, [{"name": "bad", "kind": "answer", "share": 0.1}])

    assert [(one.name, one.share, one.struck, one.requests) for one in found] == [("bad", 0.1, 0, 0), ("cut", None, 1, 1)]
