"""One run's folder of every sort that a report can tell of, for what must hold of all of them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from records.folder import RunFolder
from tests.reports.shown import write_strata

COUNT = 60
MARGIN = {"tolerance": 0.1, "failure_tolerance": 0.005}
ABLATION = {
    "on": "on",
    "off": "off",
    "features": {name: {"alone": f"only-{name}", "left_out": f"without-{name}"} for name in ("cache", "retry")},
}


def all_sorts(folder: Path, rows: SimpleNamespace) -> dict[str, RunFolder]:
    """By name."""
    off, on = rows.simulate("off", COUNT), rows.simulate("on", COUNT)
    changed = rows.Files(**vars(rows.simulate("off", 30)) | {"changes": [rows.a_change(1, "off", fault="unprocessable")]})
    told: dict[str, dict[str, Any]] = {
        "plain": {"off": off, "on": on},
        "partial": {"off": off, "on": rows.Files(), "state": "partial", "bounds": ["on.p95_s <= 9"], "plan": None},
        "three": {"off": off, "cache": on, "on": on, "pairs": 2, "clocks": None, "scenario": None},
        "changed": {"off": changed},
        "raised": {"off": off, "on": on},
        "gate": {"off": off, "on": on, "bounds": [], "gate": a_gate()},
        "ablation": {"off": off, "on": on, **arms_of(ABLATION, rows), "bounds": [], "ablation": ABLATION},
        "bare": {"off": rows.Files(requests=off.requests)},
    }
    found = {name: _written(folder / name, given, rows) for name, given in told.items()}
    write_strata(found["raised"], COUNT)
    found["bare"].write_manifest({"arms": [{"name": "off"}], "pairs": 1, "state": "complete", "deadline_s": 10.0})
    return found


def _written(path: Path, given: dict[str, Any], rows: SimpleNamespace) -> RunFolder:
    arms = {name: one for name, one in given.items() if isinstance(one, rows.Files)}
    changes = {name: one for name, one in given.items() if name not in arms}
    return rows.write_run(path, arms, **changes)  # type: ignore[no-any-return]


def a_gate(**more: Any) -> dict[str, Any]:
    """A manifest's `gate`: "on" against "off", and the other way round, each decided after one pair."""
    sides = [("off", "on"), ("on", "off")]
    compared = [{"base": base, "candidate": candidate, "expected": ""} for base, candidate in sides]
    return {"comparisons": compared, "looks": [{"pairs": 1, "alpha": 0.5}], "counted": [1], "told": [], **MARGIN} | more


def arms_of(ablation: dict[str, Any], rows: SimpleNamespace) -> dict[str, Any]:
    """The arms that it made; with the retry all that fails is recovered."""
    names = [name for of in ablation["features"].values() for name in of.values()]
    made = {name: rows.simulate("off" if name in ("only-cache", "without-retry") else "on", COUNT) for name in names}
    for name, files in made.items():
        files.requests = [row | {"arm": name} for row in files.requests]
    return made
