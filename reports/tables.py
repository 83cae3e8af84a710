"""The rows of one arm and pair as columns, taken block by block: what every figure of a request is made of."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import chain, compress
from math import inf
from typing import Any

import numpy as np
import pandas as pd

from records.folder import APP, CALLS, MODEL, REQUESTS
from records.join import Row
from records.rows import OUTCOMES
from reports.columns import Columns, Numbers, Words
from reports.fields import TOLD_OF_REQUEST, Values
from reports.usable import Sieve, count_of


@dataclass(frozen=True)
class Whose:
    """What the rows of a folder have in common; another row is of another run."""

    arm: str | None = None
    pair: int | None = None
    since_s: float = -inf
    """On the run's clock: nothing of it is older."""


class Tables:
    """All rows of one arm and pair. Requests must be taken first."""

    def __init__(self, whose: Whose = Whose()) -> None:
        self.whose = whose
        self.numbers = Numbers()
        """Of requests first, so that these are their places; ids that nobody asked for follow."""
        self.asked = 0
        self.words: defaultdict[str, Words] = defaultdict(Words, outcome=Words(*OUTCOMES))
        self.requests, self.attempts, self.told, self.calls, self.strikes, self.model = (Columns() for _ in range(6))
        self.gaps = Columns()
        self.planned: Counter[str] = Counter()
        self.sieves = {name: Sieve(name) for name in TAKE}
        self.strangers = dict.fromkeys(TAKE, 0)
        """Rows of another run."""
        self.unknown, self.twice = 0, 0
        """Rows of requests with an outcome that we do not know, and with an id that came before."""
        for name in TAKE:
            self.take(name, [])

    def take(self, name: str, rows: list[Row]) -> None:
        """The next rows of this file."""
        TAKE[name](self, rows)

    def problems(self, where: str, name: str) -> list[str]:
        """A sentence for whatever was left out of this file."""
        told = self.sieves[name].problems(where)
        if self.strangers[name]:
            told.append(f"{where}: {count_of(self.strangers[name])} left out, of another arm, pair or run")
        if name == REQUESTS and self.unknown + self.twice:
            left_out = count_of(self.unknown + self.twice)
            told.append(f"{where}: {left_out} left out, their request id came before or their outcome is unknown")
        return told

    def coded(self, columns: dict[str, Any], *names: str) -> dict[str, Values]:
        """These columns of texts as codes."""
        return {name: self.words[name].codes(columns.pop(name)) for name in names}

    def column(self, name: str, codes: Values) -> pd.Categorical:
        """The texts of these codes."""
        return self.words[name].column(codes)

    def ours(self, name: str, columns: dict[str, Any], time: str) -> dict[str, Any]:
        """What is of this run; the rest is counted."""
        own = ~(columns[time] < self.whose.since_s)
        if name == REQUESTS:
            own &= _among(columns["arm"], {None, self.whose.arm}) | (self.whose.arm is None)
            own &= self.whose.pair is None or columns["pair"] == self.whose.pair
        self.strangers[name] += int((~own).sum())
        return _kept(columns, own)


def _among(values: list[Any], known: Collection[Any]) -> Values:
    if set(values).issubset(known):
        return np.ones(len(values), dtype=bool)
    return np.array([value in known for value in values], dtype=bool)


def _kept(columns: dict[str, Any], keep: Values) -> dict[str, Any]:
    return columns if keep.all() else {name: _kept_of(values, keep) for name, values in columns.items()}


def _kept_of(values: Any, keep: Values) -> Any:
    if isinstance(values, tuple):
        flat, lengths = values
        return flat[np.repeat(keep, lengths)], lengths[keep]
    return values[keep] if isinstance(values, np.ndarray) else list(compress(values, keep))


def _take_requests(tables: Tables, rows: list[Row]) -> None:
    columns = tables.ours(REQUESTS, tables.sieves[REQUESTS].take(rows), "intended_s")
    known = _among(columns["outcome"], OUTCOMES)
    columns = _kept(columns, known)
    numbers = tables.numbers.of(columns["request_id"])
    first = numbers > np.maximum.accumulate(np.append(tables.asked - 1, numbers))[:-1]
    columns = _kept(columns, first)
    tables.unknown, tables.twice = tables.unknown + int((~known).sum()), tables.twice + int((~first).sum())
    tables.asked = len(tables.numbers)
    del columns["request_id"], columns["arm"]
    us, lengths = columns.pop("gaps_us")
    tables.gaps.add({"us": us})
    coded = tables.coded(columns, "task", "prompt_key", "proof", "error", "served_by", "outcome")
    tables.requests.add({**columns, **coded, "gaps": lengths})


def _take_app(tables: Tables, rows: list[Row]) -> None:
    # The app's log is its own: it may tell of other things than attempts and requests.
    sieve = tables.sieves[APP]
    columns = sieve.take([row for row in rows if row.get("event") == "attempt"])
    coded = tables.coded(columns, "reason", "model")
    end = tables.words["end"].codes(columns.pop("outcome"))
    tables.attempts.add({"number": tables.numbers.of(columns.pop("request_id")), **columns, **coded, "outcome": end})
    columns = sieve.take([row for row in rows if row.get("event") == "request"], TOLD_OF_REQUEST)
    served_by = tables.words["served_by"].codes([by or None for by in columns["served_by"]])
    degraded = np.array(columns["degraded"], dtype=bool)
    tables.told.add({"number": tables.numbers.of(columns["request_id"]), "served_by": served_by, "degraded": degraded})


def _take_calls(tables: Tables, rows: list[Row]) -> None:
    columns = tables.ours(CALLS, tables.sieves[CALLS].take(rows), "started_s")
    tables.planned.update(chain.from_iterable(columns.pop("planned")))
    struck = columns.pop("struck")
    _take_strikes(tables, [(call, fault) for call, faults in enumerate(struck, tables.calls.rows) for fault in faults])
    coded = tables.coded(columns, "path", "model", "prompt_key")
    number = tables.numbers.of(columns.pop("request_id"))
    tables.calls.add({"number": number, **columns, **coded, "struck": np.fromiter(map(bool, struck), bool, len(struck))})


def _take_strikes(tables: Tables, struck: list[tuple[int, Row]]) -> None:
    faults = [fault for _, fault in struck]
    columns = {name: [fault[name] for fault in faults] for name in ("fault", "kind")}
    columns["bug"] = [str(fault.get("bug") or "") for fault in faults]
    told = {name: _numbers_told(faults, name) for name in ("at_s", "message", "byte")}
    calls = np.array([call for call, _ in struck], dtype=np.int64)
    tables.strikes.add({"call": calls, **tables.coded(columns, "fault", "kind", "bug"), **told})


def _numbers_told(faults: list[Row], name: str) -> Values:
    """Of what a kind tells only if it likes."""
    return np.array([value if type(value := fault.get(name)) in (int, float) else None for fault in faults], dtype=float)


def _take_model(tables: Tables, rows: list[Row]) -> None:
    columns = tables.ours(MODEL, tables.sieves[MODEL].take(rows), "started_s")
    coded = tables.coded(columns, "model")
    tables.model.add({"number": tables.numbers.of(columns.pop("request_id")), **columns, **coded})


TAKE: Mapping[str, Callable[[Tables, list[Row]], None]] = {
    REQUESTS: _take_requests,
    APP: _take_app,
    CALLS: _take_calls,
    MODEL: _take_model,
}


def tables_of(rows: Mapping[str, list[Row]], whose: Whose = Whose()) -> Tables:
    """The tables of rows that are at hand."""
    tables = Tables(whose)
    for name in TAKE:
        tables.take(name, rows[name])
    return tables
