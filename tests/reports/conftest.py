"""Runs as the four processes would have left them: rows field for field, faults and fates drawn by key."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from records.chance import draw, normal
from records.folder import APP, CALLS, CHANGES, GENERATOR, MODEL, REQUESTS, RunFolder
from records.rows import CallRow, ChangeRow, GenerationRow, RequestRow
from reports import render_json
from reports.arm import Arm, changes_of
from reports.frames import frames
from reports.load import load
from reports.report import Report, make_report
from reports.schema import schema
from reports.tables import tables_of
from reports.terms import Terms, on_terms
from tests.json_schema import problems
from tests.reports.all_sorts import all_sorts

DEADLINE_S = 10.0
FAULTS = [
    {"name": "cut between chunk 3 and 7", "kind": "cut", "share": 0.12},
    {"name": "service unavailable", "kind": "answer", "share": 0.03},
    {"name": "unprocessable", "kind": "answer", "share": 0.01},
    {"name": "slow first token", "kind": "latency", "share": 0.05},
]
BEGAN_S = 5000.0
"""The run's clock when the first request was due: never 0 in a real run."""
GAPS = 40


@dataclass
class Files:
    """The rows of one arm and pair, by file."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    app: list[dict[str, Any]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    model: list[dict[str, Any]] = field(default_factory=list)
    generator: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)

    def named(self) -> dict[str, list[dict[str, Any]]]:
        found = {REQUESTS: self.requests, APP: self.app, CALLS: self.calls, MODEL: self.model, GENERATOR: self.generator}
        return found | {CHANGES: self.changes}


def as_row(row: RequestRow | CallRow | GenerationRow | ChangeRow) -> dict[str, Any]:
    return {one.name: getattr(row, one.name) for one in fields(row)}


def a_request(number: int = 1, **changes: Any) -> RequestRow:
    """A right answer after 2 s, the first token after 0.7 s, unless told otherwise."""
    due = changes.get("intended_s", BEGAN_S + number)
    usual: dict[str, Any] = {
        "request_id": f"p01-{number:06d}",
        "arm": "off",
        "pair": 1,
        "task": "stream",
        "prompt_key": f"q{number % 60}",
        "intended_s": due,
        "sent_s": due + 0.001,
        "first_token_s": due + 0.7,
        "finished_s": due + 2.0,
        "status": 200,
        "outcome": "ok",
        "served_by": "model",
        "tokens": GAPS,
        "longest_gap_s": 0.05,
        "proof": "complete",
    }
    return RequestRow(**usual | changes)


def a_call(
    request_id: str, attempt: int = 1, status: int = 200, faults: list[dict[str, Any]] = [], at_s: float = BEGAN_S
) -> CallRow:
    names = [fault["name"] for fault in faults]
    struck = [{"fault": one["name"], "kind": one["kind"], "at_s": at_s + 0.1, "message": 3, "byte": 210} for one in faults]
    struck = [told | ({"bug": one["bug"]} if "bug" in one else {}) for told, one in zip(struck, faults, strict=True)]
    return CallRow(request_id, attempt, "/api/chat", "llama3.2", at_s, at_s + 1.8, status, 4000, names, struck, [])


def a_change(after_s: float, action: Any, by: str = "web ui", began_s: float = BEGAN_S, **more: Any) -> dict[str, Any]:
    """A row of changes.jsonl, so many seconds after the first request was due."""
    return as_row(ChangeRow(began_s + after_s, action, by, **more))


def a_generation(request_id: str, attempt: int, tokens_out: int, at_s: float) -> GenerationRow:
    return GenerationRow(request_id, attempt, "llama3.2", 12, tokens_out, at_s, at_s, at_s + 1.8, False, at_s + 0.7)


def simulate(arm: str, count: int, seed: int = 7, rate_per_s: float = 15.0, slower: float = 1.0) -> Files:
    """The article's weather over `count` requests; every arm but "off" has all features on."""
    files, on, due = Files(), arm != "off", BEGAN_S if arm == "off" else BEGAN_S + 100
    for number in range(1, count + 1):
        due += (0.5 + draw(seed, "arrival", str(number))) / rate_per_s
        _one(files, arm, on, f"p01-{number:06d}", due, seed, slower)
    return files


