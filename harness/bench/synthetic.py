"""A run's folder of as many requests as one likes, as two arms would have left it: keyed chance, a tenth meets a fault."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast

import numpy as np
import orjson

from harness.bench.straightforward import Bounds
from records.folder import APP, CALLS, GENERATOR, MODEL, REQUESTS, RunFolder
from records.rows import CallRow, GenerationRow, Outcome, RequestRow

SEED = 7
BEGAN_S = 5000.0
DEADLINE_S = 10.0
BOUNDS = Bounds(DEADLINE_S, ttft_s=1.0, gap_s=0.045, total_s=3.0, price_in=0.1, price_out=0.4)
MODEL_NAME = "llama3.1"
PRICES = {"input_per_million": BOUNDS.price_in, "output_per_million": BOUNDS.price_out}
FEATURES = ["deadline", "cache", "retry", "stall_watchdog", "stream_recovery"]
RATE_PER_S = 40.0
TOKENS = 40
PROMPTS = 2000
AT_ONCE = 10_000
FAULTS = (
    {"name": "cut between chunk 3 and 7", "kind": "cut", "share": 0.06, "status": 200},
    {"name": "service unavailable", "kind": "answer", "share": 0.02, "status": 503},
    {"name": "unprocessable", "kind": "answer", "share": 0.005, "status": 422},
    {"name": "slow first token", "kind": "slow_first_token", "share": 0.015, "status": 200},
)
GAPS_US = [[15_000 + (pool * 7919 + place * 104_729) % 31_000 for place in range(TOKENS - 1)] for pool in range(997)]
"""Drawn from, because a million lists of their own would take minutes."""

Fault = dict[str, Any]
Rows = dict[str, list[Any]]


@dataclass(frozen=True)
class Fate:
    """What chance has in store for one request of one arm."""

    key: str
    number: int
    due_s: float
    first_s: float
    gaps_us: list[int]
    fault: Fault | None
    cached: bool
    recovers: bool
    orderly: bool

    @property
    def took_s(self) -> float:
        return self.first_s + sum(self.gaps_us) / 1e6


@dataclass
class _Told:
    """The rows of some requests, by file."""

    arm: str
    rows: Rows = field(default_factory=lambda: {name: [] for name in (REQUESTS, APP, CALLS, MODEL)})


def write_run(folder: RunFolder, requests: int) -> None:
    """Two arms that share so many requests evenly."""
    folder.write_manifest(manifest(requests // 2))
    for arm in ("off", "on"):
        path = folder.arm(arm, 1).path
        path.mkdir(parents=True)
        lag = {"worker": 0, "arrivals": requests // 2, "lag_p95_s": 0.002, "lag_worst_s": 0.02}
        (path / GENERATOR).write_bytes(orjson.dumps(lag) + b"\n")
        for first in range(1, requests // 2 + 1, AT_ONCE):
            told = _Told(arm)
            for fate in fates(arm, range(first, min(first + AT_ONCE, requests // 2 + 1))):
                _live(told, fate)
            _append(path, told.rows)


def _append(path: Path, rows: Rows) -> None:
    for name, of in rows.items():
        with (path / name).open("ab") as file:
            file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in of)


def manifest(requests: int) -> dict[str, Any]:
    """As a run of these two arms would have left it."""
    return {
        "id": "synthetic",
        "state": "complete",
        "embedded": True,
        "seed": SEED,
        "scenario": {"name": "synthetic", "path": "synthetic.toml", "text": "", "summary": f"{requests:,} requests an arm"},
        "plan": {"name": "synthetic", "path": "synthetic.toml", "text": "", "faults": [dict(fault) for fault in FAULTS]},
        "arms": [{"name": "off", "features": "none"}, {"name": "on", "features": "all"}],
        "pairs": 1,
        "planned": {"off-01": requests, "on-01": requests},
        "deadline_s": DEADLINE_S,
        "goodput": {"ttft_s": BOUNDS.ttft_s, "gap_s": BOUNDS.gap_s, "total_s": BOUNDS.total_s},
        "prices": {"name": "synthetic", "currency": "USD", "models": {MODEL_NAME: PRICES}},
        "duration_s": requests / RATE_PER_S,
        "rate_per_s": RATE_PER_S,
        "bounds": ["on.p95_s <= 2", "on.wrong_share <= 0"],
        "clocks": {"monotonic_s": BEGAN_S - 10, "wall_s": 1_767_261_600.0},
        "command": "python -m harness.bench analyzer",
    }


def fates(arm: str, numbers: Sequence[int]) -> Iterator[Fate]:
    """The same weather for every arm; how fast the model was is its own."""
    shared, own = _draws("weather", numbers), _draws(arm, numbers)
    first_s = np.exp(0.3 * np.sqrt(-2 * np.log1p(-own[:, 0])) * np.cos(2 * np.pi * own[:, 1]))
    for number, weather, luck, seconds in zip(numbers, shared.tolist(), own.tolist(), first_s.tolist(), strict=True):
        yield Fate(
            key=f"p01-{number:06d}",
            number=number,
            due_s=BEGAN_S + (number + weather[0]) / RATE_PER_S,
            first_s=0.5 * seconds,
            gaps_us=GAPS_US[int(luck[2] * len(GAPS_US))],
            fault=_fault(weather[1]),
            cached=arm == "on" and weather[2] < 0.3,
            recovers=arm == "on" and luck[3] < 0.95,
            orderly=weather[3] < 0.5,
        )


def _draws(name: str, numbers: Sequence[int]) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Four numbers in [0, 1) for each, by key."""
    digests = (blake2b(f"{SEED}|{name}|{number}".encode(), digest_size=32).digest() for number in numbers)
    return (np.frombuffer(b"".join(digests), dtype=np.uint64).reshape(-1, 4) >> np.uint64(11)) / 2**53


