"""Time to recover: when users were served as before, once a window had ended."""

from dataclasses import replace
from math import ceil, comb
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.arm import Arm, Window
from reports.frames import gather
from reports.metrics import measure
from reports.recovery import wilson
from reports.time_to_recover import (
    BY_CHANCE,
    GROUP,
    NEVER_ENDED,
    NEXT_CAME,
    NONE_AFTER,
    NONE_BEFORE,
    NOT_BACK,
    recoveries,
)


def an_arm(rows: SimpleNamespace, outcomes: dict[int, Any], seconds: int = 100, windows: tuple[Window, ...] = ()) -> Arm:
    """Two requests a second for so long; by the second it is due in, what became of both: seconds, or an outcome."""
    requests = []
    for number in range(2 * seconds):
        due, told = 5000.0 + number / 2, outcomes.get(number // 2, 1.0)
        took, outcome = (told, "ok") if isinstance(told, float) else (1.0, told)
        requests.append(rows.a_request(number, intended_s=due, finished_s=due + took, outcome=outcome))
    return replace(rows.an_arm(requests), windows=windows)


def slow(low: int, high: int, took: Any = 5.0) -> dict[int, Any]:
    return dict.fromkeys(range(low, high), took)


def test_it_lasts_until_users_are_served_as_before(rows: SimpleNamespace):
    """The window ends at 40 s, and its queue is worked off at 55 s. One of 20 may be slow still: the last one is let pass."""
    (found,) = recoveries(an_arm(rows, slow(30, 55), windows=(Window("incident", 30, 40),)))

    assert (found.pair, found.faults, found.from_s, found.to_s, found.why) == (1, ("incident",), 30, 40, "")
    assert found.seconds == pytest.approx(14.5)
    assert found.group_s == pytest.approx((GROUP - 1) / 2)


def test_users_served_well_at_once_recover_with_the_next_request(rows: SimpleNamespace):
    (found,) = recoveries(an_arm(rows, slow(30, 40), windows=(Window("incident", 30, 39.8),)))

    assert found.seconds == pytest.approx(0.2)


def test_failures_keep_it_back_as_well(rows: SimpleNamespace):
    """No failure in the 60 requests before: at most 6 % are to be expected, and 6 % of 20 is one."""
    (found,) = recoveries(an_arm(rows, slow(40, 52, "http_error"), windows=(Window("incident", 30, 40),)))

    assert found.seconds == pytest.approx(11.5)


def test_what_was_slow_before_may_be_slow_after(rows: SimpleNamespace):
    before = slow(10, 15, 3.0)
    found = recoveries(an_arm(rows, before | slow(40, 50, 2.9), windows=(Window("incident", 30, 40),)))

    assert found[0].seconds == 0


def test_who_was_struck_by_the_window_is_not_its_before(rows: SimpleNamespace):
    """A request due before it that a retry carries into it shows the window, not the level."""
    outcomes = slow(28, 30, 9.0)
    requests = [
        rows.a_request(n, intended_s=5000 + n / 2, finished_s=5000 + n / 2 + outcomes.get(n // 2, 1.0)) for n in range(200)
    ]
    struck = [{"name": "incident", "kind": "answer"}]
    calls = [rows.a_call(f"p01-{n:06d}", 2, 503, struck, at_s=5030.5) for n in range(56, 60)]
    slow_after = [replace(one, finished_s=one.intended_s + 8.0) if 80 <= at < 100 else one for at, one in enumerate(requests)]
    windows = (Window("incident", 30, 40),)

    assert recoveries(replace(rows.an_arm(slow_after, calls), windows=windows))[0].seconds == pytest.approx(9.5)
    assert recoveries(replace(rows.an_arm(slow_after), windows=windows))[0].seconds == 0


def test_it_is_over_only_where_no_relapse_follows(rows: SimpleNamespace):
    """Served well at 40 s, as before; from 50 to 54 s the users fail: a breaker had opened once more."""
    window = (Window("incident", 30, 40),)
    relapse = slow(30, 40) | slow(50, 54, "http_error")
    (found,), (without,) = (recoveries(an_arm(rows, one, windows=window)) for one in (relapse, slow(30, 40)))

    print(f"a relapse of 4 s: {found.seconds} s, the first time {found.first_back_s} s; without it {without.seconds} s")
    assert (without.seconds, without.first_back_s) == (0, None)
    # One of the 20 may fail, as of the 60 before: the last that did.
    assert (found.seconds, found.first_back_s) == (pytest.approx(13.5), 0)


@pytest.mark.parametrize(("slow_s", "seconds", "first_back_s"), [(1, 0.0, None), (6, 45.5, 0.0)])
def test_two_slow_ones_in_a_long_calm_are_no_relapse(
    rows: SimpleNamespace, slow_s: int, seconds: float, first_back_s: float | None
):
    """Any 20 of so many may hold two by chance; 12 of 20 it does not explain."""
    late = slow(80, 80 + slow_s)
    (found,) = recoveries(an_arm(rows, slow(30, 40) | late, seconds=400, windows=(Window("incident", 30, 40),)))

    assert (found.seconds, found.first_back_s) == (pytest.approx(seconds), first_back_s)


def test_who_is_struck_by_the_ordinary_weather_later_is_no_relapse(rows: SimpleNamespace):
    """The same requests, bad through a fault of their own, and bad without one."""
    struck = [{"name": "weather", "kind": "answer"}]
    numbers = range(120, 132)
    calls = [rows.a_call(f"p01-{n:06d}", 1, 503, struck, at_s=5000.0 + n / 2) for n in numbers]
    arm = an_arm(rows, slow(60, 66, "http_error"), windows=(Window("incident", 30, 40),))
    requests = [
        rows.a_request(n, intended_s=5000 + n / 2, finished_s=5001 + n / 2, outcome="http_error" if n in numbers else "ok")
        for n in range(200)
    ]
    with_weather = replace(rows.an_arm(requests, calls), windows=arm.windows)

    assert [recoveries(one)[0].first_back_s for one in (arm, with_weather)] == [0, None]
    assert recoveries(with_weather)[0].seconds == 0


def test_a_relapse_at_the_very_end_leaves_it_unknown(rows: SimpleNamespace):
    (found,) = recoveries(an_arm(rows, slow(30, 40) | slow(92, 100, "cut"), windows=(Window("incident", 30, 40),)))

    assert (found.seconds, found.why, found.first_back_s) == (None, NOT_BACK, 0)


@pytest.mark.parametrize(
    ("outcomes", "windows", "why"),
    [
        ({}, [("a", 30, None)], NEVER_ENDED),
        ({}, [("a", 9, 20)], NONE_BEFORE),
        ({}, [("a", 0, 20)], NONE_BEFORE),
        ({}, [("a", 30, 91)], NONE_AFTER),
        ({}, [("a", 30, 200)], NONE_AFTER),
        (slow(30, 100), [("a", 30, 40)], NOT_BACK),
        (slow(30, 60), [("a", 30, 40), ("b", 55, 60)], NEXT_CAME),
        ({}, [("a", 30, 40), ("b", 45, 50)], NEXT_CAME),
    ],
)
def test_what_is_not_known_is_said_and_never_zero(rows: SimpleNamespace, outcomes: Any, windows: Any, why: str):
    arm = an_arm(rows, outcomes, windows=tuple(Window(*one) for one in windows))
    found = recoveries(arm)[0]

    assert (found.seconds, found.group_s, found.why) == (None, None, why)
    assert measure(arm)["time_to_recover_s"] is None


def test_the_metric_is_the_worst_window(rows: SimpleNamespace):
    windows = (Window("a", 30, 40), Window("b", 60, 65))
    arm = an_arm(rows, slow(30, 43) | slow(60, 72), windows=windows)

    assert [one.seconds for one in recoveries(arm)] == pytest.approx([2.5, 6.5])
    assert measure(arm)["time_to_recover_s"] == pytest.approx(6.5)


def test_without_a_window_there_is_nothing_to_tell(rows: SimpleNamespace):
    arm = an_arm(rows, {})

    assert recoveries(arm) == ()
    assert measure(arm)["time_to_recover_s"] is None


def test_each_pair_has_its_own_line(rows: SimpleNamespace):
    """The clock of each pair begins with its own first request."""
    pairs = [
        [
            rows.a_request(1000 * pair + n, pair=pair, intended_s=1000 * pair + n / 2, finished_s=1000 * pair + n / 2 + took)
            for n in range(160)
            for took in (5.0 if 60 <= n < calm_at else 1.0,)
        ]
        for pair, calm_at in ((1, 82), (2, 90))
    ]
    arm = rows.an_arm(pairs[0])
    arm = replace(arm, frames=gather([arm.frames, rows.an_arm(pairs[1]).frames]), windows=(Window("incident", 30, 40),))

    assert [(one.pair, one.seconds) for one in recoveries(arm)] == [(1, pytest.approx(0.5)), (2, pytest.approx(4.5))]


fates = st.sampled_from([0.5, 1.0, 1.5, 4.0, "cut", "rejected"])


@settings(deadline=None)
@given(st.lists(fates, min_size=20, max_size=60), st.lists(fates, max_size=60))
def test_it_agrees_with_looking_at_each_group_in_turn(rows: SimpleNamespace, before: list[Any], after: list[Any]):
    drawn = [*before, *["cut"] * 4, *after]
    requests = [
        rows.a_request(
            n,
            intended_s=float(n),
            finished_s=n + (one if isinstance(one, float) else 1.0),
            outcome=one if isinstance(one, str) else "ok",
            status=422,
        )
        for n, one in enumerate(drawn)
    ]
    calls = [rows.a_call(f"p01-{n:06d}", 1, 422, [{"name": "f", "kind": "answer"}], at_s=0.0) for n in range(len(drawn))]
    window = Window("incident", len(before), len(before) + 4)
    (found,) = recoveries(replace(rows.an_arm(requests, calls), windows=(window,)))

    def counted(told: list[Any], first: int) -> list[tuple[int, float, bool]]:
        return [(first + n, 10.0 if one == "cut" else one, one == "cut") for n, one in enumerate(told) if one != "rejected"]

    def p95(group: list[tuple[int, float, bool]]) -> float:
        return sorted(took for _, took, _ in group)[ceil(0.95 * GROUP) - 1]

    def groups(told: list[tuple[int, float, bool]]) -> list[list[tuple[int, float, bool]]]:
        return [told[at : at + GROUP] for at in range(len(told) - GROUP + 1)]

    calm, later = counted(before, 0), groups(counted(after, len(before) + 4))
    if len(calm) < GROUP or not later:
        assert found.seconds is None
        return
    most = wilson(sum(failed for *_, failed in calm), len(calm))[1] or 0.0
    level = max(map(p95, groups(calm)))
    # All of them were struck, before the window's end: whoever is bad after it counts for a relapse, and nobody before.
    share = wilson(0, len(calm))[1] or 0.0
    bad = [sum(failed or took > level for _, took, failed in one) for one in later]
    least = clear(share, len(later))
    worse = [at for at, count in enumerate(bad) if count >= least]
    later = later[max(worse, default=-1) + 1 :]
    good = [one for one in later if sum(failed for *_, failed in one) <= GROUP * most and p95(one) <= level]
    assert found.seconds == (pytest.approx(good[0][0][0] - len(before) - 4) if good else None)


def clear(share: float, groups: int) -> int:
    """The fewest bad ones of a group that chance puts into one of so many groups in less than 5 % of runs."""
    odds = [comb(GROUP, n) * share**n * (1 - share) ** (GROUP - n) for n in range(GROUP + 1)]
    return next(least for least in range(GROUP + 2) if groups * sum(odds[least:]) < BY_CHANCE)
