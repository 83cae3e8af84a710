"""One arm's measurements as columns: what every figure, chart and comparison is computed from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd

from records.join import Measurement, Row
from records.rows import OUTCOMES, RIGHT, is_failure
from reports.tally import Tally

FAILED = frozenset(outcome for outcome in OUTCOMES if is_failure(outcome))


@dataclass(frozen=True)
class Strike:
    """A fault that struck a call: `start_s` counts from the first intended start of the pair."""

    fault: str
    kind: str
    start_s: float
    bug: str = ""
    """What went wrong, and where, if the fault raised: its call was then severed."""


@dataclass(frozen=True)
class Change:
    """The faults were changed while the arm ran: `start_s` counts from the first intended start of the pair."""

    pair: int
    start_s: float
    action: str
    """on, off, share, plan or stop."""
    by: str
    fault: str = ""
    """Empty where all of them are meant."""
    value: float | str | None = None
    why: str = ""


@dataclass(frozen=True)
class Window:
    """When the plan lets a fault strike, in seconds since the first call; `to_s` is None where it never ends."""

    fault: str
    from_s: float
    to_s: float | None


@dataclass(frozen=True)
class Arm:
    """All requests of one arm, over all its pairs."""

    name: str
    rows: pd.DataFrame
    """One line a request by request id, without the aborted ones; see `columns`."""
    aborted: int
    deadline_s: float
    sources: frozenset[str] = frozenset()
    """Which files of rows the arm left: what a missing one would tell is None, not 0."""
    planned: dict[str, int] = field(default_factory=dict)
    """For each fault, the calls it was to strike."""
    strikes: list[Strike] = field(default_factory=list)
    changes: tuple[Change, ...] = ()
    windows: tuple[Window, ...] = ()
    tallies: tuple[Tally, ...] = ()
    """One for each pair that left rows or should have."""


def columns(measurements: Sequence[Measurement], deadline_s: float) -> pd.DataFrame:
    """The measurements that were not aborted, one line each; seconds, NaN where something never happened."""
    kept = [one for one in measurements if one.outcome != "aborted"]
    frame = _as_told([one.request for one in kept])
    frame["outcome"] = pd.Categorical([one.outcome for one in kept], categories=OUTCOMES)
    frame["failed"] = frame["outcome"].isin(FAILED)
    frame["right"] = frame["outcome"].isin(RIGHT)
    frame["faults"] = pd.Series([one.faults for one in kept], index=frame.index, dtype=object)
    frame["met"] = np.array([bool(one.faults) for one in kept], dtype=bool)
    for name in ("attempts", "tokens_spent", "tokens_wasted"):
        frame[name] = np.array([getattr(one, name) for one in kept], dtype=float)
    frame["served_by"] = pd.Series([one.served_by for one in kept], index=frame.index, dtype=object)
    return _with_durations(frame, deadline_s)


def _as_told(requests: list[Row]) -> pd.DataFrame:
    """What the load generator wrote down, as columns."""
    names = ("intended_s", "sent_s", "first_token_s", "finished_s", "longest_gap_s", "pair")
    told = {name: np.array(list(map(itemgetter(name), requests)), dtype=float) for name in names}
    return pd.DataFrame(told, index=pd.Index([row["request_id"] for row in requests], dtype=object))


def _with_durations(frame: pd.DataFrame, deadline_s: float) -> pd.DataFrame:
    own = frame["finished_s"] - frame["intended_s"]
    frame["own_s"] = own
    # A failed user waited for nothing: dropping failures, or counting their early end, would make a broken app look fast.
    frame["effective_s"] = own.clip(upper=deadline_s).mask(frame["failed"], deadline_s)
    frame["recovered"] = frame["met"] & frame["right"] & (own <= deadline_s)
    frame["ttft_s"] = frame["first_token_s"] - frame["intended_s"]
    frame["lag_s"] = frame["sent_s"] - frame["intended_s"]
    first = frame.groupby("pair")["intended_s"].transform("min")
    frame["start_s"] = frame["intended_s"] - first
    return frame


def strikes_of(calls: Iterable[Row], first_s: float) -> list[Strike]:
    """Every strike of the proxy's rows; `first_s` is the first intended start of the pair, on the run's clock."""
    return [
        Strike(fault["fault"], fault["kind"], call["started_s"] - first_s, str(fault.get("bug") or ""))
        for call in calls
        for fault in call["struck"]
    ]


def changes_of(rows: Iterable[Row], pair: int, first_s: float) -> list[Change]:
    """Every change that the proxy's rows tell, in the order of time."""
    told = sorted(rows, key=itemgetter("at_s"))
    names = ("action", "by", "fault", "value", "why")
    return [Change(pair, row["at_s"] - first_s, **{name: row[name] for name in names}) for row in told]


def windows_of(faults: Iterable[Mapping[str, Any]]) -> tuple[Window, ...]:
    """The windows of a plan's faults, for those that have one."""
    return tuple(Window(fault["name"], *fault["during_s"]) for fault in faults if fault.get("during_s"))
