"""What the folder of one arm and pair holds, counted: so that rows nobody wrote are not taken for good news."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from records.join import Row
from records.rows import OUTCOMES
from reports.columns import Columns
from reports.fields import MOST, UNTOLD, Values
from reports.foreign_calls import unasked_calls
from reports.frames import Frames
from reports.tables import Tables

MOMENT_S = 0.05


@dataclass(frozen=True)
class Tally:
    """Counts over the rows of one arm and pair."""

    folder: str
    """Such as `off-01`."""
    requests: int
    """Requests with a row, also those aborted."""
    uncached: int
    """Of those that ended, the ones that the cache did not serve."""
    answered: int
    """Of these, the ones for which the model must have worked."""
    calls: int
    generations: int
    attempts: int
    """As the app tells, numbered."""
    lost: int
    """Of these, the ones of requests that ended that no call matches."""
    lag_p95_s: float | None
    """How late the load generator dispatched, in its worst worker's own words; None where it tells nothing."""
    lag_worst_s: float | None = None
    """The latest of all that it dispatched."""
    twice: int = 0
    """Rows of requests whose id came before: left out."""
    strangers: int = 0
    """Rows of another arm, pair or run, of any file: left out."""
    unasked_calls: int = 0
    """Calls that belong to no request, by id or by prompt; those that only ask whether the provider is there do not count."""
    unasked_attempts: int = 0
    unasked_generations: int = 0
    """Of the app's attempts and of the model's generations, the ones that belong to no request."""


def tally(folder: str, tables: Tables, found: Frames, generator: Sequence[Row]) -> Tally:
    """The counts of one arm's folder, from its tables and what the load generator tells of itself."""
    rows = found.rows
    uncached = (rows["served_by"] != "cache").to_numpy()
    # A request that was struck may have had its answer from the proxy, and then the model knows nothing of it.
    worked = (rows["right"] | (rows["attempts"] > 0) & ~rows["met"]).to_numpy()
    attempts, lost = _attempts(tables)
    return Tally(
        folder=folder,
        requests=tables.asked,
        uncached=int(uncached.sum()),
        answered=int((uncached & worked).sum()),
        calls=tables.calls.rows,
        generations=tables.model.rows,
        attempts=attempts,
        lost=lost,
        lag_p95_s=_worst(generator, "lag_p95_s"),
        lag_worst_s=_worst(generator, "lag_worst_s"),
        twice=tables.twice,
        strangers=sum(tables.strangers.values()),
        unasked_calls=unasked_calls(tables),
        unasked_attempts=_unasked(tables.attempts, tables),
        unasked_generations=_unasked(tables.model, tables),
    )


def _worst(generator: Sequence[Row], name: str) -> float | None:
    return max((row[name] for row in generator if row.get(name) is not None), default=None)


def _attempts(tables: Tables) -> tuple[int, int]:
    """The app's attempts, and how many of them, of requests that ended, the proxy does not know."""
    app = tables.attempts
    numbered = app["attempt"] != UNTOLD
    ended = np.zeros(len(tables.numbers), dtype=bool)
    ended[: tables.asked] = tables.requests["outcome"] != OUTCOMES.index("aborted")
    unknown = numbered & ended[app["number"]] & ~np.isin(_keys(app), _keys(tables.calls))
    return int(numbered.sum()), int((unknown & _were_sent(tables)).sum())


def _keys(side: Columns) -> Values:
    return np.asarray(side["number"] * (MOST + 1) + side["attempt"])


def _were_sent(tables: Tables) -> Values:
    """False where nothing need have reached the proxy.

    The app gave up too soon, at its deadline or with its user; or it began when the last user had gone and the stack ended.
    """
    app, ends = tables.attempts, tables.words["end"]
    gave_up = np.isin(app["outcome"], [ends["timeout"], ends["cancelled"]]) & ~(np.nan_to_num(app["status"]) != 0)
    at_once = gave_up & (app["finished_s"] - app["started_s"] < MOMENT_S)
    # An app that blocks on each call has still many to make then, which it makes for nobody.
    return np.asarray(~at_once & ~(app["started_s"] > np.nanmax(tables.requests["finished_s"], initial=0.0)))


def _unasked(side: Columns, tables: Tables) -> int:
    return int((side["number"] >= tables.asked).sum())
