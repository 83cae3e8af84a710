"""Columns that grow by blocks: numbers as they are, request ids and texts as codes."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from reports.fields import Values

UNKNOWN = -1
"""The code of no word."""


class Numbers(dict[str, int]):
    """Request ids, numbered in the order in which they came."""

    def __missing__(self, id_: str) -> int:
        self[id_] = number = len(self)
        return number

    def of(self, ids: Sequence[str]) -> Values:
        return np.fromiter(map(self.__getitem__, ids), np.int64, len(ids))


class Words(dict[str | None, int]):
    """The texts of a column, each by its code."""

    def __init__(self, *known: str) -> None:
        super().__init__({None: UNKNOWN} | {word: code for code, word in enumerate(known)})

    def __missing__(self, word: str) -> int:
        self[word] = code = len(self) - 1
        return code

    def codes(self, words: Sequence[str | None]) -> Values:
        return np.fromiter(map(self.__getitem__, words), np.int32, len(words))

    def column(self, codes: Values) -> pd.Categorical:
        """The texts themselves; the categories are in alphabetical order, whatever came first."""
        words = [word for word in self if word is not None]
        order = np.argsort(np.array(words, dtype=object), kind="stable")
        ranks = np.append(np.argsort(order), UNKNOWN)
        return pd.Categorical.from_codes(ranks[codes], pd.Index([words[at] for at in order], dtype=object))


class Columns:
    """A table that grows by blocks, in few large arrays: thousands of small ones would leave memory in pieces."""

    def __init__(self) -> None:
        self._room: dict[str, Values] = {}
        self.rows = 0

    def add(self, columns: Mapping[str, Values]) -> None:
        rows = self.rows + len(next(iter(columns.values())))
        for name, values in columns.items():
            room = self._room.setdefault(name, values)
            if len(room) < rows:
                self._room[name] = np.empty(2 * rows, values.dtype)
                self._room[name][: self.rows] = room[: self.rows]
            self._room[name][self.rows : rows] = values
        self.rows = rows

    def picked(self, kept: Values) -> "Columns":
        """These rows only."""
        found = Columns()
        found.add({name: self[name][kept] for name in self._room})
        return found

    def __getitem__(self, name: str) -> Values:
        """The whole column."""
        return self._room[name][: self.rows]

    def __setitem__(self, name: str, values: Values) -> None:
        self._room[name] = values
