"""One arm: its tables, and what else its folder tells. What every figure, chart and comparison is computed from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import pandas as pd

from records.foreign import NO_JOINS, Joins
from records.join import Row
from reports.frames import Frames, Gaps
from reports.tally import Tally


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
    frames: Frames
    deadline_s: float
    sources: frozenset[str] = frozenset()
    """Which files of rows the arm left: what a missing one would tell is None, not 0."""
    planned: dict[str, int] = field(default_factory=dict)
    """For each fault, the calls it was to strike."""
    changes: tuple[Change, ...] = ()
    windows: tuple[Window, ...] = ()
    tallies: tuple[Tally, ...] = ()
    """One for each pair that left rows or should have."""
    joins: Joins = NO_JOINS
    """How its calls were joined to its requests."""
    faults: bool = True
    """False where the plan spared it."""

    @property
    def rows(self) -> pd.DataFrame:
        """One line a request by request id, without the aborted ones."""
        return self.frames.rows

    @property
    def gaps(self) -> Gaps:
        return self.frames.gaps

    @property
    def strikes(self) -> pd.DataFrame:
        """One line a fault that struck a call."""
        return self.frames.strikes

    @property
    def attempts(self) -> pd.DataFrame:
        """One line an attempt of a request."""
        return self.frames.attempts

    @property
    def aborted(self) -> int:
        return self.frames.aborted


def changes_of(rows: Iterable[Row], pair: int, first_s: float) -> list[Change]:
    """Every change that the proxy's rows tell, in the order of time."""
    told = sorted(rows, key=itemgetter("at_s"))
    names = ("action", "by", "fault", "value", "why")
    return [Change(pair, row["at_s"] - first_s, **{name: row[name] for name in names}) for row in told]


def windows_of(faults: Iterable[Mapping[str, Any]]) -> tuple[Window, ...]:
    """The windows of a plan's faults, for those that have one."""
    return tuple(Window(fault["name"], *fault["during_s"]) for fault in faults if fault.get("during_s"))
