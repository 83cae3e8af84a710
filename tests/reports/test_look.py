"""One look: what so many pairs say of a candidate against its base."""

from math import exp, log

import pytest
from scipy.stats import binomtest, wilcoxon

from reports.look import LOOKS, Pair, Rules, failures_of, look_at

RULES = Rules(deadline_s=10.0)


def pairs(*ratios: float, base_s: float = 1.0, **more: int) -> list[Pair]:
    return [Pair(number, base_s, base_s * ratio, 100, **more) for number, ratio in enumerate(ratios, 1)]


def test_the_looks_are_those_of_the_design():
    assert [(look.pairs, look.alpha) for look in LOOKS] == [(6, 0.016), (9, 0.02), (12, 0.03)]


@pytest.mark.parametrize(
    ("ratios", "state"),
    [
        ([1.0] * 6, "pass"),
        ([1.1] * 6, "pass"),
        ([1.11] * 6, "fail"),
        ([1.3, 1.2, 1.2, 1.4, 1.2, 1.3], "fail"),
        ([0.7] * 6, "pass"),
        # One pair that was faster: too few for so much certainty, however slow the others are.
        ([1.3, 1.2, 1.2, 1.4, 0.99, 1.3], "open"),
        # Surely slower, and by less than is accepted.
        ([1.04, 1.05, 1.05, 1.06, 1.05, 1.04], "pass"),
        # One pair above the tolerance: 6 pairs cannot exclude that it is typical.
        ([1.0, 1.0, 1.0, 1.0, 1.0, 1.2], "open"),
    ],
)
def test_six_pairs(ratios: list[float], state: str):
    assert look_at(pairs(*ratios), 0.016, RULES).state == state


def test_the_figures_are_those_of_scipy():
    ratios = [1.02, 1.13, 0.97, 1.21, 1.08, 1.16, 1.01, 0.99, 1.11]
    seen = look_at(pairs(*ratios), 0.02, RULES)
    logs = [log(ratio) for ratio in ratios]
    walsh = sorted((a + b) / 2 for at, a in enumerate(logs) for b in logs[at:])

    assert seen.p_slower == pytest.approx(wilcoxon(logs, alternative="greater", method="exact").pvalue)
    assert seen.ratio == pytest.approx(exp(walsh[len(walsh) // 2]))
    # Inverted: a shift by the bound is just not rejected, one a little smaller is.
    assert seen.low is not None
    assert rejected(logs, log(seen.low) - 1e-9, 0.02)
    assert not rejected(logs, log(seen.low) + 1e-9, 0.02)


def rejected(logs: list[float], shift: float, alpha: float) -> bool:
    moved = [one - shift for one in logs]
    return bool(wilcoxon(moved, alternative="greater", method="exact").pvalue <= alpha)


def test_more_pairs_can_tell_what_fewer_cannot():
    ratios = [1.25, 1.3, 1.22, 0.99, 1.28, 1.31, 1.24, 1.27, 1.29]

    assert look_at(pairs(*ratios[:6]), 0.016, RULES).state == "open"
    assert look_at(pairs(*ratios), 0.02, RULES).state == "fail"


def test_failures_are_mcnemars_exact_test_over_all_pairs():
    found = failures_of([*pairs(1.0, 1.0, only_base_failed=1, only_candidate_failed=4), *pairs(1.0, only_candidate_failed=1)])

    assert (found.requests, found.only_base, found.only_candidate) == (300, 2, 9)
    assert found.growth == pytest.approx(7 / 300)
    assert found.p_more == pytest.approx(binomtest(9, 11, 0.5, alternative="greater").pvalue)


def test_without_a_change_of_sides_there_is_nothing_to_test():
    found = failures_of(pairs(1.0))

    assert (found.growth, found.p_more) == (0, 1)


@pytest.mark.parametrize(
    ("only_base", "only_candidate", "state"),
    [
        (0, 0, "pass"),
        (3, 0, "pass"),
        # 6 of 600: twice of what may be, and surely so.
        (0, 1, "fail"),
        # 6 more of 600 as well, but as many as 18 changed sides: not surely so, and not good either.
        (1, 2, "open"),
        (3, 3, "pass"),
    ],
)
def test_a_faster_app_that_fails_more_does_not_pass(only_base: int, only_candidate: int, state: str):
    found = look_at(pairs(*[0.5] * 6, only_base_failed=only_base, only_candidate_failed=only_candidate), 0.016, RULES)

    assert found.state == state


def test_how_much_failures_may_grow_can_be_set():
    more = pairs(*[1.0] * 6, only_candidate_failed=1)

    assert look_at(more, 0.016, Rules(10.0, failure_tolerance=0.01)).state == "pass"


def test_a_pair_at_the_deadline_on_both_sides_has_not_been_seen():
    """P95 cannot exceed the deadline: equal is then no good news."""
    seen = look_at(pairs(*[1.0] * 6, base_s=10.0), 0.016, RULES)

    assert (seen.state, seen.unseen, seen.high) == ("open", 6, None)
    assert seen.is_blind


def test_a_pair_near_the_deadline_cannot_show_a_slowdown_either():
    """9.5 s may become 10 s at most, which would be within the tolerance."""
    seen = look_at(pairs(*[10 / 9.5] * 6, base_s=9.5), 0.016, RULES)

    assert (seen.state, seen.unseen) == ("open", 6)


def test_a_candidate_below_the_deadline_has_been_seen():
    assert look_at(pairs(*[0.5] * 6, base_s=10.0), 0.016, RULES).state == "pass"


def test_a_candidate_that_fell_to_the_deadline_has_been_seen():
    assert look_at(pairs(*[5.0] * 6, base_s=2.0), 0.016, RULES).state == "fail"


def test_one_unseen_pair_of_twelve_is_no_veto():
    """It may be slower by any factor: of twelve pairs one may be so, of six none."""
    calm = pairs(*[1.0] * 11)
    unseen = Pair(12, 10.0, 10.0, 100)

    assert look_at([*calm, unseen], 0.03, RULES).state == "pass"
    assert look_at([*calm[:5], unseen], 0.016, RULES).state == "open"
    assert not look_at([*calm[:5], unseen], 0.016, RULES).is_blind
