"""Reads a TOML table strictly: what is unknown, of the wrong type or out of range becomes a problem; none stops it."""

from collections.abc import Collection
from math import inf, isfinite
from typing import Any

from records.bad_input import unknown

_NAMES = {str: "a text", bool: "true or false", list: "a list", dict: "a table"}


class Table:
    """One table of a TOML file. Problems gather in a list shared by all tables of the file; `close` tells unknown keys."""

    def __init__(self, where: str, values: object, problems: list[str], name: str = "") -> None:
        self.where, self.problems, self.name = where, problems, name
        self.values: dict[str, Any] = {}
        self.asked: set[str] = set()
        if isinstance(values, dict):
            self.values = values
        else:
            problems.append(f"{where}: must be a table, got {values!r}")

    def problem(self, key: str, text: str) -> None:
        self.problems.append(f"{self._at(key)}: {text}")

    def _at(self, key: str) -> str:
        if not key:
            return self.where
        return f"{self.where}{', ' if self.where.endswith('.toml') else '.'}{key}"

    def _take(self, key: str, default: Any, required: bool) -> Any:
        self.asked.add(key)
        if key not in self.values and required:
            self.problem(key, "is missing")
        return self.values.get(key, default)

    def _typed(self, key: str, default: Any, kind: type, required: bool) -> Any:
        value = self._take(key, default, required)
        if value is default or isinstance(value, kind):
            return value
        self.problem(key, f"must be {_NAMES[kind]}, got {value!r}")
        return default

    def text(self, key: str, default: str = "", *, required: bool = False) -> str:
        return self._typed(key, default, str, required)  # type: ignore[no-any-return]

    def flag(self, key: str, default: bool = False) -> bool:
        return self._typed(key, default, bool, False)  # type: ignore[no-any-return]

    def items(self, key: str) -> list[Any]:
        return self._typed(key, [], list, False)  # type: ignore[no-any-return]

    def choice(self, key: str, default: str, known: Collection[str], what: str) -> str:
        value = self.text(key, default)
        if value in known:
            return value
        self.problem(key, unknown(what, value, known))
        return default

    def number(
        self,
        key: str,
        default: float = 0.0,
        low: float = -inf,
        high: float = inf,
        *,
        whole: bool = False,
        required: bool = False,
    ) -> Any:
        value = self._take(key, default, required)
        if value is default:
            return value
        sort = "a whole number" if whole else "a number"
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or not isfinite(value):
            self.problem(key, f"must be {sort}, got {value!r}")
        elif not low <= value <= high:
            self.problem(key, f"must be {_range(low, high)}, got {value!r}")
        else:
            return value
        return default

    def table(self, key: str) -> "Table":
        return Table(self._at(key), self._take(key, {}, False), self.problems, key)

    def each(self) -> "list[Table]":
        """The tables it holds under names of the user's choice."""
        return [self.table(key) for key in self.values]

    def tables(self, key: str) -> "list[Table]":
        """The tables of an array; `where` counts them from 0."""
        entries = self.items(key)
        return [Table(f"{self._at(key)}[{number}]", entry, self.problems) for number, entry in enumerate(entries)]

    def close(self) -> None:
        """Tell the keys nobody asked for."""
        for key in sorted(self.values.keys() - self.asked):
            self.problem(key, unknown("key", key, self.asked))


def _range(low: float, high: float) -> str:
    if high == inf:
        return f"at least {low:g}"
    if low == -inf:
        return f"at most {high:g}"
    return f"between {low:g} and {high:g}"
