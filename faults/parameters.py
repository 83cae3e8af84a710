"""Reads what a plan sets for a kind, against the kind's own signature."""

from inspect import Parameter
from math import inf, isfinite
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from faults.actions import Kind, name_of, parameters_of
from records.strict import Table

_SORTS: dict[object, str] = {
    int: "a whole number", float: "a number", bool: "true or false", str: "a text", dict: "a table of texts"
}  # fmt: skip


def read_parameters(kind: Kind, table: Table) -> dict[str, Any]:
    """The parameters of `kind` that the table sets; what is missing, of the wrong type or out of range is told in the table."""
    hints = get_type_hints(kind, include_extras=True)
    found = {}
    for name, parameter in parameters_of(kind).items():
        table.asked.add(name)
        if name in table.values:
            found[name] = _read(table, name, table.values[name], *_expected(hints.get(name)))
        elif parameter.default is Parameter.empty:
            table.problem(name, f"is missing, {name_of(kind)} needs it")
    return found


def _expected(hint: Any) -> tuple[Any, float, float]:
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
        table.problem(name, f"must be {_SORTS.get(type_, type_)}, got {value!r}")
    elif type_ in (int, float) and not low <= value <= high:
        bounds = f"at least {low:g}" if high == inf else f"between {low:g} and {high:g}"
        table.problem(name, f"must be {bounds}, got {value!r}")
    elif type_ is float:
        return float(value)  # or a range from 1 to 3 seconds would be drawn in whole seconds
    return value


def _fits(value: Any, type_: Any) -> bool:
    if type_ is dict:
        return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
    if isinstance(value, bool):
        return type_ is bool
    return isinstance(value, int | float if type_ is float else type_)


def is_range(value: object) -> bool:
    """A parameter of two numbers, or of false and true, is drawn for each call."""
    return isinstance(value, list) and len(value) == 2 and all(isinstance(end, bool | int | float) for end in value)
