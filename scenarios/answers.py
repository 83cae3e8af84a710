"""What a user saw, and what it was worth."""

from dataclasses import dataclass, field
from typing import Literal

from records.proof import check
from records.rows import Outcome
from scenarios.workload import Arrival

Ending = Literal["complete", "orderly", "error_event", "broken", "unreadable", "late"]


@dataclass(slots=True)
class Seen:
    """One attempt, as it looked from the user's side."""

    status: int = 0
    """HTTP status; 0 where no response began."""
    texts: list[str] = field(default_factory=list)
    arrivals_s: list[float] = field(default_factory=list)
    """When each message with text arrived, those before a reset too: the user saw them."""
    ended: Ending | None = None
    """None: it did not end, the test did."""
    error: str | None = None
    error_status: int = 0
    """The status in an error event."""
    served_by: str | None = None
    degraded: bool = False
    tokens: int | None = None
    """Tokens of the answer as its usage tells; None: count the texts."""
    bytes: int = 0
    sent_s: float = 0.0
    finished_s: float = 0.0

    def end(self, ending: Ending, error: str | None = None) -> None:
        """Only the first ending counts: what breaks after the answer was complete did not harm it."""
        if self.ended is None:
            self.ended, self.error = ending, error


def judge(seen: Seen, arrival: Arrival, proof: bool = True) -> tuple[Outcome, str | None]:
    """The outcome, and what the answer's proof says in words where it was looked at."""
    early = _without_answer(seen)
    if early is not None:
        return early, None
    text = "".join(seen.texts)
    if not text.strip():
        return "truncated", "no text"
    # Degraded answers are the app's own words more often than the model's: without a mark there is nothing to check.
    if not proof or (seen.degraded and "[[" not in text):
        return _right(seen), None
    found = check(text, arrival.question, {} if arrival.temperature is None else {"temperature": arrival.temperature})
    return (_right(seen) if found.outcome == "ok" else found.outcome), found.why


def _right(seen: Seen) -> Outcome:
    return "degraded" if seen.degraded else "ok"


def _without_answer(seen: Seen) -> Outcome | None:
    """The outcome of what never became a complete answer; None where there is one to look at."""
    if seen.ended is None:
        return "aborted"
    if seen.ended == "late":
        return "timeout"
    if seen.status != 200:
        return _refused(seen.status)
    if seen.ended == "error_event":
        return "timeout" if seen.error_status == 504 else "cut"
    return _INCOMPLETE.get(seen.ended)


_INCOMPLETE: dict[Ending, Outcome] = {"broken": "cut", "orderly": "truncated", "unreadable": "garbled"}


def _refused(status: int) -> Outcome:
    if status == 504:
        return "timeout"
    # 408 and 429 ask to come back later; any other 4xx is an answer, if an unwelcome one.
    if 400 <= status < 500 and status not in (408, 429):
        return "rejected"
    return "http_error"
