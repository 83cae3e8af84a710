"""Requests with a fate: what each met, what the app did about it, and what its user got, as the rows of one arm."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from records.folder import APP, CALLS, MODEL, REQUESTS
from records.rows import CallRow, GenerationRow, RequestRow
from reports.arm import Arm
from reports.frames import frames
from reports.tables import tables_of

BEGAN_S, DEADLINE_S = 5000.0, 10.0
WORDS, PROMPT = 40, 12


@dataclass(frozen=True)
class Step:
    """One attempt: why, and the status it came back with; a fault's name is that of its kind."""

    reason: str = "first"
    status: int = 200
    faults: tuple[str, ...] = ()
    end: str = "ok"
    generated: bool = True


@dataclass(frozen=True)
class Fate:
    """One request of a user."""

    steps: tuple[Step, ...] = (Step(faults=("cut",)),)
    outcome: str = "ok"
    served_by: str | None = "model"
    degraded: bool = False
    proof: str | None = "complete"
    took_s: float = 2.0
    tokens: int = WORDS
    """That reached the user."""
    told: bool = True
    """Whether the app tells of its attempts."""


def id_of(number: int) -> str:
    return f"p01-{number:06d}"


def rows_of(fates: Sequence[Fate], arm: str = "on") -> dict[str, list[dict[str, Any]]]:
    """The rows of the four processes."""
    rows: dict[str, list[dict[str, Any]]] = {REQUESTS: [], APP: [], CALLS: [], MODEL: []}
    for number, fate in enumerate(fates, 1):
        due_s = BEGAN_S + number
        rows[REQUESTS].append(asdict(_request(number, due_s, fate)) | {"arm": arm})
        for attempt, step in enumerate(fate.steps, 1):
            _attempt(rows, id_of(number), attempt, due_s + 0.1 + (attempt - 1) / 2, step, fate)
        said = {"event": "request", "request_id": id_of(number), "served_by": fate.served_by, "degraded": fate.degraded}
        rows[APP].append(said)
    return rows


def _request(number: int, due_s: float, fate: Fate) -> RequestRow:
    return RequestRow(
        request_id=id_of(number),
        arm="on",
        pair=1,
        task="stream",
        prompt_key=f"q{number % 8}",
        intended_s=due_s,
        sent_s=due_s + 0.001,
        first_token_s=due_s + 0.7 if fate.tokens else None,
        finished_s=due_s + fate.took_s,
        status=200,
        outcome=fate.outcome,  # type: ignore[arg-type]
        tokens=fate.tokens,
        gaps_us=[30_000] * (fate.tokens - 1),
        proof=fate.proof,
    )


def _attempt(rows: dict[str, list[dict[str, Any]]], id_: str, number: int, at_s: float, step: Step, fate: Fate) -> None:
    struck = [{"fault": one, "kind": one, "at_s": at_s + 0.2, "message": 3, "byte": 210} for one in step.faults]
    names = [one["fault"] for one in struck]
    rows[CALLS].append(
        asdict(CallRow(id_, number, "/api/chat", "llama3.2", at_s, at_s + 0.4, step.status, 4000, names, struck))
    )
    if step.generated and step.status == 200:
        made = GenerationRow(id_, number, "llama3.2", PROMPT, WORDS, at_s, at_s, at_s + 0.4, False, at_s + 0.1)
        rows[MODEL].append(asdict(made))
    if fate.told:
        said = {"event": "attempt", "request_id": id_, "attempt": number, "reason": step.reason, "model": "llama3.2"}
        times = {"started_s": at_s, "first_token_s": at_s + 0.1, "finished_s": at_s + 0.4}
        rows[APP].append(said | times | {"status": step.status, "outcome": step.end})


def an_arm_of(fates: Sequence[Fate], without: Collection[str] = (), **more: Any) -> Arm:
    """An arm as `reports.load` makes it; `without`: files that are missing."""
    rows = {name: [] if name in without else told for name, told in rows_of(fates).items()}
    sources = frozenset(rows.keys() - set(without))
    return Arm("on", frames(tables_of(rows), DEADLINE_S), DEADLINE_S, sources, **more)
