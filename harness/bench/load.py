"""What Locust costs, and how true its first-token times are: 50 streams at once through the whole stack, without faults."""

import sys
import time
import tomllib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from harness.manifest import make_manifest
from harness.processes import Process, Processes
from harness.run import locust_command
from harness.scenario import Scenario, parse_scenario
from harness.stack import StackPlan, start_stack
from records.folder import MODEL, REQUESTS, ArmFolder, RunFolder
from records.jsonl import read_rows
from reports.metrics import quantile

ALONE = """
[workload]
rate_per_s = 48.0        # times 1.04 s each: about 50 at once
users = 120
spawn_per_s = 120.0
duration_s = 15.0
stream_share = 1.0
proof = false
[arms.off]
features = "none"
"""
STACK = """
[workload]
rate_per_s = 14.0        # times 3.5 s each: about 50 at once
users = 90
spawn_per_s = 90.0
duration_s = 20.0
stream_share = 1.0
prompts = 100
[model]
first_token_s = 0.5
gap_s = 0.03
words = 98
[arms.off]
features = "none"
"""


def measure_load(folder: Path) -> list[str]:
    """Lines to print."""
    alone, stack = RunFolder(folder / "alone"), RunFolder(folder / "stack")
    cost_ms, streams = _alone(_scenario(ALONE, alone), alone.arm("off", 1))
    _through_the_stack(_scenario(STACK, stack), stack.arm("off", 1))
    return [
        f"Load generator, {streams} streams of 100 tokens, about 50 at once, against an app that only speaks:",
        f"  CPU ms a stream, rows and Locust's own   {cost_ms:.2f} (aim: at most 5)",
        *_truth(alone.arm("off", 1), "the app's"),
        "Through app and proxy, without faults, about 50 streams at once:",
        *_truth(stack.arm("off", 1), "the model server's"),
    ]


def _scenario(text: str, run: RunFolder) -> Scenario:
    """The scenario, told in the run's manifest, which Locust reads."""
    scenario = parse_scenario(tomllib.loads(text), text, Path("bench.toml"))
    run.write_manifest(make_manifest(scenario, run.path.name, scenario.arms, ()))
    return scenario


def _truth(folder: ArmFolder, whose: str) -> list[str]:
    """What the rows say of first tokens, beside the stamps of who sent them."""
    stamped = {row["request_id"]: row["first_token_s"] for row in read_rows(folder.path / MODEL).rows}
    rows = {row["request_id"]: row for row in read_rows(folder.path / REQUESTS).rows if row["outcome"] == "ok"}
    seen_ms = _p95_ms(row["first_token_s"] - row["sent_s"] for row in rows.values())
    true_ms = _p95_ms(stamped[key] - row["sent_s"] for key, row in rows.items())
    late_ms = _p95_ms(row["first_token_s"] - stamped[key] for key, row in rows.items())
    error = f"{seen_ms - true_ms:.1f} ms, {100 * (seen_ms / true_ms - 1):.2f} %"
    return [
        f"  TTFT P95 reported {seen_ms:.1f} ms, by {whose} own stamps {true_ms:.1f} ms: error {error} (aim: 2 ms or 1 %)",
        f"  from the stamp to the user, P95          {late_ms:.1f} ms",
    ]


def _alone(scenario: Scenario, folder: ArmFolder) -> tuple[float, int]:
    stamps = str(folder.path / MODEL)
    with Processes() as processes:
        speaker = processes.start(
            "speaker", [sys.executable, "-m", "harness.bench.speaker", stamps], folder.logs / "speaker.log"
        )
        url = processes.await_url(speaker)
        return _cost_ms(_start_locust(processes, scenario, folder, url), folder.path / REQUESTS)


def _through_the_stack(scenario: Scenario, folder: ArmFolder) -> None:
    with Processes() as processes:
        url = start_stack(processes, StackPlan(scenario.physics, None, None, "none", scenario.workload.deadline_s), folder)
        _start_locust(processes, scenario, folder, url).child.wait(120)


def _start_locust(processes: Processes, scenario: Scenario, folder: ArmFolder, url: str) -> Process:
    return processes.start("locust", locust_command(scenario, folder, url), folder.logs / "locust.log")


def _cost_ms(locust: Process, rows: Path) -> tuple[float, int]:
    """CPU of Locust between its first rows and its last, a row."""
    counted: list[tuple[int, float]] = []
    while locust.child.poll() is None:
        cpu_s, lines = locust.cpu_s(), rows.read_bytes().count(b"\n") if rows.exists() else 0
        if cpu_s is not None and lines:
            counted.append((lines, cpu_s))
        time.sleep(0.2)
    (first, began_s), (last, ended_s) = counted[0], counted[-1]
    return (ended_s - began_s) * 1000 / (last - first), last


def _p95_ms(values: Iterable[float]) -> float:
    found = quantile(np.array(list(values)), 0.95)
    if found is None:
        raise SystemExit("No stream came back whole: there is nothing to measure.")
    return 1000 * found
