"""The rows, field for field. Times are seconds on the run's one clock (`time.monotonic()`); shares are 0 to 1."""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Outcome = Literal[
    "ok", "degraded", "rejected", "http_error", "timeout", "cut", "truncated", "duplicated", "wrong", "garbled", "aborted"
]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
RIGHT = frozenset({"ok", "degraded"})
BROKEN = frozenset({"cut", "truncated", "duplicated", "wrong", "garbled"})
"""The user got an answer, or part of one, that is not the right answer."""
WRONG = frozenset({"duplicated", "wrong", "garbled"})
"""The user got an answer that looks complete and is not the right one."""
PROBES = frozenset({"/", "/api/version", "/api/tags", "/api/ps", "/v1/models"})
"""Routes of a provider that ask whether it is there, not for an answer."""
EMBEDS = frozenset({"/api/embed", "/api/embeddings", "/v1/embeddings"})
"""Routes that make vectors: a call to one is no attempt at an answer, whoever's request it was made for."""
BODY_KEYED = "body-"
"""How the id begins that the proxy gives a call without one: a digest of its body follows."""


def is_failure(outcome: str) -> bool:
    """Neither right, nor rightly rejected, nor cut off by the end of the test."""
    return outcome not in RIGHT and outcome not in ("rejected", "aborted")


@dataclass
class RequestRow:
    """requests.jsonl: one request of a user, as the user saw it."""

    request_id: str
    arm: str
    pair: int
    task: str
    prompt_key: str
    intended_s: float
    sent_s: float
    first_token_s: float | None = None
    finished_s: float = 0.0
    status: int = 0
    """HTTP status; 0 where no response began."""
    outcome: Outcome = "aborted"
    served_by: str | None = None
    tokens: int = 0
    """Messages with text that arrived."""
    longest_gap_s: float | None = None
    """Between two tokens; of an answer that never came to its end, also from its last token to that end."""
    gaps_us: list[int] = field(default_factory=list)
    """Microseconds between one token and the next."""
    proof: str | None = None
    """What the answer's proof says in words; None where no proof is expected."""
    error: str | None = None
    temperature: float | None = None
    """What was asked for."""


@dataclass
class CallRow:
    """calls.jsonl: one request from the app to the provider, as the proxy saw it."""

    request_id: str
    attempt: int
    path: str
    model: str
    started_s: float
    finished_s: float
    status: int
    bytes: int
    """Of the response's body, as sent to the app."""
    planned: list[str] = field(default_factory=list)
    """Names of the faults that were to strike."""
    struck: list[dict[str, Any]] = field(default_factory=list)
    """What struck: fault, kind, at_s, message, byte, and the drawn parameters."""
    missed: list[str] = field(default_factory=list)
    """Names of the faults that never got their chance."""
    prompt_key: str = ""
    """Which known prompt its messages hold, where the proxy was told the prompts: of an app that may not pass ids on."""


@dataclass
class ChangeRow:
    """changes.jsonl: something about the faults was changed while the proxy ran, by a hand or by the plan's own rules."""

    at_s: float
    action: Literal["on", "off", "share", "plan", "stop"]
    by: str
    """Who: "control", "web ui", "stop_after_s" or "halt_if"."""
    fault: str = ""
    """Which fault; empty where all of them are meant."""
    value: float | str | None = None
    """The new share, or the new plan's name and digest."""
    why: str = ""


@dataclass
class GenerationRow:
    """model.jsonl: one generation, as the model server saw it."""

    request_id: str
    attempt: int
    model: str
    tokens_in: int
    tokens_out: int
    queued_s: float
    """When it arrived."""
    started_s: float | None
    """When it got a slot; None if it never did."""
    finished_s: float
    cancelled: bool
    first_token_s: float | None = None
