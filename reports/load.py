"""Reads a run's folder into arms; whatever is missing or torn is told, not swallowed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from records.bad_input import BadInput
from records.folder import REQUESTS, STRATA, RunFolder
from records.foreign import NO_JOINS
from reports.arm import Arm, changes_of, windows_of
from reports.frames import gather
from reports.manifest import read_manifest
from reports.reading import Order, PairRead, has_requests
from reports.side_by_side import read_all
from reports.strata import NOTHING_REWEIGHTED, Strata, parse_strata
from reports.terms import on_terms, terms_of


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


def load(folder: RunFolder, only_pair: int | None = None) -> Run:
    """The run of a folder, or one pair of it; without any request it is bad input."""
    manifest = read_manifest(folder)
    pairs = range(1, manifest["pairs"] + 1) if only_pair is None else (only_pair,)
    names = [arm["name"] for arm in manifest["arms"]]
    began_s = (manifest.get("clocks") or {}).get("monotonic_s")
    told = manifest["deadline_s"], began_s, bool(manifest.get("app"))
    orders = [Order(folder.arm(name, pair), *told) for name in names for pair in pairs]
    read = read_all(orders)
    problems = [problem for one in read for problem in one.problems]
    arms = tuple(_arm_of(name, [one for one in read if one.arm == name], manifest) for name in names)
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


def _no_rows(folder: RunFolder, manifest: dict[str, Any]) -> str:
    first = folder.arm(manifest["arms"][0]["name"], 1)
    where = f"Read {first.logs} to see why" if first.logs.exists() else "Nothing was ever sent"
    again = f", then repeat it: {manifest['command']}" if manifest.get("command") else ""
    return f"{folder.path}: a run without rows, no usable request in any {REQUESTS}. {where}{again}"


def has_rows(folder: RunFolder) -> bool:
    """Whether the run holds any request that a report could tell of."""
    read_manifest(folder)
    return any(has_requests(arm) for arm in folder.arms())


def _arm_of(name: str, pairs: Sequence[PairRead], manifest: dict[str, Any]) -> Arm:
    changes = [change for one in pairs for change in changes_of(one.changes, one.pair, one.first_s)]
    faults = next(arm.get("faults") is not False for arm in manifest["arms"] if arm["name"] == name)
    return Arm(
        name,
        on_terms(gather([one.frames for one in pairs]), terms_of(manifest)),
        manifest["deadline_s"],
        frozenset().union(*(one.sources for one in pairs)),
        dict(sum((one.planned for one in pairs), Counter())),
        tuple(changes),
        windows_of(plan_faults(manifest)) if faults else (),
        tuple(one.tally for one in pairs),
        sum((one.joins for one in pairs), NO_JOINS),
        faults,
    )
