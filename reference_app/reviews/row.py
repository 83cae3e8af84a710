"""A row of a file of reviews, and what may be wrong with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TextIO

MOST_CHARS = 32_000
"""Of a review: as many as /chat takes."""
MOST_LINE = 2**20
"""Characters of a line, or of a CSV field: so that no file, however odd, is read into memory."""


class Unusable(Exception):
    """What was asked for cannot be done; the sentence says why, and what is allowed."""


@dataclass(frozen=True, slots=True)
class Row:
    """A review, or what is wrong with it. `number` counts from 1."""

    number: int
    text: str = ""
    id: str | int | float | None = None
    problem: str = ""


def row_of(number: int, text: str, id: str | int | float | None, is_cut: bool, problem: str = "") -> Row:
    """With the first thing that is wrong with it."""
    if is_cut:
        return Row(number, "", id, cut())
    if not _is_utf8(text):
        return Row(number, "", id, "The row is not valid UTF-8.")
    if problem or not text.strip():
        return Row(number, "", id, problem if text.strip() else "The review is empty.")
    if len(text) > MOST_CHARS:
        return Row(number, "", id, f"The review has {len(text)} characters; at most {MOST_CHARS} are allowed.")
    return Row(number, text, id)


def cut() -> str:
    """What is wrong with a row of which only the beginning was read."""
    return f"The row is longer than {MOST_LINE} characters."


def _is_utf8(text: str) -> bool:
    # What was no UTF-8 has become halves of characters, which cannot be written.
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def id_of(told: Any) -> str | int | float | None:
    """A name that can be written again; None of anything else."""
    if isinstance(told, str):
        return told if _is_utf8(told) and len(told) <= MOST_CHARS else None
    return told if isinstance(told, int | float) else None


def lines_of(file: TextIO) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it was so long that it was cut."""
    while line := file.readline(MOST_LINE):
        rest = line
        while len(rest) == MOST_LINE and not rest.endswith("\n"):
            rest = file.readline(MOST_LINE)
        yield line, rest is not line
