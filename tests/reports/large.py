"""A run as large as one wants: the same few requests again and again, later each time."""

from dataclasses import replace
from typing import Any

import pandas as pd

from reports.arm import Arm
from reports.frames import Frames, gather
from reports.load import Run

LATER = ("start_s", "at_s", "intended_s", "sent_s", "started_s", "first_token_s", "finished_s")


def multiplied(run: Run, times: int) -> Run:
    """The run with so many times the requests, one after the other, at the same rate."""
    return replace(run, arms=tuple(_multiplied(arm, times) for arm in run.arms))


def _multiplied(arm: Arm, times: int) -> Arm:
    length_s = float(arm.rows["start_s"].max()) + 1
    return replace(arm, frames=gather([_again(arm.frames, number, number * length_s) for number in range(times)]))


def _again(frames: Frames, number: int, later_s: float) -> Frames:
    rows, strikes, attempts = (_later(table, later_s) for table in (frames.rows, frames.strikes, frames.attempts))
    count = len(rows)
    rows.index = pd.Index([f"p01-{number * count + place:06d}" for place in range(count)], dtype=object)
    return replace(frames, rows=rows, strikes=strikes, attempts=attempts)


def _later(table: pd.DataFrame, later_s: float) -> pd.DataFrame:
    moved: dict[str, Any] = {name: table[name] + later_s for name in LATER if name in table}
    return table.assign(**moved)
