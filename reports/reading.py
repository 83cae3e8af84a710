"""Reads the folder of one arm and pair, block by block, into its tables; whatever is missing or torn is told."""

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import orjson

from records.bad_input import BadInput
from records.folder import APP, CHANGES, GENERATOR, REQUESTS, ArmFolder
from records.foreign import NO_JOINS, Joins
from records.join import Row
from records.jsonl import blocks
from reports.foreign_calls import joined
from reports.frames import Frames, first_s, frames
from reports.tables import TAKE, Tables, Whose
from reports.tally import Tally, tally
from reports.usable import usable

MOST_EARLY_S = 1.0
"""No row of a run is older than its manifest by more than this."""


@dataclass(frozen=True)
class Order:
    """What is to be read, and what the manifest tells of it."""

    folder: ArmFolder
    deadline_s: float
    began_s: float | None
    """On the run's clock; None where the manifest does not tell."""
    own_app: bool = False
    """Whether the app is one of the user's own, which leaves no rows of ours."""

    @property
    def whose(self) -> Whose:
        own = Whose(self.folder.arm, self.folder.pair)
        return own if self.began_s is None else Whose(own.arm, own.pair, self.began_s - MOST_EARLY_S)


@dataclass(frozen=True)
class PairRead:
    """What the folder of one arm and pair told."""

    arm: str
    pair: int
    frames: Frames
    tally: Tally
    first_s: float
    """When its first request was due, on the run's clock."""
    sources: frozenset[str] = frozenset()
    """Which files of rows are there."""
    planned: Counter[str] = field(default_factory=Counter)
    changes: tuple[Row, ...] = ()
    joins: Joins = NO_JOINS
    problems: tuple[str, ...] = ()


def read_pair(order: Order) -> PairRead:
    """All that the folder tells."""
    folder, problems = order.folder, list[str]()
    with _without_collector():
        tables = Tables(order.whose)
        for name in TAKE:
            if name == APP and order.own_app and not (folder.path / name).exists():
                continue
            _read_into(tables, folder, name, problems)
        generator, changes = (_few_rows(folder, name, problems) for name in (GENERATOR, CHANGES))
        joins, how = joined(tables)
        found = frames(tables, order.deadline_s, how)
    sources = frozenset(name for name in (*TAKE, GENERATOR, CHANGES) if (folder.path / name).exists())
    counts = tally(folder.path.name, tables, found, generator)
    told = tables.planned, tuple(changes), joins, tuple(problems)
    return PairRead(folder.arm, folder.pair, found, counts, first_s(tables), sources, *told)


def has_requests(folder: ArmFolder) -> bool:
    """Whether it holds any usable request."""
    tables = Tables()
    with _without_collector():
        for rows in _blocks(folder, REQUESTS, []):
            tables.take(REQUESTS, rows)
            if tables.asked:
                return True
    return False


def _read_into(tables: Tables, folder: ArmFolder, name: str, problems: list[str]) -> None:
    for rows in _blocks(folder, name, problems):
        tables.take(name, rows)
    problems += tables.problems(f"{folder.path.name}/{name}", name)


def _few_rows(folder: ArmFolder, name: str, problems: list[str]) -> list[Row]:
    """The usable rows of a file that need not be there, and never holds many."""
    if not (folder.path / name).exists():
        return []
    rows = [row for block in _blocks(folder, name, problems) for row in block]
    return usable(f"{folder.path.name}/{name}", name, rows, problems)


def _blocks(folder: ArmFolder, name: str, problems: list[str]) -> Iterator[list[Row]]:
    path = folder.path / name
    try:
        for block in blocks(path, orjson.loads):
            problems += [f"{folder.path.name}/{problem}" for problem in block.problems]
            yield block.rows
    except OSError as error:
        raise BadInput(f"{path}: not readable ({error.strerror})") from None


@contextmanager
def _without_collector() -> Iterator[None]:
    # Rows are trees without cycles; the collector would walk all of them again and again while they pile up.
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
