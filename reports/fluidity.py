"""Fluidity: how many of its tokens' deadlines an answer kept, as someone who reads along would feel it.

The fluidity-index of Agrawal et al. ("Etalon", first "Metron", 2024, arXiv:2407.07000; its algorithm as printed in
arXiv:2507.09019). Token i is due at the first token's target plus i times the target between tokens. What comes early gives
slack to those after it. A late token has missed its own deadline and, for every further target that passed while it was
awaited, one more; the deadlines of those after it count from when it came. The index is 1 - missed / all deadlines.
"""

from typing import Any

import numpy as np

from reports.frames import Gaps
from reports.goodput import Goodput

Values = np.ndarray[Any, Any]

AT_ONCE = 50_000
"""Requests whose tokens are looked at together: all at once, the tokens of a large run would not fit into memory twice."""


def fluidity(first_s: Values, gaps: Gaps, goodput: Goodput) -> Values:
    """The index of each request, from its seconds to the first token and its gaps; NaN where there is no token.

    Unknown throughout where either target is not given.
    """
    if goodput.ttft_s is None or goodput.gap_s is None:
        return np.full(len(first_s), np.nan)
    first_us, gap_us = round(goodput.ttft_s * 1e6), round(goodput.gap_s * 1e6)
    begins = range(0, len(first_s), AT_ONCE)
    found = [_index(*_cut(first_s, gaps, begin), first_us, gap_us) for begin in begins]
    return np.concatenate(found) if found else np.zeros(0)


def _cut(first_s: Values, gaps: Gaps, begin: int) -> tuple[Values, Gaps]:
    """The requests from this one on, as many as are looked at together."""
    ends = gaps.ends[begin : begin + AT_ONCE]
    start = int(gaps.ends[begin - 1]) if begin else 0
    return first_s[begin : begin + AT_ONCE], Gaps(gaps.us[start : int(ends[-1])], ends - start)


def _index(first_s: Values, gaps: Gaps, first_us: int, gap_us: int) -> Values:
    """How late each token is, laid end to end behind a zero for each request: a miss is one later than all before it.

    That is the algorithm without its loop: slack never runs out but by a miss, and a miss moves all deadlines by as much as
    its token was late. So the token before it that was latest, or the zero, is what all of them now stand by.
    """
    has_token = ~np.isnan(first_s)
    lengths = np.diff(gaps.ends, prepend=0) + 2
    zeros = np.cumsum(lengths) - lengths
    steps = np.empty(int(lengths.sum()), dtype=np.int64)
    is_gap = np.ones(len(steps), dtype=bool)
    is_gap[zeros] = is_gap[zeros + 1] = False
    steps[is_gap] = gaps.us
    steps[is_gap] -= gap_us
    steps[zeros] = 0
    steps[zeros + 1] = np.where(has_token, np.round(np.nan_to_num(first_s) * 1e6).astype(np.int64) - first_us, 0)
    excess = _excess(steps, zeros, lengths)
    missed = np.where(excess > 0, excess // gap_us + 1, 0)
    late = np.add.reduceat((excess > 0).astype(np.int64), zeros)
    missed = np.add.reduceat(missed, zeros)
    return np.where(has_token, 1 - missed / (lengths - 1 - late + missed), np.nan)


def _excess(steps: Values, zeros: Values, lengths: Values) -> Values:
    """By how much each token is later than all of its request before it; 0 where it is not."""
    late = np.cumsum(steps)
    late -= np.repeat(late[zeros], lengths)
    np.maximum(late, 0, out=late)
    # Each request is lifted above the one before it, so that one running maximum does for all.
    lift = np.arange(len(zeros), dtype=np.int64) * (int(late.max()) + 1)
    late += np.repeat(lift, lengths)
    latest = np.maximum.accumulate(late, out=late)
    excess = np.diff(latest, prepend=0)
    excess[zeros] = 0
    return excess
