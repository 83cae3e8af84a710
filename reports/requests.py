"""The requests of one arm and pair: what the load generator wrote of each, and what the rows of the others make of it."""

from collections.abc import Mapping
from itertools import islice
from typing import get_args

import numpy as np
import pandas as pd

from records.foreign import How
from records.rows import OUTCOMES, RIGHT, is_failure
from reports.columns import UNKNOWN
from reports.fields import Values
from reports.tables import Tables

FAILED = frozenset(outcome for outcome in OUTCOMES if is_failure(outcome))
JOINS: tuple[str, ...] = get_args(How)


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


def joins_of(tables: Tables, attempts: pd.DataFrame, joined: Mapping[str, str]) -> "pd.Categorical[str]":
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
