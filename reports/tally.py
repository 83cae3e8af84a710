"""What the folder of one arm and pair holds, counted: so that rows nobody wrote are not taken for good news."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from records.folder import APP, CALLS, GENERATOR, MODEL
from records.join import Measurement, Row
from records.rows import RIGHT

MOMENT_S = 0.05


@dataclass(frozen=True)
class Tally:
    """Counts over the rows of one arm and pair."""

    folder: str
    """Such as `off-01`."""
    requests: int
    """Requests with a row, also those aborted."""
    uncached: int
    """Of those that ended, the ones that the cache did not serve."""
    answered: int
    """Of these, the ones for which the model must have worked."""
    calls: int
    generations: int
    attempts: int
    """As the app tells, numbered."""
    lost: int
    """Of these, the ones of requests that ended that no call matches."""
    lag_p95_s: float | None
    """How late the load generator dispatched, in its worst worker's own words; None where it tells nothing."""


def tally(folder: str, measured: Sequence[Measurement], rows: Mapping[str, Sequence[Row]]) -> Tally:
    """The counts of one arm's folder, from its measurements and all of its rows."""
    uncached = [one for one in measured if one.outcome != "aborted" and one.served_by != "cache"]
    attempts, lost = _attempts(measured, rows)
    lags = [row["lag_p95_s"] for row in rows[GENERATOR] if row["lag_p95_s"] is not None]
    return Tally(
        folder=folder,
        requests=len(measured),
        uncached=len(uncached),
        answered=sum(1 for one in uncached if _worked_for(one)),
        calls=len(rows[CALLS]),
        generations=len(rows[MODEL]),
        attempts=attempts,
        lost=lost,
        lag_p95_s=max(lags, default=None),
    )


def _worked_for(one: Measurement) -> bool:
    # A request that was struck may have had its answer from the proxy, and then the model knows nothing of it.
    return one.outcome in RIGHT or bool(one.attempts and not one.faults)


def _attempts(measured: Iterable[Measurement], rows: Mapping[str, Sequence[Row]]) -> tuple[int, int]:
    """The app's attempts, and how many of them, of requests that ended, the proxy does not know."""
    called = set(map(itemgetter("request_id", "attempt"), rows[CALLS]))
    told = [row for row in rows[APP] if row["event"] == "attempt" and isinstance(row.get("attempt"), int)]
    lost = [row["request_id"] for row in told if (row["request_id"], row["attempt"]) not in called and _was_sent(row)]
    ended = {one.request["request_id"] for one in measured if one.outcome != "aborted"} if lost else set()
    return len(told), sum(1 for id_ in lost if id_ in ended)


def _was_sent(attempt: Row) -> bool:
    """False where the app gave up so soon, at its deadline or with its user, that nothing need have reached the proxy."""
    gave_up = attempt.get("outcome") in ("timeout", "cancelled") and not attempt.get("status")
    began_s, ended_s = attempt.get("started_s"), attempt.get("finished_s")
    if not (gave_up and isinstance(began_s, int | float) and isinstance(ended_s, int | float)):
        return True
    return ended_s - began_s >= MOMENT_S
