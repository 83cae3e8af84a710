"""What Locust costs, and how true its first-token times are: 50 streams at once through the whole stack, without faults."""

import time
import tomllib
from collections.abc import Iterable
from pathlib import Path

from harness.processes import Process, Processes
from harness.run import locust_command
from harness.scenario import Scenario, parse_scenario
from harness.stack import StackPlan, start_stack
from records.folder import MODEL, REQUESTS, RunFolder
from records.jsonl import read_rows

SCENARIO = """
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
    path = folder / "bench.toml"
    path.write_text(SCENARIO)
    scenario = parse_scenario(tomllib.loads(SCENARIO), SCENARIO, path)
    cost_ms, streams = _run(scenario, RunFolder(folder / "load"))
    rows = {row["request_id"]: row for row in read_rows(folder / "load/off-01" / REQUESTS).rows if row["outcome"] == "ok"}
    truth = {row["request_id"]: row["first_token_s"] for row in read_rows(folder / "load/off-01" / MODEL).rows}
    seen_ms = _p95_ms(row["first_token_s"] - row["sent_s"] for row in rows.values())
    true_ms = _p95_ms(truth[key] - row["sent_s"] for key, row in rows.items())
    late_ms = _p95_ms(row["first_token_s"] - truth[key] for key, row in rows.items())
    error = f"{seen_ms - true_ms:.1f} ms, {100 * (seen_ms / true_ms - 1):.2f} %"
    return [
        f"Load generator, {streams} streams of 100 tokens, about 50 at once, through app and proxy, without faults:",
        f"  CPU ms a stream, rows included           {cost_ms:.2f} (aim: at most 5)",
        f"  TTFT P95 reported                        {seen_ms:.1f} ms; by the model server's own stamps {true_ms:.1f} ms",
        f"  error                                    {error} (aim: at most 2 ms or 1 %; app and proxy are in between)",
        f"  from the server's stamp to the user, P95 {late_ms:.1f} ms",
    ]


def _run(scenario: Scenario, run: RunFolder) -> tuple[float, int]:
    folder = run.arm("off", 1)
    with Processes() as processes:
        url = start_stack(processes, StackPlan(scenario.physics, None, None, "none", scenario.workload.deadline_s), folder)
        locust = processes.start("locust", locust_command(scenario, folder, url), folder.logs / "locust.log")
        return _cost_ms(locust, folder.path / REQUESTS)


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
    ordered = sorted(values)
    return 1000 * ordered[-(-95 * len(ordered) // 100) - 1]
