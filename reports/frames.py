"""The rows of one arm and pair as tables: requests, their attempts, what struck them, the gaps between their tokens.

The same figures as `records.join` makes of one request at a time, for as many requests as a run can hold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from reports.attempts import NOWHERE as NOWHERE
from reports.attempts import attempts_of, strikes_of
from reports.fields import Values
from reports.requests import joins_of, requests_of
from reports.tables import Tables


@dataclass(frozen=True)
class Gaps:
    """All gaps between tokens, in microseconds, laid end to end in the order of the requests."""

    us: Values
    ends: Values
    """Where the gaps of each request end; they begin where those of the request before it end."""

    def of(self, at: int) -> Values:
        """The gaps of the request in that place."""
        return np.asarray(self.us[self.ends[at - 1] if at else 0 : self.ends[at]])

    def picked(self, places: Values) -> "Gaps":
        """Those of the requests in these places, which rise."""
        # By truth values: a place for each of ten million gaps would take eight times the memory.
        kept, lengths = np.zeros(len(self.ends), dtype=bool), np.diff(self.ends, prepend=0)
        kept[places] = True
        return Gaps(self.us[np.repeat(kept, lengths)], np.cumsum(lengths[places]))


@dataclass(frozen=True)
class Frames:
    """One arm, of one pair or of all."""

    rows: pd.DataFrame
    """One line a request by request id; see `requests_of`."""
    gaps: Gaps
    strikes: pd.DataFrame
    """One line a strike: at, fault, kind, attempt, start_s, at_s, message, byte, bug."""
    attempts: pd.DataFrame
    """One line an attempt, as the app, the proxy and the model tell of it together; see `attempts_of`."""
    aborted: int

    def picked(self, places: Values) -> "Frames":
        """The requests in these places only, which rise, with all that belongs to them."""
        if len(places) == len(self.rows) and (places == np.arange(len(places))).all():
            return self
        moved = np.full(len(self.rows) + 1, NOWHERE)
        moved[places] = np.arange(len(places))
        strikes, attempts = (one.assign(at=moved[one["at"]]) for one in (self.strikes, self.attempts))
        return Frames(self.rows.iloc[places], self.gaps.picked(places), strikes, attempts, self.aborted)


def frames(tables: Tables, deadline_s: float, joined: Mapping[str, str] = {}) -> Frames:
    """The tables of one arm and pair, without who was aborted.

    `joined`: for requests with calls that were not joined by id, how they were.
    """
    attempts = attempts_of(tables)
    strikes = strikes_of(tables, first_s(tables))
    rows = requests_of(tables, attempts, strikes, deadline_s)
    rows["joined"] = joins_of(tables, attempts, joined)
    gaps = Gaps(tables.gaps["us"], np.cumsum(tables.requests["gaps"]))
    aborted = (rows["outcome"] == "aborted").to_numpy()
    every = Frames(rows, gaps, strikes, attempts, int(aborted.sum()))
    return every.picked(np.flatnonzero(~aborted))


def first_s(tables: Tables) -> float:
    """When the first request was due, on the run's clock."""
    due_s = tables.requests["intended_s"]
    return float(due_s.min()) if len(due_s) else 0.0


def gather(pairs: Sequence[Frames]) -> Frames:
    """The pairs of one arm as one."""
    if len(pairs) == 1:
        return pairs[0]
    first = np.cumsum([0, *(len(one.rows) for one in pairs)])
    gaps_before = np.cumsum([0, *(len(one.gaps.us) for one in pairs)])
    moved = [
        [
            table.assign(at=table["at"].where(table["at"] == NOWHERE, table["at"] + start))
            for table in (one.strikes, one.attempts)
        ]
        for one, start in zip(pairs, first, strict=False)
    ]
    return Frames(
        _put_together([one.rows for one in pairs]),
        Gaps(
            np.concatenate([one.gaps.us for one in pairs]),
            np.concatenate([one.gaps.ends + start for one, start in zip(pairs, gaps_before, strict=False)]),
        ),
        _put_together([strikes for strikes, _ in moved], ignore_index=True),
        _put_together([attempts for _, attempts in moved], ignore_index=True),
        sum(one.aborted for one in pairs),
    )


def _put_together(tables: Sequence[pd.DataFrame], ignore_index: bool = False) -> pd.DataFrame:
    """One below the other; texts keep their categories, in alphabetical order."""
    filled = [table for table in tables if len(table)] or list(tables[:1])
    if len(filled) == 1:
        return filled[0]
    texts = [name for name in filled[0] if isinstance(filled[0][name].dtype, pd.CategoricalDtype)]
    found = pd.concat([table.drop(columns=texts) for table in filled], ignore_index=ignore_index)
    for name in texts:
        united = union_categoricals([table[name] for table in filled], sort_categories=name != "outcome")
        found[name] = pd.Series(united, index=found.index)
    return found[list(filled[0])]
