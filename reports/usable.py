"""Which rows can be used: those that hold every field a figure needs, of a type it can be computed from."""

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from records.join import Row
from reports.fields import NEEDED, OPTIONAL, Field


class Sieve:
    """Makes columns of the usable rows of one file, block by block, and counts what is left out."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.left_out, self.odd = 0, 0
        """Rows without a needed field, and rows that count without an optional one."""
        self.useless: set[str] = set()
        self.not_told: set[str] = set()

    def take(self, rows: list[Row], optional: Mapping[str, Field] | None = None) -> dict[str, Any]:
        """The column of each field, over the rows of this block that can be used."""
        needed, columns, useless = NEEDED[self.name], {}, []
        for name, field in needed.items():
            try:
                columns[name] = field.taken(_told(rows, name, ...))
            except (ValueError, OverflowError):
                useless.append(name)
        if useless:
            kept = [row for row in rows if all(needed[name].fits(row.get(name, ...)) for name in useless)]
            self.left_out += len(rows) - len(kept)
            self.useless.update(useless)
            return self.take(kept, optional)
        return columns | self._optional(rows, OPTIONAL[self.name] if optional is None else optional)

    def _optional(self, rows: list[Row], fields: Mapping[str, Field]) -> dict[str, Any]:
        columns, odd = {}, set()
        for name, field in fields.items():
            values = _told(rows, name, None)
            try:
                columns[name] = field.taken(values)
            except (ValueError, OverflowError):
                misfits = {at for at, value in enumerate(values) if not field.fits(value)}
                columns[name] = field.taken([None if at in misfits else value for at, value in enumerate(values)])
                self.not_told.add(name)
                odd |= misfits
        self.odd += len(odd)
        return columns

    def problems(self, where: str) -> list[str]:
        """A sentence for what was left out, and one for what counts without some field."""
        useless = [name for name in NEEDED[self.name] if name in self.useless]
        left_out = f"{where}: {count_of(self.left_out)} left out, without a usable {', '.join(useless)}"
        odd = f"{where}: {count_of(self.odd)} counted without {', '.join(sorted(self.not_told))}, of no usable type"
        return [told for told, count in ((left_out, self.left_out), (odd, self.odd)) if count]


def _told(rows: list[Row], name: str, otherwise: Any) -> list[Any]:
    """The values of a field, and what stands in where a row lacks it: an ellipsis is of no type that JSON knows."""
    try:
        return list(map(itemgetter(name), rows))
    except KeyError:
        return [row.get(name, otherwise) for row in rows]


def usable(where: str, name: str, rows: list[Row], problems: list[str]) -> list[Row]:
    """Of a file with few rows, those that can be used, as they are; an optional field of no usable type is None."""
    sieve, needed = Sieve(name), NEEDED[name]
    sieve.take(rows)
    problems += sieve.problems(where)
    fields = {**needed, **OPTIONAL[name]}
    return [
        {field: row[field] if field in row and of.fits(row[field]) else None for field, of in fields.items()}
        for row in rows
        if all(of.fits(row.get(field, ...)) for field, of in needed.items())
    ]


def count_of(rows: int) -> str:
    return f"{rows} row" if rows == 1 else f"{rows} rows"
