"""Reads a run's folder into arms; whatever is missing or torn is told, not swallowed."""

import gc
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from records.bad_input import BadInput
from records.folder import APP, CALLS, CHANGES, GENERATOR, MODEL, REQUESTS, STRATA, ArmFolder, RunFolder
from records.join import Measurement, Row, join
from records.jsonl import Rows, read_rows
from reports.arm import Arm, Change, Strike, changes_of, columns, strikes_of, windows_of
from reports.manifest import read_manifest
from reports.strata import NOTHING_REWEIGHTED, Strata, parse_strata
from reports.tally import Tally, tally
from reports.usable import known, usable

OPTIONAL = frozenset({GENERATOR, CHANGES})
"""Files whose absence nobody needs to be told."""


@dataclass(frozen=True)
class Run:
    """All that a run's folder holds."""

    folder: RunFolder
    manifest: dict[str, Any]
    arms: tuple[Arm, ...]
    """Every arm of the manifest, in its order, also one that left nothing."""
    problems: tuple[str, ...]
    strata: Strata | None = None
    """What makes an ordinary day of a run whose rare faults were made frequent."""

    @property
    def plan_faults(self) -> list[dict[str, Any]]:
        return plan_faults(self.manifest)

    @property
    def seed(self) -> int:
        """What its intervals are drawn by."""
        return abs(int(self.manifest.get("seed") or 0))


def plan_faults(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return (manifest.get("plan") or {}).get("faults", [])  # type: ignore[no-any-return]


def load(folder: RunFolder) -> Run:
    """The run of a folder; one without any request is bad input."""
    manifest = read_manifest(folder)
    problems: list[str] = []
    with _without_collector():
        arms = tuple(_load_arm(folder, arm["name"], manifest, problems) for arm in manifest["arms"])
    if not any(len(arm.rows) or arm.aborted for arm in arms):
        raise BadInput(_no_rows(folder, manifest), *(told for told in problems if "left out" in told))
    strata = _read_strata(folder, problems)
    return Run(folder, manifest, arms, tuple(problems), strata)


def _read_strata(folder: RunFolder, problems: list[str]) -> Strata | None:
    try:
        text = (folder.path / STRATA).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadInput(f"{folder.path / STRATA}: not readable ({error.strerror})") from None
    try:
        return parse_strata(orjson.loads(text), problems)
    except orjson.JSONDecodeError as error:
        problems.append(f"{STRATA}: not readable as JSON ({error}). {NOTHING_REWEIGHTED}")
        return None


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


def _no_rows(folder: RunFolder, manifest: dict[str, Any]) -> str:
    first = folder.arm(manifest["arms"][0]["name"], 1)
    where = f"Read {first.logs} to see why" if first.logs.exists() else "Nothing was ever sent"
    again = f", then repeat it: {manifest['command']}" if manifest.get("command") else ""
    return f"{folder.path}: a run without rows, no usable request in any {REQUESTS}. {where}{again}"


def has_rows(folder: RunFolder) -> bool:
    """Whether the run holds any request that a report could tell of."""
    read_manifest(folder)
    return any(_read(arm, (REQUESTS,), set(), [])[REQUESTS] for arm in folder.arms())


def _load_arm(folder: RunFolder, name: str, manifest: dict[str, Any], problems: list[str]) -> Arm:
    measurements: list[Measurement] = []
    strikes: list[Strike] = []
    changes: list[Change] = []
    planned: Counter[str] = Counter()
    sources: set[str] = set()
    tallies: list[Tally] = []
    for pair in range(1, manifest["pairs"] + 1):
        of = folder.arm(name, pair)
        rows = _read(of, FILES, sources, problems)
        joined = join(rows[REQUESTS], rows[APP], rows[CALLS], rows[MODEL])
        measurements += joined
        tallies.append(tally(of.path.name, joined, rows))
        first_s = min((one.request["intended_s"] for one in joined), default=0.0)
        strikes += strikes_of(rows[CALLS], first_s)
        changes += changes_of(rows[CHANGES], pair, first_s)
        planned.update(fault for call in rows[CALLS] for fault in call["planned"])
    frame = columns(measurements, manifest["deadline_s"])
    aborted = len(measurements) - len(frame)
    return Arm(
        name,
        frame,
        aborted,
        manifest["deadline_s"],
        frozenset(sources),
        dict(planned),
        strikes,
        tuple(changes),
        windows_of(plan_faults(manifest)),
        tuple(tallies),
    )


FILES = (REQUESTS, APP, CALLS, MODEL, GENERATOR, CHANGES)


def _read(arm: ArmFolder, names: Iterable[str], sources: set[str], problems: list[str]) -> dict[str, list[Row]]:
    """The usable rows of these files; `sources` gathers which of them are there."""
    found: dict[str, list[Row]] = {}
    for name in names:
        where, path = f"{arm.path.name}/{name}", arm.path / name
        if path.exists():
            sources.add(name)
        elif name in OPTIONAL:
            found[name] = []
            continue
        read = _read_file(path)
        problems += [f"{arm.path.name}/{problem}" for problem in read.problems]
        # The app's log is its own: it may tell of other things than attempts and requests.
        rows = [row for row in read.rows if row.get("event") in ("attempt", "request")] if name == APP else read.rows
        rows = usable(where, name, rows, problems)
        found[name] = known(where, rows, problems) if name == REQUESTS else rows
    return found


def _read_file(path: Path) -> Rows:
    try:
        return read_rows(path, orjson.loads)
    except OSError as error:
        raise BadInput(f"{path}: not readable ({error.strerror})") from None
