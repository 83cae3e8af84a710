"""JSON-lines files that survive a crash: a row is one write, a torn last line is told and left out."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BLOCK = 1 << 18


class RowFile:
    """Appends rows to a file. Several processes may append to the same one: each row is a single O_APPEND write."""

    def __init__(self, path: str | Path, dumps: Callable[[Any], str | bytes] = json.dumps) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._dumps = dumps
        self._file = os.open(self.path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644)

    def write(self, row: Mapping[str, Any]) -> None:
        line = self._dumps(row)
        rest = (line if isinstance(line, bytes) else line.encode()) + b"\n"
        # One write, but for a disk that is nearly full: then the row is torn, and must not run into the next.
        while rest:
            rest = rest[os.write(self._file, rest) :]

    def close(self) -> None:
        os.close(self._file)


@dataclass
class Rows:
    """What a file held: its rows, and a sentence for each thing that was wrong with it."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_rows(path: str | Path, loads: Callable[[bytes], Any] = json.loads) -> Rows:
    """All whole rows of a file; a missing file, a torn last line or a broken line in the middle is a problem, not an error."""
    found = Rows()
    for block in blocks(path, loads):
        found.rows += block.rows
        found.problems += block.problems
    return found


def blocks(path: str | Path, loads: Callable[[bytes], Any] = json.loads, size: int = BLOCK) -> Iterator[Rows]:
    """The same, about `size` bytes at a time: a file need not fit into memory."""
    path, rest, number = Path(path), b"", 1
    try:
        file = path.open("rb")
    except FileNotFoundError:
        yield Rows(problems=[f"{path.name}: missing"])
        return
    with file:
        while data := file.read(size):
            *lines, rest = (rest + data).split(b"\n")
            yield _parsed(path.name, lines, number, loads)
            number += len(lines)
    if rest:
        yield Rows(problems=[f"{path.name}: the last line is torn ({len(rest)} bytes) and left out"])


def _parsed(name: str, lines: list[bytes], first: int, loads: Callable[[bytes], Any]) -> Rows:
    """The rows of these lines, of which the first bears that number."""
    try:
        rows = list(map(loads, lines))
    except ValueError:
        rows = [_row_of(line, loads) for line in lines]
    if {dict}.issuperset(map(type, rows)):
        return Rows(rows)
    strange = [f"{name}:{number}: not a row, left out" for number, row in enumerate(rows, first) if type(row) is not dict]
    return Rows([row for row in rows if type(row) is dict], strange)


def _row_of(line: bytes, loads: Callable[[bytes], Any]) -> Any:
    try:
        return loads(line)
    except ValueError:
        return None
