"""The reviews of a file, row by row: CSV, JSON lines or text. What is wrong with a row is told in its place."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import Any, TextIO

import orjson

from reference_app.reviews.csv_rows import csv_rows
from reference_app.reviews.row import Row, Unusable, cut, id_of, lines_of, row_of

KINDS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl"}
"""By the end of the file's name; any other is text."""


@dataclass(frozen=True)
class Source:
    """`field` is CSV's column or JSON's field with the review, `id` the one that names it, where there is such a one."""

    path: Path
    kind: str
    field: str = ""
    id: str = "id"

    def rows(self) -> Iterator[Row]:
        """Each in its place, with little memory."""
        with self.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="" if self.kind == "csv" else "\n") as file:
            if self.kind == "csv":
                yield from csv_rows(file, self.path, self.field, self.id)
            else:
                yield from (self._jsonl if self.kind == "jsonl" else self._text)(file)

    def fingerprint(self) -> str:
        """Of the whole content."""
        with self.path.open("rb") as file:
            return file_digest(file, lambda: blake2b(digest_size=16)).hexdigest()

    def _text(self, file: TextIO) -> Iterator[Row]:
        for number, (line, is_cut) in enumerate(lines_of(file), 1):
            yield row_of(number, line.rstrip("\r\n"), None, is_cut)

    def _jsonl(self, file: TextIO) -> Iterator[Row]:
        for number, (line, is_cut) in enumerate(lines_of(file), 1):
            try:
                told: Any = orjson.loads("null" if is_cut else line)
            except orjson.JSONDecodeError as error:
                yield row_of(number, line, None, is_cut, f"The row is no JSON: {error}.")
            else:
                yield self._of_json(number, told, is_cut)

    def _of_json(self, number: int, told: Any, is_cut: bool) -> Row:
        if isinstance(told, str):
            return row_of(number, told, None, is_cut)
        known = told if isinstance(told, dict) else {}
        text = known.get(self.field)
        if isinstance(text, str):
            return row_of(number, text, id_of(known.get(self.id)), is_cut)
        why = f'The row has no text in the field "{self.field}".'
        return Row(number, "", id_of(known.get(self.id)), cut() if is_cut else why)


def source_of(path: Path, kind: str = "", column: str = "", field: str = "", id: str = "id") -> Source:
    """Of the file at `path`; Unusable where there is nothing to read, or not what was named."""
    if not path.is_file():
        raise Unusable(f"{path} is no file that can be read")
    kind = kind or KINDS.get(path.suffix.lower(), "text")
    if column and kind != "csv":
        raise Unusable(f"--column: {path} is read as {kind}, which has no columns. Is it --format csv?")
    if field and kind != "jsonl":
        raise Unusable(f"--field: {path} is read as {kind}, which has no fields. Is it --format jsonl?")
    source = Source(path, kind, column if kind == "csv" else field or "text", id)
    try:
        # Whether it can be opened, and its header read.
        next(source.rows(), None)
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}") from None
    return source
