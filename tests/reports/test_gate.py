"""The gate's decision: five verdicts, look by look."""

from dataclasses import replace
from math import exp, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.gate import Gate, decide, doubted
from reports.look import LOOKS, Look, Pair, Rules

RULES = Rules(deadline_s=10.0)
ORDER = {"pass": 0, "inconclusive": 1, "fail": 2}


def pairs(*ratios: float, base_s: float = 1.0, **more: int) -> list[Pair]:
    return [Pair(number, base_s, base_s * ratio, 100, **more) for number, ratio in enumerate(ratios, 1)]


# Slower in all pairs but the fourth: what six pairs cannot tell, nine can.
LATE = [1.25, 1.3, 1.22, 0.99, 1.28, 1.31, 1.24, 1.27, 1.29]
# Never decided: they spread more widely than the tolerance.
EDGE = [0.85, 1.25, 0.9, 1.22, 0.82, 1.2, 0.88, 1.27, 0.86, 1.24, 0.91, 1.19]


@pytest.mark.parametrize(
    ("ratios", "state", "looks", "needs"),
    [
        ([1.0] * 6, "pass", 1, None),
        ([1.2] * 6, "fail", 1, None),
        ([1.0] * 12, "pass", 1, None),
        (LATE[:6], "inconclusive", 1, 9),
        (LATE[:8], "inconclusive", 1, 9),
        (LATE, "fail", 2, None),
        (EDGE[:9], "inconclusive", 2, 12),
        (EDGE, "inconclusive", 3, None),
        ([1.0] * 5, "inconclusive", 0, 6),
    ],
)
def test_look_by_look(ratios: list[float], state: str, looks: int, needs: int | None):
    gate = decide(pairs(*ratios), RULES)

    assert (gate.state, len(gate.looks), gate.needs) == (state, looks, needs)


@pytest.mark.parametrize(
    ("gate", "state", "code"),
    [
        (decide(pairs(*[1.0] * 6), RULES), "pass", 0),
        (decide(pairs(*[1.2] * 6), RULES), "fail", 3),
        (decide(pairs(*EDGE), RULES), "inconclusive", 4),
        (decide([], RULES), "vacuous", 4),
        (decide(pairs(*[1.0] * 6), RULES, invalid=["The machine was too busy."]), "invalid", 5),
    ],
)
def test_the_five_verdicts_and_their_exit_codes(gate: Gate, state: str, code: int):
    assert (gate.state, gate.exit_code) == (state, code)
    assert gate.reasons


def test_a_pair_without_a_shared_request_makes_it_vacuous():
    gate = decide([*pairs(*[1.0] * 5), Pair(6, 0.0, 0.0, 0)], RULES)

    assert (gate.state, gate.needs) == ("vacuous", None)
    assert gate.reasons == ("No request finished on both sides of pair 6.",)


def test_a_failure_is_told_with_its_figures():
    (told,) = decide(pairs(*[1.2] * 6), RULES).reasons

    assert told == (
        "P95 ratio 1.200 over 6 pairs, at least 1.200 and at most 1.200 (each 98.4 % sure); at most 1.100 is accepted."
    )


def test_more_failures_fail_a_faster_app_and_are_told():
    gate = decide(pairs(*[0.5] * 6, only_candidate_failed=1), RULES)

    assert gate.state == "fail"
    assert gate.reasons[1] == (
        "The share of failures grew by 1 points, at most 0.5 are accepted: of 600 requests 6 failed in the candidate only, "
        "0 in the base only (p = 0.016)."
    )


def test_fewer_failures_are_told_and_do_no_harm():
    gate = decide(pairs(*[1.0] * 6, only_base_failed=2), RULES)

    assert gate.state == "pass"
    assert "fell by 2 points: of 600 requests 0 failed in the candidate only, 12 in the base only" in gate.reasons[1]


def test_at_the_deadline_more_pairs_would_not_help():
    gate = decide(pairs(*[1.0] * 6, base_s=10.0), RULES)

    assert (gate.state, gate.needs) == ("inconclusive", None)
    assert "nothing slower could have been seen" in " ".join(gate.reasons)


def test_other_looks():
    rules = replace(RULES, looks=(Look(2, 0.25),))

    assert decide(pairs(1.0, 1.0), rules).state == "pass"
    assert decide(pairs(1.3, 1.2), rules).state == "fail"
    assert decide(pairs(1.3), rules).needs == 2


