"""What a report of a million requests costs, from rows to all reports written, and whether its figures are right."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from math import isclose
from pathlib import Path
from typing import Any

import psutil

from harness.bench.drive import Spread
from harness.bench.straightforward import Figures, figures
from harness.bench.synthetic import BOUNDS, write_run
from records.folder import APP, CALLS, MODEL, REQUESTS, ArmFolder, RunFolder
from records.jsonl import read_rows

REQUESTS_OF_ALL, REQUESTS_OF_PART = 1_000_000, 50_000
ROUNDS = 3
AIM_S, AIM_MB = 30, 2000


@dataclass(frozen=True)
class Analysis:
    """One process that turned rows into reports."""

    wall_s: float
    most_mb: float
    """The most memory it and its children held together; what they share is counted once."""
    told: dict[str, Any]


def measure_analyzer(
    folder: Path, requests: int = REQUESTS_OF_ALL, part: int = REQUESTS_OF_PART, rounds: int = ROUNDS
) -> list[str]:
    """Lines to print."""
    every, few = RunFolder(folder / "every"), RunFolder(folder / "few")
    write_run(every, requests)
    megabytes = sum(path.stat().st_size for path in every.path.rglob("*.jsonl")) / 1e6
    whole = [analyse(every) for _ in range(rounds)]
    wall = Spread(tuple(one.wall_s for one in whole))
    rate = Spread(tuple(requests / one.wall_s / 1000 for one in whole))
    most = Spread(tuple(one.most_mb for one in whole))
    return [
        f"Report of {requests:,} requests, two arms, a tenth met a fault: {megabytes:,.0f} MB of rows to all formats written,",
        f"a whole process (median, least to most of {rounds} rounds):",
        f"  wall seconds                             {wall} (aim: at most {AIM_S} for a million)",
        f"  thousand requests a second               {rate}",
        f"  most memory in MB, all processes         {most} (aim: at most {AIM_MB:,} for a million)",
        *_stages(whole),
        *_beside_the_straightforward(few, min(part, requests)),
    ]


def _stages(whole: list[Analysis]) -> list[str]:
    """The seconds of each, without those that take none."""
    spreads = {stage: Spread(tuple(one.told["seconds"][stage] for one in whole)) for stage in whole[0].told["seconds"]}
    return [f"    {stage:<39}{spread}" for stage, spread in spreads.items() if max(spread.values) >= 0.005]


def _beside_the_straightforward(run: RunFolder, requests: int) -> list[str]:
    write_run(run, requests)
    ours, began_s = analyse(run), time.monotonic()
    plain = {arm: _by_hand(run.arm(arm, 1)) for arm in ("off", "on")}
    took_s = time.monotonic() - began_s
    count, strange = differing(ours.told["figures"], plain)
    figures_s = ours.told["seconds"]["rows to tables"] + ours.told["seconds"]["figures"]
    return [
        f"The same of {requests:,} requests, beside a straightforward computation, one request at a time:",
        f"  ours, a process with all reports         {ours.wall_s:.2f} s, of which from rows to figures {figures_s:.2f} s",
        f"  straightforward, from rows to metrics    {took_s:.2f} s",
        f"  figures compared                         {count}, differing: {', '.join(strange) or 'none'}",
    ]


def _by_hand(arm: ArmFolder) -> Figures:
    rows = {name: read_rows(arm.path / name).rows for name in (REQUESTS, APP, CALLS, MODEL)}
    return figures(rows, BOUNDS, rows)


def differing(ours: Mapping[str, Figures], plain: Mapping[str, Figures]) -> tuple[int, list[str]]:
    """How many figures were compared, and which are not the same: but for the rounding of sums, all must be."""
    every = [(arm, name) for arm, of in plain.items() for name in of]
    return len(every), [f"{arm}.{name}" for arm, name in every if not same(ours[arm][name], plain[arm][name])]


def same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


def analyse(run: RunFolder) -> Analysis:
    """One whole process, from its start to its end."""
    began_s = time.monotonic()
    command = [sys.executable, "-m", "harness.bench.stages", str(run.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        most_mb = _most_mb(psutil.Process(child.pid), child)
        told, _ = child.communicate()
        wall_s = time.monotonic() - began_s
    if child.returncode:
        raise SystemExit(f"The report of {run.path} failed with exit code {child.returncode}.")
    return Analysis(wall_s, most_mb, json.loads(told))


def _most_mb(process: psutil.Process, child: "subprocess.Popen[str]") -> float:
    """Looks at it until it ends."""
    most = 0.0
    while True:
        try:
            child.wait(0.05)
            return most / 1e6
        except subprocess.TimeoutExpired:
            most = max(most, _bytes(process))


def _bytes(process: psutil.Process) -> float:
    """Of it and all its children; memory that several share is split among them (PSS)."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_full_info().pss
        except psutil.Error:  # It has ended meanwhile.
            continue
    return total


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as here:
        print("\n".join(measure_analyzer(Path(here), *map(int, sys.argv[1:]))))
