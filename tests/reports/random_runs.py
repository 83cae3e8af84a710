"""Random runs by keyed draws: rows of all four processes in which whatever can happen does, and more often than it should."""

from dataclasses import dataclass
from typing import Any

from records.chance import draw
from records.folder import APP, CALLS, MODEL, REQUESTS
from records.rows import OUTCOMES

FAULTS = [{"fault": "cuts", "kind": "cut"}, {"fault": "busy", "kind": "answer"}, {"fault": "422", "kind": "answer"}]
Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Chance:
    """Keyed draws of one random run."""

    seed: int

    def of(self, name: str, key: object, low: float = 0.0, high: float = 1.0) -> float:
        return low + (high - low) * draw(self.seed, name, str(key))

    def holds(self, name: str, key: object, share: float = 0.5) -> bool:
        return self.of(name, key) < share

    def pick(self, name: str, key: object, among: Any) -> Any:
        return among[int(self.of(name, key) * len(among))]


def a_random_run(seed: int, count: int) -> Rows:
    """Whatever can happen, much of it, and more often than it should."""
    chance = Chance(seed)
    rows: Rows = {REQUESTS: [], APP: [], CALLS: [], MODEL: []}
    for number in range(count):
        key = f"p01-{number:06d}"
        rows[REQUESTS].append(_request(chance, key, 5000.0 + number * 0.2))
        for turn in range(int(chance.of("turns", key, 0, 4))):
            _turn(rows, chance, key, turn, rows[REQUESTS][-1]["intended_s"] + turn)
        if chance.holds("told", key, 0.8):
            rows[APP] += [_told(chance, key, again) for again in range(1 + chance.holds("twice told", key, 0.1))]
    for stranger in range(3):
        _turn(rows, chance, f"curl-{stranger}", 0, 5000.0)
    return {name: [] if name != REQUESTS and chance.holds("missing", name, 0.1) else of for name, of in rows.items()}


def _request(chance: Chance, key: str, due_s: float) -> dict[str, Any]:
    outcome = chance.pick("outcome", key, (*OUTCOMES, "ok", "ok", "rejected"))
    gaps = [int(chance.of("gap", (key, at), 0, 100_000)) for at in range(int(chance.of("gaps", key, -2, 5)))]
    return {
        "request_id": key,
        "arm": "on",
        "pair": 1,
        "task": chance.pick("task", key, ("stream", "stream", "json", None)),
        "prompt_key": chance.pick("prompt", key, ("q1", "q2", None)),
        "intended_s": due_s,
        "sent_s": due_s + chance.of("lag", key, 0, 0.1),
        "first_token_s": None if chance.holds("silent", key, 0.2) else due_s + chance.of("first", key, 0, 2),
        "finished_s": due_s + chance.of("took", key, 0, 12),
        "status": chance.pick("status", key, (200, 422, 503, 0)),
        "outcome": outcome,
        "served_by": chance.pick("by", key, (None, "model", "cache")),
        "tokens": len(gaps) + 1,
        "longest_gap_s": max(gaps) / 1e6 if gaps else None,
        "gaps_us": gaps,
        "proof": None,
        "error": None,
        "temperature": None,
    }


def _turn(rows: Rows, chance: Chance, key: str, turn: int, at_s: float) -> None:
    """What the three processes tell of one attempt: each of them may know nothing, or call it by the ordinal of another."""
    of = (key, turn)
    attempt = 1 + (0 if chance.holds("same ordinal", of, 0.2) else turn)
    model = chance.pick("model", of, ("small", "large"))
    if chance.holds("by the app", of, 0.8):
        numbered = {"attempt": attempt} if chance.holds("numbered", of, 0.9) else {}
        times = {"started_s": at_s, "first_token_s": None, "finished_s": at_s + 1}
        end = chance.pick("end", of, ("ok", "timeout", None))
        told = {"reason": chance.pick("reason", of, ("first", "retry")), "model": model, "outcome": end, "status": 200}
        rows[APP].append({"event": "attempt", "request_id": key, **numbered, **times, **told, "tokens_in": 3, "tokens_out": 4})
    if chance.holds("called", of, 0.9):
        struck = [dict(fault) for fault in FAULTS if chance.holds(fault["fault"], of, 0.2)]
        call = {"request_id": key, "attempt": attempt, "path": "/api/chat", "model": model, "started_s": at_s + 0.1}
        status = chance.pick("call status", of, (200, 422, 503))
        rows[CALLS].append(call | {"finished_s": at_s + 1, "status": status, "bytes": 90, "planned": [], "struck": struck})
    if chance.holds("generated", of, 0.8):
        began_s = None if chance.holds("left the queue", of, 0.2) else at_s + 0.2
        tokens = {"tokens_in": int(chance.of("in", of, 1, 30)), "tokens_out": int(chance.of("out", of, 0, 40))}
        made = {"request_id": key, "attempt": attempt, "model": model, "queued_s": at_s, "started_s": began_s, **tokens}
        rows[MODEL].append(made | {"finished_s": at_s + 1, "first_token_s": None, "cancelled": chance.holds("left", of)})


def _told(chance: Chance, key: str, again: int) -> dict[str, Any]:
    of = (key, again)
    by = chance.pick("told by", of, (None, "retry", "cache", "model"))
    return {
        "event": "request",
        "request_id": key,
        "served_by": by,
        "degraded": chance.pick("degraded", of, (None, True, False)),
    }


def shuffled(rows: Rows, seed: int) -> Rows:
    """The rows of different requests come in any order; those of one stay in theirs."""
    chance = Chance(seed)

    def late(row: dict[str, Any]) -> float:
        return chance.of("late", row["request_id"])

    return {name: sorted(of, key=late) for name, of in rows.items()}