def test_what_is_missing_can_hide_a_slower_app_but_makes_none_good():
    doubt = ["Only 90 of 100 requests were recorded."]

    assert decide(pairs(*[1.0] * 6), RULES, doubts=doubt).state == "inconclusive"
    assert decide(pairs(*[1.2] * 6), RULES, doubts=doubt).state == "fail"
    assert doubted(decide(pairs(*[1.0] * 6), RULES), doubt).reasons[-1] == doubt[0]


@pytest.mark.parametrize(
    ("ratios", "expected", "outcome"),
    [
        ([1.0] * 6, "pass", "pass"),
        ([1.2] * 6, "pass", "fail"),
        ([1.2] * 6, "fail", "pass"),
        ([1.0] * 6, "fail", "fail"),
        (EDGE, "pass", "inconclusive"),
        (EDGE, "fail", "inconclusive"),
    ],
)
def test_a_gate_on_trial(ratios: list[float], expected: str, outcome: str):
    gate = replace(decide(pairs(*ratios), RULES, "base", "same"), expected=expected)

    assert gate.outcome == outcome
    assert gate.told.startswith(f"same against base, which must {expected}: {gate.state}. P95 ratio")


def test_the_smallest_effect_is_the_least_slowdown_that_would_have_failed():
    """Take out what was found, plant a slowdown into the same pairs: a little more than that fails, a little less does not."""
    gate = decide(pairs(*EDGE), RULES)
    assert gate.smallest_effect is not None
    flat = [ratio / gate.looks[-1].ratio for ratio in EDGE]
    last = replace(RULES, looks=LOOKS[-1:])

    for factor, state in ((1.001, "fail"), (0.999, "inconclusive")):
        slower = [one * (1 + gate.smallest_effect) * factor for one in flat]
        assert decide(pairs(*slower), last).state == state
    assert gate.reasons[-1] == f"The smallest slowdown it could have failed is ratio {1 + gate.smallest_effect:.3f}."


def test_the_smallest_effect_is_never_below_the_tolerance():
    assert decide(pairs(*[1.0] * 6), RULES).smallest_effect == pytest.approx(0.10)


log_ratios = st.floats(-1.5, 1.5)
some_pairs = st.sampled_from([6, 9, 12]).flatmap(lambda count: st.lists(log_ratios, min_size=count, max_size=count))


@settings(deadline=None)  # a busy machine is no failure
@given(some_pairs, st.floats(0, 0.5))
def test_it_never_passes_where_every_pair_is_slower_than_accepted(logs: list[float], tolerance: float):
    slower = [(1 + tolerance) * 1.000001 * exp(abs(one)) for one in logs]

    assert decide(pairs(*slower), Rules(1e9, tolerance)).state != "pass"


@settings(deadline=None)  # a busy machine is no failure
@given(some_pairs, st.floats(0, 0.5))
def test_it_never_fails_where_no_pair_is_slower_than_accepted(logs: list[float], tolerance: float):
    fast = [(1 + tolerance) * exp(-abs(one)) for one in logs]

    assert decide(pairs(*fast), Rules(1e9, tolerance)).state != "fail"


@settings(deadline=None)  # a busy machine is no failure
@given(some_pairs, st.data())
def test_slower_is_never_better(logs: list[float], data: st.DataObject):
    raised = data.draw(st.lists(st.floats(0, 1), min_size=len(logs), max_size=len(logs)))
    before = decide(pairs(*map(exp, logs)), Rules(1e9))
    after = decide(pairs(*(exp(one + more) for one, more in zip(logs, raised, strict=True))), Rules(1e9))

    assert ORDER[after.state] >= ORDER[before.state]


@settings(deadline=None)  # a busy machine is no failure
@given(some_pairs, st.floats(0.001, 1000))
def test_what_counts_is_the_ratio(logs: list[float], scale: float):
    ratios = [exp(round(one, 6)) for one in logs]
    here, there = (decide(pairs(*ratios, base_s=base_s), Rules(1e9)) for base_s in (1.0, scale))

    assert here.looks[-1].ratio == pytest.approx(there.looks[-1].ratio)
    # Rounding may move a pair across the tolerance where it stands on it.
    if all(abs(one - log(1.1)) > 1e-9 and abs(one) > 1e-9 for one in logs):
        assert here.state == there.state


@settings(deadline=None)  # a busy machine is no failure
@given(some_pairs)
def test_a_failure_has_reasons(logs: list[float]):
    gate = decide(pairs(*map(exp, logs)), Rules(1e9))
    if gate.state == "fail":
        assert gate.looks[-1].ratio > 1.1
        assert gate.looks[-1].p_slower <= gate.looks[-1].alpha
