"""Calls of an app that does not pass its users' request ids on, in the tables of their arm: joined by the prompt they hold."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from records.foreign import Joins, adopt
from records.rows import EMBEDS, PROBES
from reports.columns import Columns
from reports.fields import Values
from reports.tables import Tables


def joined(tables: Tables) -> tuple[Joins, Mapping[str, Any]]:
    """Gives calls and generations to their requests: how many in which way, and for each request its least certain join."""
    unknown = tables.calls["number"] >= tables.asked
    held = tables.calls["prompt_key"][unknown]
    nothing = [code for word, code in tables.words["prompt_key"].items() if not word]
    if np.isin(held, nothing).all():
        return Joins(by_id=int((~unknown).sum()), nobodys=unasked_calls(tables)), {}
    found = adopt(_requests(tables), _calls(tables), _generations(tables))
    for side, rows in ((tables.calls, found.calls), (tables.model, found.model)):
        side["number"] = tables.numbers.of([row["request_id"] for row in rows])
        side["attempt"] = np.array([row["attempt"] for row in rows], dtype=np.int64)
    return found.joins, {id_: how for id_, how in found.how.items() if how != "id"}


def unasked_calls(tables: Tables) -> int:
    """Calls that belong to no request; those that only ask whether the provider is there, or embeds, do not count."""
    paths = tables.words["path"]
    probes = np.isin(tables.calls["path"], [paths[path] for path in PROBES | EMBEDS if path in paths])
    return int(((tables.calls["number"] >= tables.asked) & ~probes).sum())


def _requests(tables: Tables) -> list[dict[str, Any]]:
    told = tables.requests
    keys = _texts(tables, "prompt_key", told["prompt_key"])
    columns = zip(tables.numbers, told["sent_s"].tolist(), told["finished_s"].tolist(), keys, strict=False)
    return [
        {"request_id": id_, "sent_s": sent_s, "finished_s": finished_s, "prompt_key": key}
        for id_, sent_s, finished_s, key in columns
    ]


def _calls(tables: Tables) -> list[dict[str, Any]]:
    told, names = tables.calls, ("started_s", "finished_s")
    times = {name: _or_none(told[name]) for name in names}
    texts = {name: _texts(tables, name, told[name]) for name in ("path", "prompt_key")}
    return _rows(tables, told, {**times, **texts})


def _generations(tables: Tables) -> list[dict[str, Any]]:
    return _rows(tables, tables.model, {"started_s": _or_none(tables.model["started_s"])})


def _rows(tables: Tables, told: Columns, more: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    ids = list(tables.numbers)
    columns = {"request_id": [ids[at] for at in told["number"].tolist()], "attempt": told["attempt"].tolist(), **more}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _or_none(column: Values) -> list[float | None]:
    return [None if one != one else one for one in column.tolist()]


def _texts(tables: Tables, name: str, codes: Values) -> list[str | None]:
    words = [word for word in tables.words[name] if word is not None]
    return [None if code < 0 else words[code] for code in codes.tolist()]
