"""One request of a run as it was recorded, and all that it takes to ask it again."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import orjson

from faults.actions import state_of
from faults.found import find_kinds
from faults.plan import Plan
from faults.reading import read_plan
from harness.kept import PLAN, SCRIPTS
from harness.manifest import physics_of, workload_of
from harness.own_app import from_told
from harness.stack import StackPlan
from model_server.physics import Physics
from records.bad_input import BadInput, unknown
from records.folder import CALLS, CHANGES, PROMPTS, REQUESTS, STRATA, ArmFolder, RunFolder
from records.jsonl import read_rows
from records.rows import EMBEDS, PROBES
from reports.manifest import is_embedded, read_manifest
from scenarios.ticket import Ticket
from scenarios.workload import Workload

Row = dict[str, Any]


@dataclass(frozen=True)
class Fate:
    """What became of a request: its row, and those of its calls by attempt."""

    request: Row
    calls: list[Row]


class Recorded:
    """A run, as far as one of its requests needs it."""

    def __init__(self, path: Path, request_id: str, arm: str | None) -> None:
        self.run, self.request_id = RunFolder(path), request_id
        manifest = self.manifest = read_manifest(self.run)
        if not is_embedded(manifest):
            raise BadInput(f"{path}: its app was there already (--host), so there is no stack of ours to start again")
        arms = {one["name"]: one for one in manifest["arms"]}
        name = arm or manifest["arms"][-1]["name"]
        if name not in arms:
            raise BadInput(f"--arm: {unknown('arm', name, arms)}")
        self.arm = arms[name]
        self.folder, self.fate = self._find()
        if manifest.get("app") and not self.fate.calls:
            told = "no call bears its id. Of an app of your own, only requests whose x-request-id it passes on can be replayed"
            raise BadInput(f"{path}, {request_id}: {told}")
        self.workload, self.physics, self.seed = self._read_setup()
        self.plan = self._read_plan()

    def _find(self) -> tuple[ArmFolder, Fate]:
        """The pair that holds the request, and what became of it there."""
        ids: list[str] = []
        for pair in range(1, self.manifest["pairs"] + 1):
            folder = self.run.arm(self.arm["name"], pair)
            rows = {row.get("request_id"): row for row in read_rows(folder.path / REQUESTS, orjson.loads).rows}
            if self.request_id in rows:
                return folder, fate(folder, self.request_id)
            ids += map(str, rows)
        raise BadInput(f"{self.run.path}: {_stranger(self.request_id, ids, self.arm['name'])}")

    def _read_setup(self) -> tuple[Workload, Physics, int]:
        try:
            return workload_of(self.run), physics_of(self.run), int(self.manifest["seed"])
        except (TypeError, KeyError):
            told = "does not say its workload, model and seed as this version of Headwind does"
            raise BadInput(f"{self.run.manifest_path}: {told}. Run its scenario again") from None

    @property
    def _kept_plan(self) -> Path | None:
        told = self.manifest.get("plan")
        return self.run.path / PLAN / Path(told["path"]).name if told else None

    @property
    def _scripts(self) -> Path | None:
        kept = self.run.path / PLAN / SCRIPTS
        return kept if kept.exists() else None

    def _read_plan(self) -> Plan:
        return read_plan(self._kept_plan, find_kinds(self._scripts or "")) if self._kept_plan else Plan()

    @property
    def at_s(self) -> float:
        """When it was asked, by the clock of the plan's windows."""
        calls = [row for row in read_rows(self.folder.path / CALLS, orjson.loads).rows if row.get("path") not in PROBES]
        began_s = min((row["started_s"] for row in calls), default=self.fate.request["sent_s"])
        own_s = min((row["started_s"] for row in self.fate.calls), default=self.fate.request["sent_s"])
        return max(0.0, float(own_s - began_s))

    def stack(self) -> StackPlan:
        strata = self.run.path / STRATA
        return StackPlan(
            physics=self.physics,
            plan_path=None if self.arm.get("faults") is False else self._kept_plan,
            plan_seed=self.manifest.get("plan_seed"),
            features=self.arm["features"],
            deadline_s=self.workload.deadline_s,
            environment=self.arm.get("environment"),
            faults_dir=self._scripts,
            shares_path=strata if strata.exists() and self.arm.get("faults") is not False else None,
            at_s=self.at_s,
            app=from_told(self.manifest.get("app")),
            prompts_path=self.run.path / PROMPTS if self.manifest.get("app") else None,
        )

    def ticket(self, folder: ArmFolder) -> Ticket:
        return Ticket(self.workload, self.seed, folder.pair, folder.arm, str(folder.path / REQUESTS))

    def notes(self) -> Iterator[str]:
        """Why it may come out differently, a sentence each."""
        if self.manifest.get("app"):
            yield "The app is one of your own: what it remembers, and whatever else it asks, is its own affair."
        if self.fate.request.get("served_by") == "cache":
            yield "It was served by the cache; that of a stack that was just started is empty."
        for fault in self.plan.faults:
            if "shared" in state_of(fault.kind):
                yield f'"{fault.name}" goes by the calls that came before; here there are none.'
        if read_rows(self.folder.path / CHANGES).rows:
            yield f"The faults were changed while the run went on ({CHANGES}); here the plan holds as it was written."


def fate(folder: ArmFolder, request_id: str) -> Fate:
    """From the rows of an arm."""
    requests = read_rows(folder.path / REQUESTS, orjson.loads).rows
    # A cache that was just started embeds when it will: only the attempts at an answer can be compared.
    every = [row for row in read_rows(folder.path / CALLS, orjson.loads).rows if row.get("path") not in EMBEDS]
    calls = [row for row in every if row.get("request_id") == request_id]
    request = next(row for row in requests if row.get("request_id") == request_id)
    return Fate(request, sorted(calls, key=lambda row: int(row["attempt"])))


def _stranger(request_id: str, ids: list[str], arm: str) -> str:
    near = get_close_matches(request_id, ids, n=1)
    hint = f' Did you mean "{near[0]}"?' if near else ""
    known = f"{len(ids)}, from {min(ids)} to {max(ids)}" if ids else "none"
    return f'"{request_id}" is not a request of arm "{arm}".{hint} Known: {known}'
