"""Reads a run's folder into arms; whatever is missing or torn is told, not swallowed."""

import gc
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import orjson

from records.bad_input import BadInput
from records.folder import APP, CALLS, MODEL, REQUESTS, ArmFolder, RunFolder
from records.join import Measurement, Row, join
from records.jsonl import read_rows
from records.rows import OUTCOMES, RequestRow
from reports.arm import Arm, Strike, columns, strikes_of

NEEDED = {
    REQUESTS: set(RequestRow.__dataclass_fields__) - {"arm", "task", "prompt_key", "gaps_us", "proof", "error"},
    APP: {"request_id"},
    CALLS: {"request_id", "status", "struck", "planned", "started_s"},
    MODEL: {"request_id", "tokens_in", "tokens_out"},
}
"""Without these a row cannot be joined or measured."""


@dataclass(frozen=True)
class Run:
    """All that a run's folder holds."""

    folder: RunFolder
    manifest: dict[str, Any]
    arms: tuple[Arm, ...]
    """Every arm of the manifest, in its order, also one that left nothing."""
    problems: tuple[str, ...]

    @property
    def plan_faults(self) -> list[dict[str, Any]]:
        return (self.manifest.get("plan") or {}).get("faults", [])  # type: ignore[no-any-return]


def load(folder: RunFolder) -> Run:
    """The run of a folder; one without any request is bad input."""
    manifest = folder.manifest()
    if not isinstance(manifest.get("deadline_s"), int | float):
        raise BadInput(f"{folder.manifest_path}: deadline_s is missing, so no failure can be given a duration")
    problems: list[str] = []
    with _without_collector():
        arms = tuple(_load_arm(folder, arm["name"], manifest, problems) for arm in manifest["arms"])
    if not any(len(arm.rows) or arm.aborted for arm in arms):
        raise BadInput(*_no_rows(folder, manifest))
    return Run(folder, manifest, arms, tuple(problems))


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


def _no_rows(folder: RunFolder, manifest: dict[str, Any]) -> list[str]:
    first = folder.arm(manifest["arms"][0]["name"], 1) if manifest["arms"] else None
    where = f"Read {first.logs} to see why" if first and first.logs.exists() else "Nothing was ever sent"
    again = f", then repeat it: {manifest['command']}" if manifest.get("command") else ""
    return [f"{folder.path}: a run without rows, no request in any {REQUESTS}. {where}{again}"]


def _load_arm(folder: RunFolder, name: str, manifest: dict[str, Any], problems: list[str]) -> Arm:
    measurements: list[Measurement] = []
    strikes: list[Strike] = []
    planned: Counter[str] = Counter()
    sources: set[str] = set()
    for pair in range(1, manifest["pairs"] + 1):
        rows = _read(folder.arm(name, pair), sources, problems)
        joined = join(rows[REQUESTS], rows[APP], rows[CALLS], rows[MODEL])
        measurements += joined
        first_s = min((one.request["intended_s"] for one in joined), default=0.0)
        strikes += strikes_of(rows[CALLS], first_s)
        planned.update(fault for call in rows[CALLS] for fault in call["planned"])
    frame = columns(measurements, manifest["deadline_s"])
    aborted = len(measurements) - len(frame)
    return Arm(name, frame, aborted, manifest["deadline_s"], frozenset(sources), dict(planned), strikes)


def _read(arm: ArmFolder, sources: set[str], problems: list[str]) -> dict[str, list[Row]]:
    found = {}
    for name in NEEDED:
        path = arm.path / name
        read = read_rows(path, orjson.loads)
        if path.exists():
            sources.add(name)
        problems += [f"{arm.path.name}/{problem}" for problem in read.problems]
        # The app's log is its own: it may tell of other things than attempts and requests.
        rows = [row for row in read.rows if row.get("event") in ("attempt", "request")] if name == APP else read.rows
        found[name] = _usable(f"{arm.path.name}/{name}", rows, NEEDED[name], problems)
    found[REQUESTS] = _known(f"{arm.path.name}/{REQUESTS}", found[REQUESTS], problems)
    return found


def _usable(where: str, rows: list[Row], needed: set[str], problems: list[str]) -> list[Row]:
    try:
        # Nearly always all rows are whole, and this tells it three times faster than asking each one.
        deque(map(itemgetter(*needed), rows), maxlen=0)
    except KeyError:
        usable = [row for row in rows if needed <= row.keys()]
        lacking = next(needed - row.keys() for row in rows if not needed <= row.keys())
        problems.append(f"{where}: {len(rows) - len(usable)} rows left out, they lack {', '.join(sorted(lacking))}")
        return usable
    return rows


def _known(where: str, rows: list[Row], problems: list[str]) -> list[Row]:
    """The requests with an outcome we know, each id once."""
    known = {row["request_id"]: row for row in reversed(rows) if row["outcome"] in OUTCOMES}
    if len(known) == len(rows):
        return rows
    problems.append(
        f"{where}: {len(rows) - len(known)} rows left out, their request id came before or their outcome is unknown"
    )
    return list(reversed(known.values()))
