"""The attempts of all requests: what the app, the proxy and the model tell of each, side by side; and what struck them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from records.rows import EMBEDS
from reports.columns import UNKNOWN, Columns
from reports.fields import UNTOLD, Values
from reports.tables import Tables

NOWHERE = -1
"""Where a row stands that belongs to no request."""


def attempts_of(tables: Tables) -> pd.DataFrame:
    """One line an attempt, by request and ordinal: at, attempt, and whatever the three processes tell of it.

    told, called, generated: whether the app, the proxy, the model tell of it; read: whether the model read its prompt; struck:
    by a fault. reason, outcome: "" where the app does not tell. Times on the run's clock, NaN where unknown.
    """
    app, calls, model = tables.attempts, _attempted(tables), tables.model
    number, attempt, rows = aligned(
        (app["number"], calls["number"], model["number"]), (ordinals(app), calls["attempt"], model["attempt"])
    )
    of_app, of_calls, of_model = rows
    made = of_model >= 0
    tokens = {name: np.where(made, _at(model, name, of_model), _at(app, name, of_app)) for name in ("tokens_in", "tokens_out")}
    call_status = _at(calls, "status", of_calls)
    return pd.DataFrame(
        {
            "at": np.where(number < tables.asked, number, NOWHERE),
            "attempt": attempt,
            "told": of_app >= 0,
            "called": of_calls >= 0,
            "generated": made,
            "read": ~np.isnan(_at(model, "started_s", of_model)),
            "struck": np.append(calls["struck"], False)[of_calls],
            "reason": _words(tables, "reason", _code(app, "reason", of_app)),
            "model": _words(
                tables, "model", _code(app, "model", of_app), _code(calls, "model", of_calls), _code(model, "model", of_model)
            ),
            "outcome": _words(tables, "end", _code(app, "outcome", of_app)),
            "started_s": _first(*(_at(side, "started_s", of) for side, of in zip((app, calls, model), rows, strict=True))),
            "first_token_s": _first(_at(app, "first_token_s", of_app), _at(model, "first_token_s", of_model)),
            "finished_s": _first(*(_at(side, "finished_s", of) for side, of in zip((app, calls, model), rows, strict=True))),
            "status": _first(_at(app, "status", of_app), call_status),
            "call_status": call_status,
            "bytes": _at(calls, "bytes", of_calls),
            **tokens,
        },
        copy=False,
    )


def _attempted(tables: Tables) -> Columns:
    """The calls that are attempts at an answer."""
    paths = tables.words["path"]
    embeds = np.isin(tables.calls["path"], [paths[path] for path in EMBEDS if path in paths])
    return tables.calls.picked(~embeds) if embeds.any() else tables.calls


def ordinals(app: Columns) -> Values:
    """The app's own; an attempt without one bears its place among those of its request."""
    attempt = app["attempt"]
    untold = np.flatnonzero(attempt == UNTOLD)
    if not len(untold):
        return attempt
    told = attempt.copy()
    told[untold] = repeats(app["number"][untold]) + 1
    return told


def repeats(keys: Values) -> Values:
    """How often the same key came before."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    begins = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])) if len(keys) else order
    found = np.empty_like(order)
    found[order] = np.arange(len(keys)) - np.repeat(begins, np.diff(np.append(begins, len(keys))))
    return found


def aligned(numbers: Sequence[Values], attempts: Sequence[Values]) -> tuple[Values, Values, list[Values]]:
    """Request, ordinal and the row of each side (or NOWHERE) of all attempts that any side tells of.

    Several rows of one side may bear the same ordinal: the first of them goes with the first of the others.
    """
    known, codes = np.unique(np.concatenate(attempts), return_inverse=True)
    parts = np.split(codes, np.cumsum([len(one) for one in attempts])[:-1])
    keys = [number * len(known) + code for number, code in zip(numbers, parts, strict=True)]
    again = [repeats(key) for key in keys]
    deep = 1 + max((int(one.max()) for one in again if len(one)), default=0)
    keys = [key * deep + one for key, one in zip(keys, again, strict=True)]
    every = np.unique(np.concatenate(keys))
    return every // (deep * max(len(known), 1)), known[every // deep % max(len(known), 1)], [_rows(every, key) for key in keys]


def _rows(every: Values, keys: Values) -> Values:
    found = np.full(len(every), NOWHERE)
    found[np.searchsorted(every, keys)] = np.arange(len(keys))
    return found


def _at(side: Columns, name: str, rows: Values) -> Values:
    return np.append(side[name], np.nan)[rows]


def _code(side: Columns, name: str, rows: Values) -> Values:
    return np.append(side[name], UNKNOWN)[rows]


def _first(*told: Values) -> Values:
    """The first that is known of each."""
    found, *others = told
    for other in others:
        found = np.where(np.isnan(found), other, found)
    return found


def _words(tables: Tables, name: str, codes: Values, *others: Values) -> pd.Categorical:
    for other in others:
        codes = np.where(codes == UNKNOWN, other, codes)
    return tables.column(name, np.where(codes == UNKNOWN, tables.words[name][""], codes))


def strikes_of(tables: Tables, first_s: float) -> pd.DataFrame:
    """One line a strike; start_s: when its call began, since the first request of the pair was due."""
    strikes, calls = tables.strikes, tables.calls
    of = strikes["call"]
    number = calls["number"][of]
    return pd.DataFrame(
        {
            "at": np.where(number < tables.asked, number, NOWHERE),
            "fault": tables.column("fault", strikes["fault"]),
            "kind": tables.column("kind", strikes["kind"]),
            "attempt": calls["attempt"][of],
            "start_s": calls["started_s"][of] - first_s,
            "at_s": strikes["at_s"],
            "message": strikes["message"],
            "byte": strikes["byte"],
            "bug": tables.column("bug", strikes["bug"]),
        }
    )