def _fault(drawn: float) -> Fault | None:
    for fault in FAULTS:
        drawn -= cast(float, fault["share"])
        if drawn < 0:
            return fault
    return None


def _live(told: _Told, fate: Fate) -> None:
    request = _request(told.arm, fate)
    if fate.cached:
        request.served_by, request.first_token_s, request.finished_s = "cache", fate.due_s + 0.01, fate.due_s + 0.02
    else:
        _ask(told, fate, request)
    told.rows[REQUESTS].append(vars(request))
    row = {"event": "request", "request_id": fate.key, "route": "/chat/stream", "status": request.status}
    row |= {"outcome": request.outcome, "served_by": request.served_by, "degraded": False}
    row |= {"features": FEATURES if told.arm == "on" else [], "attempts": 1, "tokens_in": 12, "tokens_out": request.tokens}
    told.rows[APP].append(row | {"tokens_wasted": 0})


def _request(arm: str, fate: Fate) -> RequestRow:
    """All went well."""
    due_s, took_s = fate.due_s, fate.took_s
    row = RequestRow(fate.key, arm, 1, "stream", f"q{fate.number * 7 % PROMPTS}", due_s, due_s + 0.001)
    row.first_token_s, row.finished_s, row.status, row.outcome = due_s + fate.first_s, due_s + took_s, 200, "ok"
    row.served_by, row.tokens, row.gaps_us, row.proof = "model", TOKENS, fate.gaps_us, "complete"
    row.longest_gap_s, row.temperature = max(fate.gaps_us) / 1e6, 0.7
    return row


def _ask(told: _Told, fate: Fate, request: RequestRow) -> None:
    fault, due_s = fate.fault, fate.due_s
    name, status = (fault["kind"], fault["status"]) if fault else ("", 200)
    _attempt(told, fate, 1, status, TOKENS if name != "cut" else 5, fault)
    if name == "slow_first_token":
        request.first_token_s, request.finished_s = due_s + fate.first_s + 1.5, due_s + fate.took_s + 1.5
    elif status == 422:
        _broke(request, "rejected", 422)
    elif name and fate.recovers:
        _attempt(told, fate, 2, 200, TOKENS, None)
        request.served_by, request.finished_s = "recovery" if name == "cut" else "retry", request.finished_s + 0.8
    elif name == "cut":
        request.outcome, request.tokens, request.gaps_us = "truncated" if fate.orderly else "cut", 5, fate.gaps_us[:4]
        request.served_by, request.proof, request.finished_s = None, "ends after word 4", due_s + fate.first_s + 0.2
    elif name:
        _broke(request, "http_error", status)


def _broke(request: RequestRow, outcome: Outcome, status: int) -> None:
    request.outcome, request.status, request.finished_s = outcome, status, request.intended_s + 0.05
    request.served_by = request.first_token_s = request.longest_gap_s = request.proof = None
    request.tokens, request.gaps_us, request.error = 0, [], f"status {status}"


def _attempt(told: _Told, fate: Fate, attempt: int, status: int, tokens: int, fault: Fault | None) -> None:
    began_s = fate.due_s + 0.002 + 0.8 * (attempt - 1)
    first_s, ended_s = began_s + fate.first_s, began_s + (fate.took_s if status == 200 else 0.01)
    call = CallRow(fate.key, attempt, "/api/chat", MODEL_NAME, began_s, ended_s, status, 120 * tokens)
    if fault:
        call.planned = [fault["name"]]
        struck = {"fault": fault["name"], "kind": fault["kind"], "at_s": began_s + 0.3, "message": 5, "byte": 600}
        call.struck = [struck]
    told.rows[CALLS].append(vars(call))
    times = {"started_s": began_s, "first_token_s": first_s if status == 200 else None, "finished_s": ended_s}
    reason = "first" if attempt == 1 else "retry"
    end = "ok" if not fault or fault["kind"] == "slow_first_token" else "truncated" if status == 200 else "http_error"
    spent = {"tokens_in": 12 if status == 200 else 0, "tokens_out": tokens if status == 200 else 0}
    of_attempt = {"attempt": attempt, "reason": reason, "model": MODEL_NAME, **times, "status": status, "outcome": end, **spent}
    told.rows[APP].append({"event": "attempt", "request_id": fate.key, **of_attempt})
    if status == 200:
        made = GenerationRow(
            fate.key, attempt, MODEL_NAME, 12, tokens, began_s, began_s + 0.001, ended_s, tokens < TOKENS, first_s
        )
        told.rows[MODEL].append(vars(made))
