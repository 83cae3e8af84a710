"""Reads what a plan sets for a kind, against the kind's own signature."""

from inspect import Parameter
from math import inf, isfinite
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from faults.actions import Kind, name_of, parameters_of
from records.strict import Table

SORTS: dict[object, str] = {
    int: "a whole number", float: "a number", bool: "true or false", str: "a text", dict: "a table of texts"
}  # fmt: skip

ENTRY = frozenset(
    ("name", "kind", "share", "routes", "models", "headers", "attempts", "during", "burst", "clusters", "at_least", "on")
)
"""What every entry of a plan may say; a kind's parameter of such a name could not be set."""


def read_parameters(kind: Kind, table: Table) -> dict[str, Any]:
    """The parameters of `kind` that the table sets; what is missing, of the wrong type or out of range is told in the table."""
    hints = get_type_hints(kind, include_extras=True)
    found = {}
    for name, parameter in parameters_of(kind).items():
        table.asked.add(name)
        if name in table.values:
            found[name] = _read(table, name, table.values[name], *expected(hints.get(name)))
        elif parameter.default is Parameter.empty:
            table.problem(name, f"is missing, {name_of(kind)} needs it")
    return found


def check_parameters(kind: Kind) -> None:
    """Raises ValueError where a plan could not set a parameter, or not know what it may be."""
    hints = get_type_hints(kind, include_extras=True)
    for name, parameter in parameters_of(kind).items():
        if parameter.kind not in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY):
            raise ValueError(f"a plan cannot set {parameter}: parameters are set by name, one by one")
        if name in ENTRY:
            raise ValueError(f"a plan cannot set {parameter}: {name} is a key of every fault, give the parameter another name")
        told = expected(hints.get(name))
        if len(told) != 3 or told[0] not in (None, *SORTS):
            allowed = ", ".join(sort.__name__ for sort in SORTS if isinstance(sort, type))
            raise ValueError(f"a plan cannot set {parameter}: it may be {allowed}, or Annotated[int, 0, 9] of a number")


def in_words(hint: Any) -> str:
    """What an annotation allows."""
    type_, low, high = expected(hint)
    told = SORTS.get(type_, "anything")
    return told if (low, high) == (-inf, inf) else f"{told}, {bounds(low, high)}"


def expected(hint: Any) -> tuple[Any, float, float]:
    """Type and bounds that an annotation asks for; no type means anything goes."""
    if get_origin(hint) in (Union, UnionType):
        hint = next(arm for arm in get_args(hint) if arm is not type(None))
    if get_origin(hint) is Annotated:
        return get_args(hint)
    return get_origin(hint) or hint, -inf, inf


def _read(table: Table, name: str, value: Any, type_: Any, low: float, high: float) -> Any:
    if not is_range(value):
        return _checked(table, name, value, type_, low, high)
    ends = [_checked(table, name, end, type_, low, high) for end in value]
    if any(isinstance(end, float) and not isfinite(end) for end in ends):
        table.problem(name, f"a range must be finite, got {value!r}")
    elif all(isinstance(end, bool | int | float) for end in ends) and ends[0] > ends[1]:
        table.problem(name, f"the range is reversed, got {value!r}")
    return ends


def _checked(table: Table, name: str, value: Any, type_: Any, low: float, high: float) -> Any:
    if type_ is not None and not _fits(value, type_):
        table.problem(name, f"must be {SORTS.get(type_, type_)}, got {value!r}")
    elif type_ in (int, float) and not low <= value <= high:
        table.problem(name, f"must be {bounds(low, high)}, got {value!r}")
    elif type_ is float:
        return float(value)  # or a range from 1 to 3 seconds would be drawn in whole seconds
    return value


def bounds(low: float, high: float) -> str:
    return f"at least {low:g}" if high == inf else f"between {low:g} and {high:g}"


def _fits(value: Any, type_: Any) -> bool:
    if type_ is dict:
        return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
    if isinstance(value, bool):
        return type_ is bool
    return isinstance(value, int | float if type_ is float else type_)


def is_range(value: object) -> bool:
    """A parameter of two numbers, or of false and true, is drawn for each call."""
    return isinstance(value, list) and len(value) == 2 and all(isinstance(end, bool | int | float) for end in value)
