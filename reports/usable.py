"""Which rows can be used: those that hold every field a figure needs, of a type it can be computed from."""

from collections.abc import Callable, Mapping
from operator import itemgetter
from types import NoneType
from typing import Any, get_args

from records.folder import APP, CALLS, CHANGES, GENERATOR, MODEL, REQUESTS
from records.join import Row
from records.rows import OUTCOMES, ChangeRow

Types = frozenset[type[Any]]
_TEXT, _WHOLE, _LIST = Types({str}), Types({int}), Types({list})
_NUMBER, _OR_NONE = Types({int, float}), Types({NoneType})

NEEDED: Mapping[str, Mapping[str, Types]] = {
    REQUESTS: {
        "request_id": _TEXT,
        "pair": _WHOLE,
        "intended_s": _NUMBER,
        "sent_s": _NUMBER,
        "first_token_s": _NUMBER | _OR_NONE,
        "finished_s": _NUMBER,
        "status": _WHOLE,
        "outcome": _TEXT,
        "served_by": _TEXT | _OR_NONE,
        "tokens": _NUMBER,
        "longest_gap_s": _NUMBER | _OR_NONE,
    },
    APP: {"request_id": _TEXT},
    CALLS: {
        "request_id": _TEXT,
        "attempt": _WHOLE,
        "status": _WHOLE,
        "struck": _LIST,
        "planned": _LIST,
        "started_s": _NUMBER,
    },
    MODEL: {
        "request_id": _TEXT,
        "attempt": _WHOLE,
        "tokens_in": _NUMBER,
        "tokens_out": _NUMBER,
        "started_s": _NUMBER | _OR_NONE,
    },
    GENERATOR: {"lag_p95_s": _NUMBER | _OR_NONE},
    CHANGES: {
        "at_s": _NUMBER,
        "action": _TEXT,
        "by": _TEXT,
        "fault": _TEXT,
        "value": _NUMBER | _TEXT | _OR_NONE,
        "why": _TEXT,
    },
}
"""Without these, of one of these types, a row cannot be joined or measured."""


def usable(where: str, name: str, rows: list[Row], problems: list[str]) -> list[Row]:
    """The rows of the file `name` that can be used; how many cannot, and for want of what, is a problem."""
    if _all_fit(rows, name):
        return rows
    useless = [field for field in NEEDED[name] if not all(_fits(row, name, field) for row in rows)]
    kept = [row for row in rows if all(_fits(row, name, field) for field in useless)]
    problems.append(f"{where}: {_rows(len(rows) - len(kept))} left out, without a usable {', '.join(useless)}")
    return kept


def known(where: str, rows: list[Row], problems: list[str]) -> list[Row]:
    """The requests with an outcome we know, each id once."""
    first = {row["request_id"]: row for row in reversed(rows) if row["outcome"] in OUTCOMES}
    if len(first) == len(rows):
        return rows
    left_out = _rows(len(rows) - len(first))
    problems.append(f"{where}: {left_out} left out, their request id came before or their outcome is unknown")
    return list(reversed(first.values()))


def _rows(count: int) -> str:
    return f"{count} row" if count == 1 else f"{count} rows"


def _all_fit(rows: list[Row], name: str) -> bool:
    """Whether all rows are whole, as they nearly always are: much faster to tell than which are not."""
    return _types_fit(rows, NEEDED[name]) and all(
        all(map(holds, filter(None, map(itemgetter(field), rows)))) for field, holds in ENTRIES.get(name, {}).items()
    )


def _types_fit(rows: list[Row], needed: Mapping[str, Types]) -> bool:
    try:
        # The few combinations of types that occur.
        seen = set(zip(*(map(type, map(itemgetter(field), rows)) for field in needed), strict=True))
    except KeyError:
        return False
    return all(kind in kinds for types in seen for kind, kinds in zip(types, needed.values(), strict=True))


def _fits(row: Row, name: str, field: str) -> bool:
    # An ellipsis is of no type that JSON knows.
    value, holds = row.get(field, ...), ENTRIES.get(name, {}).get(field)
    return type(value) in NEEDED[name][field] and (holds is None or holds(value))


def _are_strikes(entries: list[Any]) -> bool:
    return all(isinstance(one, dict) and {type(one.get("fault")), type(one.get("kind"))} == _TEXT for one in entries)


def _are_names(entries: list[Any]) -> bool:
    return all(isinstance(one, str) for one in entries)


ACTIONS = frozenset(get_args(ChangeRow.__annotations__["action"]))
ENTRIES: Mapping[str, Mapping[str, Callable[[Any], bool]]] = {
    CALLS: {"struck": _are_strikes, "planned": _are_names},
    CHANGES: {"action": ACTIONS.__contains__},
}
"""What the entries of a list must be, and which words we know."""
