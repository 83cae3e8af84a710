"""A small scenario for the whole real stack, and the command that runs it."""

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

SCENARIO = """
name = "small"
summary = "the real stack, small"
seed = 7
plan = "small-plan.toml"

[workload]
rate_per_s = 8.0
users = 30
spawn_per_s = 30.0
duration_s = 8.0
deadline_s = 6.0
prompts = 8

[model]
first_token_s = 0.15
gap_s = 0.01
words = 18

[arms.off]
features = "none"

[arms.on]
features = "all"

[bounds]
p95 = "on.p95_s <= 0.8 * off.p95_s"
wrong = "on.wrong_share <= 0"
"""

PLAN = """
seed = 7

[[fault]]
name = "cuts"
kind = "cut"
share = 0.25
at = [3, 7]
reset = [false, true]
routes = "/api/chat"

[[fault]]
name = "503"
kind = "answer"
share = 0.10
status = 503
routes = "/api/chat"

[[fault]]
name = "422"
kind = "answer"
share = 0.05
status = 422
attempts = 1
routes = "/api/chat"
"""


@dataclass
class Ran:
    """A run that has ended: its folder, its exit code, and what it printed."""

    folder: Path
    code: int
    said: str


def headwind(*words: object, cwd: Path, timeout_s: float = 110) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness", *map(str, words)]
    environment = {**os.environ, "COLUMNS": "160"}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=timeout_s, env=environment, check=False)


def write_scenario(folder: Path, scenario: str = SCENARIO, plan: str = PLAN) -> Path:
    (folder / "small-plan.toml").write_text(textwrap.dedent(plan))
    path = folder / "small.toml"
    path.write_text(textwrap.dedent(scenario))
    return path


def run_small(folder: Path) -> Ran:
    done = headwind("run", write_scenario(folder), cwd=folder)
    (run,) = (folder / "runs").iterdir()
    return Ran(run, done.returncode, done.stdout + done.stderr)
