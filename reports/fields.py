"""What each field of a row must be, and the column that many of its values make."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from types import NoneType
from typing import Any, get_args

import numpy as np

from records.folder import APP, CALLS, CHANGES, GENERATOR, MODEL, REQUESTS
from records.rows import ChangeRow

Types = frozenset[type[Any]]
Values = np.ndarray[Any, Any]
MOST = 2**31 - 1
"""No ordinal and no gap in microseconds is larger."""
LARGEST = 1e11
"""No second and no count of tokens or bytes is larger: sums of such numbers stay exact."""
UNTOLD = -1
"""The ordinal of an attempt that has none."""


@dataclass(frozen=True)
class Field:
    """One field of a row."""

    types: Types
    column: Callable[[list[Any]], Any] = list
    """What is kept of its values; a ValueError or OverflowError where one of them cannot be used."""

    def taken(self, values: list[Any]) -> Any:
        """The column that these values make; a ValueError or OverflowError where one of them cannot be used."""
        if not self.types.issuperset(map(type, values)):
            raise ValueError("another type")
        return self.column(values)

    def fits(self, value: object) -> bool:
        try:
            self.taken([value])
        except (ValueError, OverflowError):
            return False
        return True

    def or_none(self) -> "Field":
        return Field(self.types | {NoneType}, self.column)


def _numbers(values: list[Any]) -> Values:
    found = np.array(values, dtype=float)
    if (np.abs(found) > LARGEST).any():
        raise ValueError("no time, and no count")
    return found


def _ordinals(values: list[Any]) -> Values:
    found = np.array([UNTOLD if one is None else one for one in values], dtype=np.int64)
    if (found > MOST).any() or (found < 0).sum() > values.count(None):
        raise ValueError("not an ordinal")
    return found


def _gaps(values: list[Any]) -> tuple[Values, Values]:
    """All of them end to end, and how many each row has."""
    lists = [one or () for one in values]
    flat = list(chain.from_iterable(lists))
    if not {int}.issuperset(map(type, flat)):
        raise ValueError("not microseconds")
    found = np.array(flat, dtype=np.int32)
    if len(found) and found.min() < 0:
        raise ValueError("before the token before it")
    return found, np.fromiter(map(len, lists), np.int64, len(lists))


def _strikes(values: list[Any]) -> list[Any]:
    struck = chain.from_iterable(filter(None, values))
    if not all(isinstance(one, dict) and type(one.get("fault")) is type(one.get("kind")) is str for one in struck):
        raise ValueError("not strikes")
    return values


def _names(values: list[Any]) -> list[Any]:
    if not {str}.issuperset(map(type, chain.from_iterable(values))):
        raise ValueError("not names")
    return values


def _actions(values: list[Any]) -> list[Any]:
    if not set(get_args(ChangeRow.__annotations__["action"])).issuperset(values):
        raise ValueError("not actions")
    return values


TEXT, NUMBER, ORDINAL = Field(Types({str})), Field(Types({int, float}), _numbers), Field(Types({int}), _ordinals)
WHOLE, FLAG = Field(Types({int}), _numbers), Field(Types({bool}))
_LIST = Types({list})

NEEDED: Mapping[str, Mapping[str, Field]] = {
    REQUESTS: {
        "request_id": TEXT,
        "pair": WHOLE,
        "intended_s": NUMBER,
        "sent_s": NUMBER,
        "first_token_s": NUMBER.or_none(),
        "finished_s": NUMBER,
        "status": WHOLE,
        "outcome": TEXT,
        "served_by": TEXT.or_none(),
        "tokens": NUMBER,
        "longest_gap_s": NUMBER.or_none(),
    },
    APP: {"request_id": TEXT},
    CALLS: {
        "request_id": TEXT,
        "attempt": ORDINAL,
        "status": WHOLE,
        "struck": Field(_LIST, _strikes),
        "planned": Field(_LIST, _names),
        "started_s": NUMBER,
    },
    MODEL: {
        "request_id": TEXT,
        "attempt": ORDINAL,
        "tokens_in": NUMBER,
        "tokens_out": NUMBER,
        "started_s": NUMBER.or_none(),
    },
    GENERATOR: {"lag_p95_s": NUMBER.or_none()},
    CHANGES: {
        "at_s": NUMBER,
        "action": Field(TEXT.types, _actions),
        "by": TEXT,
        "fault": TEXT,
        "value": Field(NUMBER.types | TEXT.types | {NoneType}),
        "why": TEXT,
    },
}
"""Without these, of one of these types, a row cannot be joined or measured."""


def _each(names: str, field: Field) -> dict[str, Field]:
    return dict.fromkeys(names.split(), field.or_none())


OPTIONAL: Mapping[str, Mapping[str, Field]] = {
    REQUESTS: {
        **_each("arm task prompt_key proof error", TEXT),
        **_each("temperature", NUMBER),
        **_each("gaps_us", Field(_LIST, _gaps)),
    },
    APP: {
        **_each("reason model outcome", TEXT),
        **_each("attempt", ORDINAL),
        **_each("started_s first_token_s finished_s status tokens_in tokens_out", NUMBER),
    },
    CALLS: {**_each("path model prompt_key", TEXT), **_each("finished_s bytes", NUMBER)},
    MODEL: {**_each("model", TEXT), **_each("first_token_s finished_s", NUMBER)},
    GENERATOR: _each("lag_worst_s", NUMBER),
    CHANGES: {},
}
"""What a row may leave out or have null; of another type, it counts as left out."""
TOLD_OF_REQUEST: Mapping[str, Field] = {**_each("served_by", TEXT), **_each("degraded", FLAG)}
"""The same for the app's rows of requests; those above are of attempts."""
