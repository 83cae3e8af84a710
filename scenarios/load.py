"""One test in one load-generating process: every arrival leaves one row and one Locust event."""

import logging
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
from locust.env import Environment
from locust.exception import CatchResponseError

from records.folder import GENERATOR
from records.jsonl import RowFile
from records.rows import RequestRow, is_failure
from scenarios.answers import Seen, judge
from scenarios.arrivals import Arrivals
from scenarios.client import ROUTES, Connection, attempt
from scenarios.ticket import Ticket
from scenarios.workload import Arrival

THROUGH = "headwind_through"
"""The message by which a load-generating process says that all its arrivals are told."""


class Load:
    """One test in one load-generating process: its arrivals, its rows, and whether it is through."""

    def __init__(self, environment: Environment, ticket: Ticket, worker: str) -> None:
        self.ticket = ticket
        self._environment, self._worker = environment, worker
        self._rows = RowFile(ticket.rows_path, dumps=orjson.dumps)
        self._told, self._closing = 0, False
        self.arrivals = Arrivals(ticket.planned(worker), ticket.start_s, ticket.until_s, bool(ticket.workload.rate_per_s))

    def start(self) -> None:
        self.arrivals.start(self._tell_when_through)

    def ask(self, connection: Connection) -> None:
        """Takes the next arrival and sees it through."""
        arrival, seen = self.arrivals.take(), Seen()
        try:
            attempt(connection, arrival, seen, self._intended_s(arrival) + self.ticket.workload.deadline_s)
        finally:
            # Also when the test stops in the middle of it: the slowest must not vanish from the rows.
            self._tell(arrival, seen)

    def stop(self) -> None:
        """What was due and never sent is told as well, as aborted."""
        for arrival in self.arrivals.stop():
            now_s = self._intended_s(arrival)
            self._tell(arrival, Seen(sent_s=now_s, finished_s=now_s, error="not sent: the test stopped before a user was free"))

    def close(self) -> None:
        lags_s = sorted(self.arrivals.lags_s) or [0.0]
        told = {"worker": self._worker, "arrivals": self.arrivals.given}
        lag = {"lag_p95_s": lags_s[-(-95 * len(lags_s) // 100) - 1], "lag_worst_s": lags_s[-1]}
        generator = RowFile(Path(self.ticket.rows_path).with_name(GENERATOR))
        generator.write(told | lag)
        generator.close()
        logging.getLogger(__name__).info("%d arrivals, handed out at most %.1f ms late", told["arrivals"], lags_s[-1] * 1e3)
        self._closing = True
        self._close_when_told()

    def _close_when_told(self) -> None:
        # Stopped twice at once, by a signal and by its master, Locust says that it is over before the last user is gone.
        if self._closing and self._told == self.arrivals.given:
            self._rows.close()

    def _intended_s(self, arrival: Arrival) -> float:
        return self.ticket.start_s + arrival.offset_s

    def _tell(self, arrival: Arrival, seen: Seen) -> None:
        row = row_of(self.ticket, arrival, seen, self._intended_s(arrival))
        # Not dataclasses.asdict: it copies every gap of the list, one by one.
        self._rows.write(vars(row))
        fire(self._environment, row, seen.bytes)
        self._told += 1
        self._tell_when_through()
        self._close_when_told()

    def _tell_when_through(self) -> None:
        runner: Any = self._environment.runner
        if self.arrivals.exhausted and self._told == self.arrivals.given:
            runner.send_message(THROUGH, {"worker": self._worker})


def _longest_gap_s(seen: Seen, gaps_us: list[int]) -> float | None:
    """The longest silence in the middle of an answer; where it never came to its end, the one it died of counts too."""
    silences = [gap / 1e6 for gap in gaps_us]
    if seen.arrivals_s and seen.ended != "complete":
        silences.append(seen.finished_s - seen.arrivals_s[-1])
    return max(silences, default=None)


def row_of(ticket: Ticket, arrival: Arrival, seen: Seen, intended_s: float) -> RequestRow:
    """What requests.jsonl keeps of it."""
    outcome, proof = judge(seen, arrival, ticket.workload.proof)
    stamps = seen.arrivals_s
    gaps_us = [round((later - earlier) * 1e6) for earlier, later in pairwise(stamps)]
    return RequestRow(
        request_id=arrival.request_id,
        arm=ticket.arm,
        pair=ticket.pair,
        task=arrival.task,
        prompt_key=arrival.prompt_key,
        intended_s=intended_s,
        sent_s=seen.sent_s,
        first_token_s=stamps[0] if stamps else None,
        finished_s=seen.finished_s,
        status=seen.status,
        outcome=outcome,
        served_by=seen.served_by,
        tokens=len(seen.texts) if seen.tokens is None else seen.tokens,
        longest_gap_s=_longest_gap_s(seen, gaps_us),
        gaps_us=gaps_us,
        proof=proof,
        error=seen.error,
        temperature=arrival.temperature,
    )


def fire(environment: Environment, row: RequestRow, length: int) -> None:
    """Exactly one request event, and side rows in Locust's own tables that leave Aggregated alone."""
    route = ROUTES[row.task]
    # Outcome and status only: Locust keeps an error for every different text.
    error = CatchResponseError(f"{row.outcome}, status {row.status}") if is_failure(row.outcome) else None
    request: Any = environment.events.request
    request.fire(
        request_type="POST",
        name=route,
        response_time=(row.finished_s - row.intended_s) * 1e3,
        response_length=length,
        exception=error,
        context={"request_id": row.request_id, "outcome": row.outcome, "arm": row.arm},
        url=route,
        response=None,
    )
    stats: Any = environment.stats
    if row.first_token_s is not None:
        stats.get(route, "TTFT").log((row.first_token_s - row.intended_s) * 1e3, 0)
    if row.longest_gap_s is not None:
        stats.get(route, "GAP").log(row.longest_gap_s * 1e3, 0)
