"""`python -m tests.reference_app.reviews.memory 100000 1000000`: peak memory and rows a second, a process for each size.

The whole pipeline with its files, but an instant answer instead of a model. With `--features`, through the app's model and all
its features as well, before a provider within the process.
"""

import asyncio
import csv
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from reference_app.reviews.job import Job
from reference_app.reviews.source import source_of
from reference_app.settings import Settings
from tests.reference_app.capacity import Limited

ANSWER = json.dumps({"sentiment": "positive", "score": 0.5, "topics": ["price", "delivery"], "summary": "It is good enough."})


@dataclass(frozen=True)
class Measured:
    rows: int
    took_s: float
    peak_mb: float

    def __str__(self) -> str:
        return f"{self.rows:,} rows: {self.took_s:.1f} s, {self.rows / self.took_s:,.0f} rows/s, peak {self.peak_mb:.0f} MB"


def measure(rows: int, through_features: bool = False) -> Measured:
    """In a process of its own, whose peak is then its own, too."""
    flags = ["--one", str(rows), *["--features"] * through_features]
    command = [sys.executable, "-m", "tests.reference_app.reviews.memory", *flags]
    told = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[3]).stdout
    return Measured(**json.loads(told))


def one(rows: int, folder: Path, through_features: bool) -> Measured:
    """What it takes here, beside what was needed to begin with."""
    source = folder / "in.csv"
    with source.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "review"])
        writer.writerows((f"r{number}", f"Review {number}: " + "it is good, and dear. " * 8) for number in range(rows))
    settings, transport = Settings(features="all" if through_features else "none"), Limited(service_s=0, says=ANSWER)
    job = Job(source_of(source, column="review"), folder / "out.jsonl", settings, 50, transport=transport)
    if not through_features:
        job.ask = _instantly
    began = time.monotonic()
    code = asyncio.run(job.run())
    took_s = time.monotonic() - began
    with job.out.open("rb") as lines:
        assert code == 0 and sum(1 for _ in lines) == rows
    return Measured(rows, took_s, _peak_mb())


def _peak_mb() -> float:
    # Not getrusage's: there a process begins with the memory of the one that started it.
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024


async def _instantly(_: object) -> str:
    await asyncio.sleep(0)
    return ANSWER


def main(arguments: list[str]) -> None:
    through_features = "--features" in arguments
    sizes = [int(word) for word in arguments if not word.startswith("--")]
    if "--one" in arguments:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(vars(one(sizes[0], Path(folder), through_features))))
        return
    for size in sizes:
        print(measure(size, through_features), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
