"""Joins the rows of the four processes by request id, or by the prompt: one measurement for each request of a user."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from records.foreign import How, Row, adopt
from records.rows import EMBEDS, RIGHT

__all__ = ["Measurement", "Row", "join"]


@dataclass(slots=True)
class Measurement:
    """All that is known of one request."""

    request: Row
    """Its row of requests.jsonl."""
    outcome: str
    """As judged with all rows in view: a `rejected` that no fault explains is an `http_error`."""
    faults: dict[str, str]
    """Faults that struck its calls: name to kind."""
    attempts: int
    """Calls that reached the proxy, or the app's attempts where there is no proxy's row."""
    tokens_spent: int
    """In and out, over all generations."""
    tokens_wasted: int
    """Spent on anything else than one prompt and the right answer the user got."""
    served_by: str | None
    degraded: bool
    joined: How | None = None
    """How its calls were joined, the least certain of them; None where it has none."""


def join(requests: Iterable[Row], app: Iterable[Row], calls: Iterable[Row], model: Iterable[Row]) -> list[Measurement]:
    """One measurement a request, in the order of `requests`."""
    requests = list(requests)
    adopted = adopt(requests, list(calls), list(model))
    calls_of, generations_of = _by_request(adopted.calls), _by_request(adopted.model)
    attempts_of: dict[str, int] = defaultdict(int)
    told: dict[str, Row] = {}
    for row in app:
        if row.get("event") == "attempt":
            attempts_of[row["request_id"]] += 1
        elif row.get("event") == "request":
            told[row["request_id"]] = row
    return [
        _measure(
            request,
            told.get(id_, {}),
            calls_of.get(id_, []),
            generations_of.get(id_, []),
            attempts_of.get(id_, 0),
            adopted.how.get(id_),
        )
        for request in requests
        for id_ in (request["request_id"],)
    ]


def _by_request(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["request_id"]].append(row)
    return found


def _measure(
    request: Row, told: Row, calls: list[Row], generations: list[Row], attempts: int, joined: How | None
) -> Measurement:
    outcome = _judged(request, calls)
    spent = sum(row["tokens_in"] + row["tokens_out"] for row in generations)
    # A generation that left the queue before its turn read no prompt.
    read = [row for row in generations if row["started_s"] is not None]
    prompt = min(read, key=lambda row: row["attempt"])["tokens_in"] if read else 0
    useful = prompt + request["tokens"] if outcome in RIGHT else 0
    return Measurement(
        request=request,
        outcome=outcome,
        faults={fault["fault"]: fault["kind"] for call in calls for fault in call["struck"]},
        attempts=sum(call.get("path") not in EMBEDS for call in calls) or attempts,
        tokens_spent=spent,
        tokens_wasted=max(0, spent - useful),
        served_by=told.get("served_by") or request["served_by"],
        degraded=bool(told.get("degraded")),
        joined=joined,
    )


def _judged(request: Row, calls: list[Row]) -> str:
    outcome: str = request["outcome"]
    if outcome == "rejected" and not any(call["struck"] and call["status"] == request["status"] for call in calls):
        return "http_error"
    return outcome
