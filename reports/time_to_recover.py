"""How long it took, once faults had ceased, until users were served as before them.

Definition. A window is a stretch of time in which faults could strike: planned, or ended by a change while the arm ran; those
that touch are one. The level is what requests due before the first window showed: the share of failures, and the P95 of every
20 of them due in succession. After a window, the figures are back with the first 20 requests in succession that have no more
failures than the upper end of the level's interval (Wilson, 95 %) allows, and no longer P95 than the worst 20 before; and
after which no relapse follows. Told is the time from the window's end until the first of these was due.

Relapse. 20 requests in succession, before the next window, of whom more were bad (failed, or waited longer than that P95) than
chance puts into any 20 of so many in 95 % of runs, by the upper end of the share of bad ones before. It must be as clear as
that, or one slow request in a long calm would undo a recovery. Who was struck himself after the window met the ordinary
weather, which is no aftermath.

Resolution. Nothing shorter than these 20 requests last (`group_s`) can be told apart, and one slow request among them is let
pass. A failure counts as the deadline; who was rightly rejected is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import comb, inf
from typing import Any

import numpy as np
import pandas as pd

from reports.arm import Arm
from reports.fault_windows import Stretch, stretches
from reports.frames import NOWHERE
from reports.recovery import wilson

Values = np.ndarray[Any, Any]

GROUP = 20
"""The fewest of which P95 is not simply the worst."""
RANK = 18
"""Where the P95 of so many stands among them, by nearest rank, counted from 0."""
AT_ONCE = 50_000
BY_CHANCE = 0.05
"""How often chance alone may be taken for a relapse, over all groups after a window."""

NEVER_ENDED = "the window never ended"
NONE_AFTER = f"fewer than {GROUP} requests were due after it"
NONE_BEFORE = f"fewer than {GROUP} requests were due before the first window"
NEXT_CAME = "the next window began before it was over"
NOT_BACK = "the figures were not back when the run ended"


@dataclass(frozen=True)
class TimeToRecover:
    """One window of one pair, and how long its aftermath lasted; times count from the pair's first intended start."""

    pair: int
    faults: tuple[str, ...]
    from_s: float
    to_s: float | None
    """None where it never ended."""
    seconds: float | None
    """From the window's end until users were served as before the first window; None where that is not known."""
    group_s: float | None = None
    """How long the requests lasted by which that was judged: what is shorter cannot be told."""
    why: str = ""
    """Why it is not known."""
    first_back_s: float | None = None
    """Until they were served as before for the first time, where a relapse followed; None where none did."""


@dataclass(frozen=True)
class Level:
    """What 20 requests in succession may show, to be as good as before."""

    failures: float
    p95_s: float
    bad_share: float
    """How many of all, at most, fail or wait longer than that without a fault of their own."""


def recoveries(arm: Arm) -> tuple[TimeToRecover, ...]:
    """One line for each window of each pair, in the order of time."""
    if not (arm.windows or arm.changes):
        return ()
    rows = _ordered(arm)
    pairs = [int(pair) for pair in np.unique(arm.rows["pair"])]
    return tuple(one for pair in pairs for one in _of_pair(arm, pair, rows[rows["pair"] == pair]))


def _ordered(arm: Arm) -> pd.DataFrame:
    """The requests as they were due, without those rejected; struck_s: when a fault struck last, if one did."""
    rows, strikes = arm.rows, arm.strikes[arm.strikes["at"] != NOWHERE]
    struck_s = np.full(len(rows), -inf)
    np.maximum.at(struck_s, strikes["at"].to_numpy(), strikes["start_s"].to_numpy())
    found = rows[["pair", "start_s", "effective_s", "failed"]].assign(struck_s=struck_s)
    return found[(rows["outcome"] != "rejected").to_numpy()].sort_values("start_s", kind="stable")


def _of_pair(arm: Arm, pair: int, rows: pd.DataFrame) -> Iterator[TimeToRecover]:
    windows = stretches(arm, pair)
    if not windows:
        return
    level = _level(rows, windows[0].from_s)
    nexts = [one.from_s for one in windows[1:]] + [inf]
    for window, next_s in zip(windows, nexts, strict=True):
        yield _one(window, pair, rows, level, next_s)


