"""How many rows a process writes a second."""

import time
from pathlib import Path

import orjson

from harness.bench.drive import Spread
from records.jsonl import RowFile
from records.rows import RequestRow

ROWS = 50_000


def measure_rows(folder: Path) -> list[str]:
    """Lines to print."""
    plain, full = _rate(folder / "short.jsonl", gaps=0), _rate(folder / "long.jsonl", gaps=99)
    return [
        f"Thousand rows written a second, one O_APPEND write each ({ROWS} rows, 5 rounds):",
        f"  requests.jsonl, a JSON chat              {plain}",
        f"  requests.jsonl, a stream of 100 tokens   {full}",
    ]


def _rate(path: Path, gaps: int) -> Spread:
    row = RequestRow("p01-000001", "on", 1, "stream", "q001", 1.0, 1.0, 1.7, 3.2, 200, "ok", "model", gaps + 1)
    row.gaps_us = [30_000 + n for n in range(gaps)]
    file, rates = RowFile(path, dumps=orjson.dumps), []
    for _ in range(5):
        began_s = time.monotonic()
        for _ in range(ROWS):
            file.write(vars(row))
        rates.append(ROWS / (time.monotonic() - began_s) / 1000)
    file.close()
    return Spread(tuple(rates))
