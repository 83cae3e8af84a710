"""Under which conditions the load of an arm ran: what each process used, what the host took, whether it was sent in time."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from harness.processes import Processes
from records.folder import REQUESTS, ArmFolder
from records.jsonl import read_rows
from reports.conditions import MOST_LAG_S
from scenarios.workload import Workload, due

STAT = Path("/proc/stat")
STEAL = 7
"""Its place among user, nice, system, idle, iowait, irq, softirq and steal (proc(5)); what follows is part of user already."""
KEYS = ("cpu_share", "steal_share", "achieved_share")
"""Tables of the manifest with an entry for each arm's folder."""


@dataclass(frozen=True)
class CpuTimes:
    """Of the whole machine since it started, in ticks."""

    stolen: int
    total: int


def cpu_times(stat: Path = STAT) -> CpuTimes | None:
    """None where the system does not tell."""
    try:
        told = stat.read_text().splitlines()[0].split()[1 : STEAL + 2]
        ticks = [int(one) for one in told]
    except (OSError, ValueError, IndexError):
        return None
    return CpuTimes(ticks[STEAL], sum(ticks)) if len(ticks) > STEAL else None


def steal_share(before: CpuTimes | None, after: CpuTimes | None) -> float | None:
    """Of the machine's CPU time between the two, what its host gave to others."""
    if before is None or after is None or after.total <= before.total:
        return None
    return round(max(0, after.stolen - before.stolen) / (after.total - before.total), 4)


def achieved_share(folder: ArmFolder, workload: Workload, seed: int, scheduled: int) -> float | None:
    """Of the requests that were scheduled, those sent before the schedule's end; the closed loop has no schedule."""
    path = folder.path / REQUESTS
    first = next(due(workload, seed, folder.pair), None) if scheduled else None
    if first is None or not path.exists():
        return None
    rows = [row for row in read_rows(path, orjson.loads).rows if row.get("outcome") != "aborted"]
    began_s = [row["intended_s"] - first.offset_s for row in rows if row.get("request_id") == first.request_id]
    if not began_s:
        return None
    # The last of them may be due in the very last moment: they are as little late as any other may be.
    until_s = began_s[0] + workload.duration_s + MOST_LAG_S
    return round(min(1.0, sum(1 for row in rows if row["sent_s"] <= until_s) / scheduled), 4)


class Conditions:
    """Watches from when it is made, which is when the load begins: starting up is not load."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._began_s, self._used, self._machine = time.monotonic(), cpu_used(processes), cpu_times()

    def note(self, manifest: dict[str, Any], folder: str, achieved: float | None = None) -> None:
        """Put down, under the arm's folder, what became of it until now; what nobody tells gets no entry."""
        cpu = cpu_shares(self._used, cpu_used(self._processes), time.monotonic() - self._began_s)
        found = (cpu, steal_share(self._machine, cpu_times()), achieved)
        for key, value in zip(KEYS, found, strict=True):
            if value is not None:
                manifest.setdefault(key, {})[folder] = value


def cpu_used(processes: Processes) -> dict[str, float]:
    """CPU seconds used so far, by name."""
    used = {process.name: process.cpu_s() for process in processes.started}
    return {name: cpu_s for name, cpu_s in used.items() if cpu_s is not None}


def cpu_shares(before: Mapping[str, float], after: Mapping[str, float], wall_s: float) -> dict[str, float]:
    """CPU seconds used, a second of load, by name: 0.5 is half a core."""
    return {name: round((cpu_s - before.get(name, 0.0)) / wall_s, 3) for name, cpu_s in after.items() if wall_s > 0}
