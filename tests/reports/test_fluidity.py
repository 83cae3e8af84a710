"""The fluidity-index against cases checked by hand, and against its algorithm as it is printed, token by token."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import fluidity as module
from reports.fluidity import fluidity
from reports.frames import Gaps
from reports.goodput import Goodput

GOODPUT = Goodput(ttft_s=0.5, gap_s=0.1)


def indexes(answers: list[tuple[float | None, list[int]]], goodput: Goodput = GOODPUT) -> list[float]:
    """Each answer: seconds to its first token, and its gaps in microseconds."""
    first_s = np.array([first for first, _ in answers], dtype=float)
    us = np.array([gap for _, gaps in answers for gap in gaps], dtype=np.int32)
    return list(fluidity(first_s, Gaps(us, np.cumsum([len(gaps) for _, gaps in answers], dtype=np.int64)), goodput))


def as_printed(times_us: list[int], first_us: int, gap_us: int) -> float:
    """Agrawal et al., the algorithm of the fluidity-index: with its slack, and a loop over the tokens of one request."""
    total, missed, slack = 0, 0, 0
    for number, time in enumerate(times_us):
        deadline = gap_us if number else first_us
        if time <= deadline + slack:
            slack += deadline - time
            total += 1
        else:
            misses = (time - slack - deadline) // gap_us + 1
            missed += misses
            total += misses
            slack = 0
    return 1 - missed / total


@pytest.mark.parametrize(
    ("first_s", "gaps_us", "told"),
    [
        (0.5, [100_000] * 9, 1.0),  # every token at its deadline
        (0.2, [100_000, 400_000], 1.0),  # 300 ms of slack, used up to the last
        (0.2, [100_000, 400_001], 2 / 3),  # and one microsecond more
        (0.51, [], 0.0),  # late by less than one gap: one deadline, missed
        (0.7, [], 0.0),  # three deadlines missed: a share, so still none kept
        (0.5, [350_000, 100_000, 100_000], 3 / 6),  # a stall over three deadlines; those after it count from its end
        (0.5, [200_000, 1, 100_000], 3 / 5),  # a late token spends its slack: the two missed, then all kept
        (None, [], float("nan")),
    ],
)
def test_cases_checked_by_hand(first_s: float | None, gaps_us: list[int], told: float):
    assert indexes([(first_s, gaps_us)]) == pytest.approx([told], nan_ok=True)


def test_the_same_stall_hurts_early_and_is_absorbed_late():
    """What the index is there for: P95 and mean of the gaps are the same."""
    early, late = indexes([(0.5, [400_000, *[50_000] * 9]), (0.5, [*[50_000] * 9, 400_000])])

    assert (early, late) == (pytest.approx(10 / 14), 1.0)


answers = st.tuples(st.one_of(st.none(), st.integers(0, 3_000_000)), st.lists(st.integers(0, 700_000), max_size=25))


@given(st.lists(answers, min_size=1, max_size=12), st.integers(1_000, 1_000_000), st.integers(1_000, 300_000))
def test_all_at_once_is_as_one_by_one(drawn: list[tuple[int | None, list[int]]], first_us: int, gap_us: int):
    told = [(None if first is None else first / 1e6, [] if first is None else gaps) for first, gaps in drawn]
    found = indexes(told, Goodput(ttft_s=first_us / 1e6, gap_s=gap_us / 1e6))

    for (first, gaps), index in zip(drawn, found, strict=True):
        assert isnan(index) if first is None else index == pytest.approx(as_printed([first, *gaps], first_us, gap_us))


def test_looked_at_in_parts_they_are_the_same(monkeypatch: pytest.MonkeyPatch):
    drawn = [(0.1 * n, [30_000 * ((n * k) % 9) for k in range(n)]) for n in range(11)]
    whole = indexes(drawn)
    monkeypatch.setattr(module, "AT_ONCE", 3)

    assert indexes(drawn) == whole


@pytest.mark.parametrize("goodput", [Goodput(ttft_s=1.0), Goodput(gap_s=1.0), Goodput(total_s=1.0)])
def test_without_both_targets_it_is_unknown(goodput: Goodput):
    assert all(map(isnan, indexes([(0.5, [1]), (0.5, [])], goodput)))


def test_without_requests_there_is_nothing():
    assert indexes([]) == []
