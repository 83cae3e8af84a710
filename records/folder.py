"""A run's folder: where everything is, and the manifest that says what was run."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from records.bad_input import BadInput

REQUESTS, APP, CALLS, MODEL = "requests.jsonl", "app.jsonl", "calls.jsonl", "model.jsonl"
GENERATOR = "generator.jsonl"
"""How punctual the load generator was: worker, arrivals, lag_p95_s and lag_worst_s, a row for each of its processes."""
CHANGES = "changes.jsonl"
"""What was changed about the faults while the proxy ran."""
STRATA = "strata.json"
"""Of the run: which faults were made more frequent than on the day they stand for, and what weight undoes it, by request."""

PROMPTS = "prompts.json"
"""Of the run: the questions of its workload by their keys."""


@dataclass(frozen=True)
class ArmFolder:
    """One arm of one pair: `<arm>-<pair>/`."""

    path: Path
    arm: str
    pair: int

    @property
    def logs(self) -> Path:
        return self.path / "logs"


@dataclass(frozen=True)
class RunFolder:
    """`runs/<id>/`"""

    path: Path

    @property
    def manifest_path(self) -> Path:
        return self.path / "run.json"

    def arm(self, arm: str, pair: int) -> ArmFolder:
        return ArmFolder(self.path / f"{arm}-{pair:02d}", arm, pair)

    def arms(self) -> list[ArmFolder]:
        """The arms that left rows, in the manifest's order, then by pair."""
        manifest = self.manifest()
        names = [arm["name"] for arm in manifest["arms"]]
        every = [self.arm(name, pair) for name in names for pair in range(1, manifest["pairs"] + 1)]
        return [arm for arm in every if (arm.path / REQUESTS).exists()]

    def manifest(self) -> dict[str, Any]:
        try:
            found = json.loads(self.manifest_path.read_text())
        except FileNotFoundError:
            raise BadInput(f"{self.path}: not a run, it holds no run.json. Runs are the folders below runs/") from None
        except ValueError as error:
            raise BadInput(f"{self.manifest_path}: not readable as JSON ({error})") from None
        if not isinstance(found, dict) or not {"arms", "pairs", "state"} <= found.keys():
            raise BadInput(f"{self.manifest_path}: not a run's manifest, it must name arms, pairs and state")
        return found

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        """Replace the manifest in one step: a crash leaves the old one or the new one, never half of one."""
        self.path.mkdir(parents=True, exist_ok=True)
        fresh = self.manifest_path.with_suffix(".tmp")
        fresh.write_text(json.dumps(manifest, indent=1) + "\n")
        os.replace(fresh, self.manifest_path)