def _one(files: Files, arm: str, on: bool, key: str, due: float, seed: int, slower: float) -> None:
    number = int(key[4:])
    first_s = 0.7 * slower * 2.718 ** (0.3 * normal(draw(seed, f"{arm} first", key)))
    gap_s = 0.03 * 2.718 ** (0.2 * normal(draw(seed, f"{arm} gap", key)))
    request = a_request(number, arm=arm, intended_s=due, sent_s=due + 0.002 * draw(seed, f"{arm} lag", key))
    request.gaps_us = [int(gap_s * 1e6 * (0.5 + ((number * 7 + n * 13) % 100) / 100)) for n in range(GAPS - 1)]
    request.longest_gap_s = max(request.gaps_us) / 1e6
    took_s = first_s + sum(request.gaps_us) / 1e6
    if on and draw(seed, "cached", key) < 0.3:
        request.served_by, first_s, took_s = "cache", 0.01, 0.02
        _finish(request, due, first_s, took_s)
    else:
        _called(files, request, on, seed, first_s, took_s)
    files.requests.append(as_row(request))
    told = {"event": "request", "route": "/chat/stream", "served_by": request.served_by, "degraded": False, "features": []}
    files.app.append({"request_id": key, **told})


def _called(files: Files, request: RequestRow, on: bool, seed: int, first_s: float, took_s: float) -> None:
    key, due = request.request_id, request.intended_s
    met = [fault for fault in FAULTS if draw(seed, fault["name"], key) < fault["share"]][:1]
    name = met[0]["name"] if met else ""
    status = {"service unavailable": 503, "unprocessable": 422}.get(name, 200)
    _attempt(files, key, 1, status, met, due)
    if name == "slow first token":
        first_s, took_s = first_s + 1.4, took_s + 1.4
    _finish(request, due, first_s, took_s)
    if name == "unprocessable":
        _broke(request, "rejected", 422, 0.05)
    elif name in ("cut between chunk 3 and 7", "service unavailable") and on:
        request.served_by, request.finished_s = "recovery", request.finished_s + 0.8
        _attempt(files, key, 2, 200, [], due + 1)
    elif name == "service unavailable":
        _broke(request, "http_error", 503, 0.05)
    elif name:
        orderly = draw(seed, "orderly", key) < 0.5
        if name != "slow first token":
            _broke(request, "truncated" if orderly else "cut", 200, first_s + 0.15)


def _finish(request: RequestRow, due: float, first_s: float, took_s: float) -> None:
    request.first_token_s, request.finished_s = due + first_s, due + min(took_s, DEADLINE_S)
    if took_s > DEADLINE_S:
        request.outcome = "timeout"


def _broke(request: RequestRow, outcome: Any, status: int, after_s: float) -> None:
    request.outcome, request.status, request.finished_s = outcome, status, request.intended_s + after_s
    request.served_by = None
    if status != 200:
        request.first_token_s, request.tokens, request.longest_gap_s, request.gaps_us = None, 0, None, []


def _attempt(files: Files, key: str, attempt: int, status: int, met: list[dict[str, Any]], at_s: float) -> None:
    files.calls.append(as_row(a_call(key, attempt, status, met, at_s)))
    told = {"request_id": key, "attempt": attempt, "reason": "first" if attempt == 1 else "retry", "model": "llama3.2"}
    files.app.append(
        {"event": "attempt", **told, "started_s": at_s, "finished_s": at_s + 1.8, "status": status, "outcome": "ok"}
    )
    if status == 200:
        files.model.append(as_row(a_generation(key, attempt, GAPS, at_s)))


def an_arm(
    requests: list[RequestRow],
    calls: list[CallRow] = [],
    generations: list[GenerationRow] = [],
    name: str = "off",
    changes: list[dict[str, Any]] = [],
    **terms: Any,
) -> Arm:
    """An arm as `reports.load` makes it, without the files; `terms`: goodput and prices."""
    called = [as_row(call) for call in calls]
    rows = {REQUESTS: [as_row(one) for one in requests], APP: [], CALLS: called}
    found = frames(tables_of(rows | {MODEL: [as_row(one) for one in generations]}), DEADLINE_S)
    found = on_terms(found, Terms(DEADLINE_S, **terms))
    first_s = min((one.intended_s for one in requests), default=0.0)
    sources = frozenset({REQUESTS} | ({CALLS} if calls else set()) | ({MODEL} if generations else set()))
    told = tuple(changes_of(changes, 1, first_s))
    return Arm(name, found, DEADLINE_S, sources, changes=told)


