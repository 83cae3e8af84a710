"""JSON-lines files that survive a crash: a row is one write, a torn last line is told and left out."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


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
    path = Path(path)
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return Rows(problems=[f"{path.name}: missing"])
    found, torn = Rows(), lines.pop()
    if torn:
        found.problems.append(f"{path.name}: the last line is torn ({len(torn)} bytes) and left out")
    for number, line in enumerate(lines, 1):
        try:
            row = loads(line)
        except ValueError:
            row = None
        if isinstance(row, dict):
            found.rows.append(row)
        else:
            found.problems.append(f"{path.name}:{number}: not a row, left out")
    return found
