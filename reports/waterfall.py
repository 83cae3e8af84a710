"""Single requests, told to the token: those that failed, were slow, or were recovered; a fair sample where they are many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from records.folder import MODEL
from reports.arm import Arm
from reports.entries import reasons_of, saw_of, served_by_of, with_places
from reports.fields import Values
from reports.frames import NOWHERE
from reports.ledger import Struck, Try, Waterfall

MOST, SLOWEST = 200, 20
FAILED, SLOW, RECOVERED = "failed", "slowest right", "recovered from"


@dataclass(frozen=True)
class Group:
    """Requests that are worth a look for one reason; each is in the first group it belongs to."""

    name: str
    """failed, slowest right, or recovered from (a kind of fault)."""
    shown: int
    of: int


@dataclass(frozen=True)
class Details:
    """Requests of one arm, one by one, and how they were picked."""

    arm: str
    waterfalls: tuple[Waterfall, ...]
    """In the order of the groups."""
    groups: tuple[Group, ...]

    @property
    def left_out(self) -> int:
        """Requests of these groups that are not shown."""
        return sum(one.of - one.shown for one in self.groups)

    @property
    def sentence(self) -> str:
        """Which requests are shown, and how many of how many; empty where there are none."""
        told = [f"{f'{one.shown:,} of ' if one.shown < one.of else ''}{one.of:,} {one.name}" for one in self.groups]
        picked = " Those of many are picked evenly over the run." if self.left_out else ""
        return f"Shown one by one: {', '.join(told)}.{picked}" if told else ""


def waterfalls(arm: Arm, most: int = MOST) -> Details:
    """All failed requests, the slowest right ones, and those recovered from each kind of fault.

    Where there are more than `most`, the failed ones get at least half of the room, the other groups equal parts of the rest.
    """
    every = _worth_a_look(arm)
    rooms = _rooms({name: len(places) for name, places in every.items()}, most)
    picked = {name: _evenly(arm, places, rooms[name]) for name, places in every.items()}
    groups = tuple(Group(name, len(picked[name]), len(places)) for name, places in every.items())
    return Details(arm.name, tuple(waterfalls_of(arm, np.concatenate([np.zeros(0, int), *picked.values()]))), groups)


def _worth_a_look(arm: Arm) -> dict[str, Values]:
    """The groups that hold any request, as places in the arm's rows, each place once."""
    rows, strikes = arm.rows, arm.strikes[arm.strikes["at"] != NOWHERE]
    right = np.flatnonzero(rows["right"])
    slow = right[np.argsort(-rows["own_s"].to_numpy()[right], kind="stable")[:SLOWEST]]
    survived = strikes[rows["recovered"].to_numpy()[strikes["at"].to_numpy()]]
    recovered = {f"{RECOVERED} {kind}": np.unique(at.to_numpy()) for kind, at in survived.groupby("kind", observed=True)["at"]}
    free, found = np.ones(len(rows), dtype=bool), {}
    for name, places in {FAILED: np.flatnonzero(rows["failed"]), SLOW: slow, **recovered}.items():
        found[name] = places[free[places]]
        free[places] = False
    return {name: places for name, places in found.items() if len(places)}


def _rooms(sizes: Mapping[str, int], most: int) -> dict[str, int]:
    """How many of each group to show."""
    failed = sizes.get(FAILED, 0)
    left, found = most - min(failed, most // 2), {}
    others = sorted((size, name) for name, size in sizes.items() if name != FAILED)
    for number, (size, name) in enumerate(others):
        # The smallest first: what it does not need is for the others.
        found[name] = min(size, left // (len(others) - number))
        left -= found[name]
    return found | {FAILED: min(failed, most - sum(found.values()))}


def _evenly(arm: Arm, places: Values, room: int) -> Values:
    """So many of them, evenly spread in the order in which they were due."""
    if len(places) <= room:
        return places
    rows = arm.rows.iloc[places]
    in_order = places[np.lexsort((rows["start_s"], rows["pair"]))]
    return np.asarray(in_order[np.linspace(0, len(places) - 1, room).round().astype(int)])


def waterfalls_of(arm: Arm, places: Values) -> list[Waterfall]:
    """The requests in these places of the arm's rows, one by one, in this order."""
    rows = arm.rows.iloc[places]
    strikes, attempts = (with_places(table, places, len(arm.rows)) for table in (arm.strikes, arm.attempts))
    attempts = attempts.assign(reason=reasons_of(attempts))
    told = rows.assign(place=places, saw=saw_of(rows, arm.deadline_s), served_by=served_by_of(rows, attempts))
    if MODEL not in arm.sources:
        told = told.assign(tokens_spent=np.nan, tokens_wasted=np.nan)
    lines = told.reset_index(names="request_id").to_dict("records")
    together = zip(lines, _split(attempts, len(rows)), _split(strikes, len(rows)), strict=True)
    return [_waterfall(arm, of, tries, struck) for of, tries, struck in together]


def _split(table: pd.DataFrame, count: int) -> list[list[dict[str, Any]]]:
    """The lines of each request; they are in its order."""
    lines: list[list[dict[str, Any]]] = [[] for _ in range(count)]
    for line in table.to_dict("records"):
        lines[line["at"]].append({str(name): value for name, value in line.items()})
    return lines


def _waterfall(arm: Arm, of: Mapping[Any, Any], tries: Sequence[dict[str, Any]], struck: Sequence[dict[str, Any]]) -> Waterfall:
    due_s, gaps_us = of["intended_s"], arm.gaps.of(of["place"])
    first_s = _since(of["first_token_s"], due_s)
    tokens_s = () if first_s is None else (first_s, *(first_s + np.cumsum(gaps_us, dtype=np.int64) / 1e6).tolist())
    return Waterfall(
        arm=arm.name,
        pair=int(of["pair"]),
        request_id=of["request_id"],
        task=_text(of["task"]),
        prompt_key=_text(of["prompt_key"]),
        outcome=str(of["outcome"]),
        saw=of["saw"],
        served_by=of["served_by"],
        proof=_text(of["proof"]),
        error=_text(of["error"]),
        sent_s=of["sent_s"] - due_s,
        first_token_s=first_s,
        finished_s=of["finished_s"] - due_s,
        tokens_s=tokens_s,
        tries=tuple(_try(one, due_s) for one in tries),
        struck=tuple(_struck(one, due_s) for one in struck),
        tokens_spent=_known(of["tokens_spent"]),
        tokens_wasted=_known(of["tokens_wasted"]),
    )


def _try(one: Mapping[str, Any], due_s: float) -> Try:
    times = {name: _since(one[name], due_s) for name in ("started_s", "first_token_s", "finished_s")}
    tokens = {name: _known(one[name]) for name in ("tokens_in", "tokens_out")}
    status = _known(one["status"])
    whole = None if status is None else int(status)
    return Try(one["attempt"], one["reason"], one["model"], **times, status=whole, outcome=one["outcome"], **tokens)


def _struck(one: Mapping[str, Any], due_s: float) -> Struck:
    message = _known(one["message"])
    whole = None if message is None else int(message)
    return Struck(one["fault"], one["kind"], one["attempt"], _since(one["at_s"], due_s), whole)


def _known(value: float) -> float | None:
    # NaN is what differs from itself.
    return value if value == value else None


def _since(value_s: float, due_s: float) -> float | None:
    return _known(value_s - due_s)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