def a_manifest(arms: tuple[str, ...] = ("off", "on"), **changes: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "id": "20260101-120000-article",
        "state": "complete",
        "seed": 7,
        "scenario": {"name": "article", "path": "scenarios/article.toml", "text": 'name = "article"\n', "summary": "50 users"},
        "plan": {"name": "article", "path": "faults/plans/article.toml", "text": "seed = 7\n", "faults": FAULTS},
        "arms": [{"name": arm, "features": "none" if arm == "off" else "all"} for arm in arms],
        "pairs": 1,
        "deadline_s": DEADLINE_S,
        "duration_s": 35.0,
        "rate_per_s": 15.0,
        "bounds": ["on.p95_s <= 0.5 * off.p95_s", "on.wrong_share <= 0"] if "off" in arms and "on" in arms else [],
        "versions": {"python": "3.11.7", "headwind": "0.1.0", "locust": "2.47.0"},
        "machine": {"system": "Linux", "cores": 2, "processor": "x86_64"},
        "clocks": {"monotonic_s": 4990.0, "wall_s": 1767261600.0},
        "command": "headwind run article",
        "cpu_share": {},
    }
    return usual | changes


def write_run(path: Path, arms: dict[str, Files], /, **changes: Any) -> RunFolder:
    """A run's folder with these rows; an arm's file that has no rows is not written."""
    folder = RunFolder(path)
    folder.write_manifest(a_manifest(tuple(arms)) | changes)
    for arm, files in arms.items():
        for name, rows in files.named().items():
            if rows:
                target = folder.arm(arm, 1).path / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return folder


@pytest.fixture(scope="session")
def rows() -> SimpleNamespace:
    """The builders above: rows.a_request(7, outcome="cut"), rows.an_arm([...]), rows.simulate("on", 500), ..."""
    made = (a_request, a_call, a_change, a_generation, a_manifest, an_arm, as_row, simulate, write_run, rewrite_manifest, Files)
    return SimpleNamespace(
        FAULTS=FAULTS, DEADLINE_S=DEADLINE_S, BEGAN_S=BEGAN_S, as_json=json.dumps, **{one.__name__: one for one in made}
    )


@pytest.fixture
def a_run(tmp_path: Path) -> Callable[..., RunFolder]:
    """a_run(off=Files(...), state="partial"): a run's folder on disk; without arms the article's weather, 500 requests each."""

    def make(name: str = "a-run", **given: Any) -> RunFolder:
        arms = {key: value for key, value in given.items() if isinstance(value, Files)}
        changes = {key: value for key, value in given.items() if key not in arms}
        return write_run(tmp_path / name, arms or {"off": simulate("off", 500), "on": simulate("on", 500)}, **changes)

    return make


def rewrite_manifest(folder: RunFolder, **changes: Any) -> None:
    folder.manifest_path.write_text(json.dumps(folder.manifest() | changes))


published = cache(schema)


@pytest.fixture(autouse=True)
def _keeps_to_its_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever run a test makes up: its report.json is as the published schema says."""

    def checked(report: Report, told: Callable[[Report], dict[str, Any]] = render_json.as_told) -> dict[str, Any]:
        found = told(report)
        assert problems(orjson.loads(orjson.dumps(found, option=orjson.OPT_SERIALIZE_NUMPY)), published()) == []
        return found

    monkeypatch.setattr(render_json, "as_told", checked)


@pytest.fixture
def found(a_run: Callable[..., RunFolder]) -> Report:
    """The report of the article's weather."""
    return make_report(load(a_run()))


@pytest.fixture(scope="session")
def article(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The same, made once for all tests that only read it."""
    arms = {arm: simulate(arm, 500) for arm in ("off", "on")}
    return make_report(load(write_run(tmp_path_factory.mktemp("article") / "a-run", arms)))


@pytest.fixture(scope="session")
def sorts(tmp_path_factory: pytest.TempPathFactory, rows: SimpleNamespace) -> dict[str, Report]:
    """A report of every sort of run, by name: see `tests.reports.all_sorts`."""
    folders = all_sorts(tmp_path_factory.mktemp("sorts"), rows)
    return {name: make_report(load(folder)) for name, folder in folders.items()}
