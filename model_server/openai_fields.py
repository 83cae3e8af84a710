"""The fields of a request to OpenAI's API, and the words in which OpenAI refuses them: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

_KINDS: dict[type, str] = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


@dataclass(frozen=True)
class Number:
    """What a number may be, both ends included."""

    low: float
    high: float = inf
    whole: bool = False


class Refused(Exception):
    """What OpenAI answers with a status and an error object."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}


def typed(values: Mapping[str, Any], name: str, kind: type, default: Any, where: str = "") -> Any:
    """A field of JSON; null is as good as absent."""
    value = values.get(name)
    if value is None:
        return default
    if not isinstance(value, kind):
        raise wrong(value, where + name, _KINDS[kind])
    return value


def number(values: Mapping[str, Any], name: str, allowed: Number) -> Any:
    """A number within its range; None where it is absent."""
    value = values.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int if allowed.whole else int | float):
        raise wrong(value, name, _KINDS[int if allowed.whole else float])
    if value < allowed.low:
        raise _beyond(name, value, allowed, "below minimum", f">= {allowed.low}", "below_min_value")
    if value > allowed.high:
        raise _beyond(name, value, allowed, "above maximum", f"<= {allowed.high}", "above_max_value")
    return value


def texts(value: object, name: str) -> list[str]:
    """A text, a list of them, or tokens in their place, which are read as the words that their numbers are."""
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        raise wrong(value, name, "a string or an array")
    if value and all(type(one) is int for one in value):
        return [_words(value)]
    return [_text(one, f"{name}[{at}]") for at, one in enumerate(value)]


def _text(value: object, name: str) -> str:
    if isinstance(value, list) and all(type(one) is int for one in value):
        return _words(value)
    if not isinstance(value, str):
        raise wrong(value, name, "a string")
    return value


def _words(numbers: Sequence[int]) -> str:
    return " ".join(map(str, numbers))


def wrong(value: object, name: str, expected: str) -> Refused:
    told = f"expected {expected}, but got {_KINDS[type(value)]} instead."
    return Refused(f"Invalid type for '{name}': {told}", name, "invalid_type")


def missing(name: str) -> Refused:
    return Refused(f"Missing required parameter: '{name}'.", name, "missing_required_parameter")


def unknown(value: object, name: str, known: Sequence[str]) -> Refused:
    told = ", ".join(f"'{one}'" for one in known[:-1]) + f" and '{known[-1]}'"
    return Refused(f"Invalid value: '{told_value(value)}'. Supported values are: {told}.", name, "invalid_value")


def told_value(value: object) -> str:
    """Short, and only its kind where it is no text: the depths of a list may be more than can be written."""
    return value[:100] if isinstance(value, str) else _KINDS[type(value)]


def too_long(name: str, most: int, length: int) -> Refused:
    told = f"Expected an array with maximum length {most}, but got an array with length {length} instead."
    return Refused(f"Invalid '{name}': array too long. {told}", name, "array_above_max_length")


def _beyond(name: str, value: float, allowed: Number, side: str, expected: str, code: str) -> Refused:
    kind = "integer" if allowed.whole else "decimal"
    told = f"Expected a value {expected}, but got {value} instead."
    return Refused(f"Invalid '{name}': {kind} {side} value. {told}", name, f"{kind}_{code}")