def _one(window: Stretch, pair: int, rows: pd.DataFrame, level: Level | None, next_s: float) -> TimeToRecover:
    to_s = None if window.to_s == inf else window.to_s

    def told(seconds: float | None, group_s: float | None = None, why: str = "", first: float | None = None) -> TimeToRecover:
        return TimeToRecover(pair, window.faults, window.from_s, to_s, seconds, group_s, why, first)

    if to_s is None:
        return told(None, why=NEVER_ENDED)
    if level is None:
        return told(None, why=NONE_BEFORE)
    start_s = rows["start_s"].to_numpy()
    first, last = np.searchsorted(start_s, [to_s, next_s])
    if last - first < GROUP:
        return told(None, why=NONE_AFTER if next_s == inf else NEXT_CAME)
    after = rows.iloc[first:last]
    once, back = _first_back(after, level), _first_back(after, level, _after_relapses(after, level, to_s))
    first_s = None if once is None or once == back else float(start_s[first + once] - to_s)
    if back is None:
        return told(None, why=NOT_BACK if next_s == inf else NEXT_CAME, first=first_s)
    began_s, ended_s = start_s[first + back], start_s[first + back + GROUP - 1]
    return told(float(began_s - to_s), float(ended_s - began_s), first=first_s)


def _level(rows: pd.DataFrame, first_s: float) -> Level | None:
    """Of the requests due before the first window that nothing struck in it."""
    before = rows[(rows["start_s"] < first_s) & (rows["struck_s"] < first_s)]
    if len(before) < GROUP:
        return None
    _, most = wilson(int(before["failed"].sum()), len(before))
    assert most is not None
    p95_s = max(float(one.max()) for one in _p95s(before["effective_s"].to_numpy()))
    bad = _bad(before, p95_s) & (before["struck_s"] == -inf).to_numpy()
    _, most_bad = wilson(int(bad.sum()), len(before))
    assert most_bad is not None
    return Level(GROUP * most, p95_s, most_bad)


def _bad(rows: pd.DataFrame, p95_s: float) -> Values:
    return np.asarray(rows["failed"].to_numpy() | (rows["effective_s"].to_numpy() > p95_s))


def _in_groups(bad: Values) -> Values:
    """How many of each group in succession."""
    return np.convolve(bad.astype(np.int64), np.ones(GROUP, dtype=np.int64), "valid")


def _after_relapses(rows: pd.DataFrame, level: Level, to_s: float) -> int:
    """The place after which no group is worse than by chance."""
    counts = _in_groups(_bad(rows, level.p95_s) & (rows["struck_s"] < to_s).to_numpy())
    worse = np.flatnonzero(counts >= _more_than_chance(level.bad_share, len(counts)))
    return int(worse[-1]) + 1 if len(worse) else 0


def _more_than_chance(share: float, groups: int) -> int:
    """So many bad ones in a group as chance puts into none of so many groups, nearly always."""
    odds, at_least = 0.0, GROUP + 1
    while at_least and groups * odds < BY_CHANCE:
        at_least -= 1
        odds += comb(GROUP, at_least) * share**at_least * (1 - share) ** (GROUP - at_least)
    return at_least + 1


def _first_back(rows: pd.DataFrame, level: Level, begin: int = 0) -> int | None:
    """The place of the first group that is as good as before, from `begin` on."""
    effective_s, failed = (rows[name].to_numpy()[begin:] for name in ("effective_s", "failed"))
    if len(failed) < GROUP:
        return None
    few, start = _in_groups(failed) <= level.failures, begin
    begin = 0
    for p95_s in _p95s(effective_s):
        good = few[begin : begin + len(p95_s)] & (p95_s <= level.p95_s)
        if good.any():
            return start + begin + int(good.argmax())
        begin += len(p95_s)
    return None


def _p95s(values: Values) -> Iterator[Values]:
    """The P95 of every group in succession, some thousands at a time."""
    groups = np.lib.stride_tricks.sliding_window_view(values, GROUP)
    for begin in range(0, len(groups), AT_ONCE):
        yield np.partition(groups[begin : begin + AT_ONCE], RANK, axis=1)[:, RANK]
