"""The file of answers. It is also the state of the work: what is in it is done, whatever ended the process that wrote it."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from reference_app.reviews.row import Unusable

BESIDE = ".from"
"""Ends the name of a small file that tells what the answers were made from."""


@dataclass
class Output:
    """Whole lines only, one for each row, in their order."""

    path: Path
    file: int
    done: int = 0
    failed: int = 0
    """Of those, how many are errors."""

    def write(self, told: dict[str, Any]) -> None:
        """One line in one write: a process that is killed leaves it whole, or its beginning at the end of the file."""
        rest = orjson.dumps(told) + b"\n"
        try:
            while rest:
                rest = rest[os.write(self.file, rest) :]
        except OSError as error:
            raise Unusable(f"{self.path} cannot be written: {error.strerror}; row {self.done + 1} and on are missing") from None
        self.done += 1
        self.failed += "error" in told

    def close(self) -> None:
        """Gives up the lock, too."""
        os.close(self.file)


def open_output(path: Path, made_from: dict[str, Any]) -> Output:
    """To go on after the last whole line; Unusable where that would make a file of two halves that do not belong together."""
    if path.exists() and not path.is_file():
        raise Unusable(f"--out: {path} is no plain file: what is done could not be read back")
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError as error:
        raise Unusable(f"--out: {path} cannot be written: {error.strerror}") from None
    output = Output(path, file)
    try:
        _lock(output)
        _compare(path, made_from)
        _recount(output)
    except BaseException:
        output.close()
        raise
    return output


def _lock(output: Output) -> None:
    try:
        fcntl.flock(output.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Unusable(f"--out: {output.path} is being written by another process") from None


def _compare(path: Path, made_from: dict[str, Any]) -> None:
    beside = path.with_name(path.name + BESIDE)
    if path.stat().st_size == 0:
        fresh = beside.with_name(beside.name + ".new")
        fresh.write_bytes(orjson.dumps(made_from))
        fresh.replace(beside)
        return
    try:
        before: Any = orjson.loads(beside.read_bytes())
        changed = sorted(name for name in made_from if before.get(name) != made_from[name])
    except (OSError, ValueError, AttributeError):
        told = f"{path} is there, and {beside.name}, which tells what it was made from, is not readable"
        raise Unusable(f"--out: {told}. Name another file, or remove this one") from None
    if changed:
        told = "; ".join(f"{name} was {before.get(name)!r} and is {made_from[name]!r}" for name in changed)
        raise Unusable(f"--out: {path} was begun with something else: {told}. Name another file, or remove this one")


def _recount(output: Output) -> None:
    """What is done; a last line that is not whole is cut off."""
    whole_bytes = 0
    with output.path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                os.ftruncate(output.file, whole_bytes)
                return
            told = _told(line)
            if told.get("row") != number:
                raise Unusable(f"--out: {output.path}, line {number} is not about row {number}: it was changed since")
            whole_bytes += len(line)
            output.done = number
            output.failed += "error" in told


def _told(line: bytes) -> dict[str, Any]:
    try:
        told: Any = orjson.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
