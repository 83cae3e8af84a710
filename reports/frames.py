"""The rows of one arm and pair as tables: requests, their attempts, what struck them, the gaps between their tokens.

The same figures as `records.join` makes of one request at a time, for as many requests as a run can hold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import get_args

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from records.foreign import How
from records.rows import OUTCOMES, RIGHT, is_failure
from reports.attempts import NOWHERE as NOWHERE
from reports.attempts import attempts_of, strikes_of
from reports.fields import Values
from reports.tables import UNKNOWN, Tables

FAILED = frozenset(outcome for outcome in OUTCOMES if is_failure(outcome))
JOINS: tuple[str, ...] = get_args(How)


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
    rows["joined"] = _joins(tables, attempts, joined)
    gaps = Gaps(tables.gaps["us"], np.cumsum(tables.requests["gaps"]))
    aborted = (rows["outcome"] == "aborted").to_numpy()
    every = Frames(rows, gaps, strikes, attempts, int(aborted.sum()))
    return every.picked(np.flatnonzero(~aborted))


def first_s(tables: Tables) -> float:
    """When the first request was due, on the run's clock."""
    return float(min(tables.requests["intended_s"], default=0.0))


def gather(pairs: Sequence[Frames]) -> Frames:
    """The pairs of one arm as one."""
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


def requests_of(tables: Tables, attempts: pd.DataFrame, strikes: pd.DataFrame, deadline_s: float) -> pd.DataFrame:
    """One line a request, aborted ones too: what the load generator wrote, and what the other rows make of it.

    Seconds are NaN where something never happened. tokens_in, tokens_out, tokens_spent: over all generations;
    tokens_wasted: spent on anything else than one prompt and the right answer the user got.
    """
    told = tables.requests
    names = ("intended_s", "sent_s", "first_token_s", "finished_s", "longest_gap_s", "tokens", "temperature", "pair", "status")
    ids = pd.Index(list(islice(tables.numbers, tables.asked)), dtype=object)
    frame = pd.DataFrame({name: told[name] for name in names}, index=ids)
    for name in ("task", "prompt_key", "proof", "error"):
        frame[name] = tables.column(name, told[name])
    frame["outcome"] = pd.Categorical.from_codes(_judged(tables, attempts), pd.Index(OUTCOMES))
    frame["failed"] = frame["outcome"].isin(FAILED)
    frame["right"] = frame["outcome"].isin(RIGHT)
    frame["met"] = _any_at(strikes["at"].to_numpy(), tables.asked)
    _count(frame, attempts)
    _tell(frame, tables)
    return _with_durations(frame, deadline_s)


def _judged(tables: Tables, attempts: pd.DataFrame) -> Values:
    """The code of each outcome; a `rejected` that no fault explains is an `http_error`."""
    outcomes, at = tables.requests["outcome"], attempts["at"].to_numpy()
    status = np.append(tables.requests["status"], np.nan)
    explained = attempts["struck"].to_numpy() & (attempts["call_status"].to_numpy() == status[at])
    out_of_nowhere = (outcomes == OUTCOMES.index("rejected")) & ~_any_at(at[explained], tables.asked)
    return np.where(out_of_nowhere, OUTCOMES.index("http_error"), outcomes)


def _any_at(at: Values, count: int) -> Values:
    """Which of so many places are among these; a strike NOWHERE is at none."""
    found = np.zeros(count + 1, dtype=bool)
    found[at] = True
    return found[:count]


def _sum_at(at: Values, values: Values, count: int) -> Values:
    return np.bincount(at[at >= 0], values[at >= 0], minlength=count).astype(float)


def _count(frame: pd.DataFrame, attempts: pd.DataFrame) -> None:
    """Attempts and tokens of each request."""
    count, at = len(frame), attempts["at"].to_numpy()
    calls = _sum_at(at, attempts["called"].to_numpy(float), count)
    frame["attempts"] = np.where(calls > 0, calls, _sum_at(at, attempts["told"].to_numpy(float), count))
    made = attempts["generated"].to_numpy()
    for name in ("tokens_in", "tokens_out"):
        frame[name] = _sum_at(at[made], attempts[name].to_numpy()[made], count)
    frame["tokens_spent"] = frame["tokens_in"] + frame["tokens_out"]
    useful = np.where(frame["right"], _prompt_tokens(attempts, count) + frame["tokens"], 0.0)
    frame["tokens_wasted"] = (frame["tokens_spent"] - useful).clip(lower=0.0)


def _prompt_tokens(attempts: pd.DataFrame, count: int) -> Values:
    """Of the first generation that read its prompt: one that left the queue before its turn read none."""
    read = attempts["read"].to_numpy() & (attempts["at"].to_numpy() >= 0)
    at, first = np.unique(attempts["at"].to_numpy()[read], return_index=True)
    found = np.zeros(count)
    found[at] = attempts["tokens_in"].to_numpy()[read][first]
    return found


def _tell(frame: pd.DataFrame, tables: Tables) -> None:
    """What the app says of its requests: who served them, and whether the answer was of lesser quality."""
    number, own = tables.told["number"], tables.requests["served_by"]
    of = np.full(max(len(tables.numbers), 1), UNKNOWN)
    of[number] = np.arange(len(number))
    last = of[: len(frame)]
    told = np.append(tables.told["served_by"], UNKNOWN)[last]
    frame["served_by"] = tables.column("served_by", np.where(told == UNKNOWN, own, told))
    frame["degraded"] = np.append(tables.told["degraded"], False)[last]


def _joins(tables: Tables, attempts: pd.DataFrame, joined: Mapping[str, str]) -> "pd.Categorical[str]":
    """How the calls of each request were joined, the least certain of them; none where it has no call."""
    called = _any_at(attempts["at"].to_numpy()[attempts["called"].to_numpy()], tables.asked)
    codes = np.where(called, JOINS.index("id"), UNKNOWN)
    for id_, how in joined.items():
        codes[tables.numbers[id_]] = JOINS.index(how)
    return pd.Categorical.from_codes(codes, pd.Index(JOINS))


def _with_durations(frame: pd.DataFrame, deadline_s: float) -> pd.DataFrame:
    own = frame["finished_s"] - frame["intended_s"]
    frame["own_s"] = own
    # A failed user waited for nothing: dropping failures, or counting their early end, would make a broken app look fast.
    frame["effective_s"] = own.clip(upper=deadline_s).mask(frame["failed"], deadline_s)
    frame["recovered"] = frame["met"] & frame["right"] & (own <= deadline_s)
    frame["ttft_s"] = frame["first_token_s"] - frame["intended_s"]
    frame["lag_s"] = frame["sent_s"] - frame["intended_s"]
    frame["start_s"] = frame["intended_s"] - frame["intended_s"].min()
    return frame
