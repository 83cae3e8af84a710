"""Reviews in a column of a CSV file."""

import csv
from collections.abc import Iterator
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TextIO

from reference_app.reviews.row import MOST_LINE, Row, Unusable, cut, id_of, lines_of, row_of


def csv_rows(file: TextIO, path: Path, column: str, id: str) -> Iterator[Row]:
    """By the header's names; what cannot be read is told in its place."""
    cuts: list[bool] = []
    reader = csv.reader(_noting(file, cuts), strict=True)
    # Of the whole process: nothing else in it reads CSV.
    csv.field_size_limit(MOST_LINE - 1)
    header = _header(reader, path)
    place = _place(header, column, path)
    named = header.index(id) if id in header else len(header)
    for number, record in enumerate(_records(reader), 1):
        yield _of_csv(number, record, place, named, f'The row has no column "{header[place]}".', any(cuts))
        cuts.clear()


def _noting(file: TextIO, cuts: list[bool]) -> Iterator[str]:
    for line, is_cut in lines_of(file):
        cuts.append(is_cut)
        yield line


def _records(reader: Any) -> Iterator[list[str] | str]:
    """The fields of each record; of one that cannot be read, why."""
    while True:
        first = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # A quote that is never closed takes many lines along.
            yield f"The row is no CSV: {error} (lines {first} to {reader.line_num})."
        else:
            # As csv.DictReader does: a line without anything is no row.
            if record:
                yield record


def _of_csv(number: int, record: list[str] | str, place: int, named: int, missing: str, is_cut: bool) -> Row:
    if isinstance(record, str):
        return Row(number, problem=cut() if is_cut else record)
    id = id_of(record[named]) if named < len(record) else None
    if place < len(record):
        return row_of(number, record[place], id, is_cut)
    return Row(number, "", id, cut() if is_cut else missing)


def _header(reader: Any, path: Path) -> list[str]:
    with suppress(csv.Error, StopIteration):
        header: list[str] = next(reader)
        return header
    raise Unusable(f"{path} has no header line, which names the columns of a CSV file")


def _place(header: list[str], column: str, path: Path) -> int:
    if not column and len(header) == 1:
        return 0
    if column in header:
        return header.index(column)
    near = get_close_matches(column, header, n=1)
    told = f'{path} has no column "{column}".' if column else f"{path} has several columns: name the one with the reviews."
    hint = f' Did you mean "{near[0]}"?' if near else ""
    raise Unusable(f"--column: {told}{hint} Known: {_printable(', '.join(header))}")


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()[:500]
