"""Rows of two runs in one folder, and rows of requests that nobody sent: told, and what they make of the run."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from records.folder import RunFolder
from reports.load import load
from reports.report import Report, make_report


@pytest.fixture
def judged(a_run: Callable[..., RunFolder]) -> Callable[..., Report]:
    return lambda files, **changes: make_report(load(a_run("judged", off=files, **changes)))


def mixed(files: Any, name: str, rows: list[dict[str, Any]]) -> Any:
    getattr(files, name).extend(rows)
    return files


def test_a_run_of_its_own_is_not_doubted(rows: SimpleNamespace, judged: Callable[..., Report]):
    found = judged(rows.simulate("off", 59))

    assert (found.verdict.state, found.problems) == ("pass", ())


@pytest.mark.parametrize("change", [{"arm": "on"}, {"pair": 2}, {"intended_s": 4980.0}])
def test_requests_of_another_run_are_left_out_and_make_it_invalid(
    rows: SimpleNamespace, judged: Callable[..., Report], change: dict[str, Any]
):
    files = rows.simulate("off", 59)
    strangers = [files.requests[0] | change | {"request_id": f"p09-{number}"} for number in range(3)]
    found = judged(mixed(files, "requests", strangers))

    assert found.problems[0] == "off-01/requests.jsonl: 3 rows left out, of another arm, pair or run"
    assert found.arms[0].metrics["requests"] == 59
    assert found.verdict.state == "invalid"
    assert "off-01: 3 rows of another arm, pair or run are mixed in." in " ".join(found.verdict.reasons)


@pytest.mark.parametrize("name", ["calls", "model"])
def test_calls_and_generations_of_another_run_are_left_out(rows: SimpleNamespace, judged: Callable[..., Report], name: str):
    """Their ids are those of this run: schedules count alike."""
    files = rows.simulate("off", 59)
    before, spent = load_attempts(files, judged)
    older = [row | {"started_s": row["started_s"] - 5000} for row in getattr(files, name)]
    found = judged(mixed(files, name, older))

    assert f"off-01/{name}.jsonl: {len(older)} rows left out, of another arm, pair or run" in found.problems
    assert found.verdict.state == "invalid"
    assert (found.arms[0].metrics["attempts_per_request"], found.arms[0].metrics["tokens_spent"]) == (before, spent)


def load_attempts(files: Any, judged: Callable[..., Report]) -> tuple[float | None, float | None]:
    metrics = judged(files).arms[0].metrics
    return metrics["attempts_per_request"], metrics["tokens_spent"]


def test_a_row_from_just_before_the_manifest_is_of_this_run(rows: SimpleNamespace, judged: Callable[..., Report]):
    files = rows.simulate("off", 59)
    files.calls[0]["started_s"] = 4989.5

    assert judged(files).verdict.state == "pass"
    assert judged(files, clocks={}).verdict.state == "pass"


def test_a_request_id_that_comes_twice_makes_it_invalid(rows: SimpleNamespace, judged: Callable[..., Report]):
    files = rows.simulate("off", 59)
    found = judged(mixed(files, "requests", [files.requests[5] | {"outcome": "cut"}]))

    assert found.verdict.state == "invalid"
    assert found.arms[0].outcomes["cut"] == judged(rows.simulate("off", 59)).arms[0].outcomes["cut"]
    assert "off-01: 1 row of requests.jsonl bears a request id that came before" in " ".join(found.verdict.reasons)


def test_rows_of_requests_that_nobody_sent_are_told(rows: SimpleNamespace, judged: Callable[..., Report]):
    files = rows.simulate("off", 59)
    mixed(files, "calls", [rows.as_row(rows.a_call("by-hand", number)) for number in (1, 2)])
    mixed(files, "calls", [rows.as_row(rows.a_call("body-7")) | {"path": "/api/version"}])
    mixed(files, "app", [{"event": "attempt", "request_id": "by-hand", "attempt": 1}])
    mixed(files, "model", [rows.as_row(rows.a_generation("by-hand", 1, 9, rows.BEGAN_S))])
    found = judged(files)

    assert found.verdict.state == "pass"
    assert found.problems[0].startswith(
        "off-01 holds 2 rows in calls.jsonl and 1 row in app.jsonl and 1 row in model.jsonl of no request in requests.jsonl"
    )


@pytest.mark.parametrize("path", ["/v1/models", "/api/embed"])
def test_what_an_app_asks_of_its_own_accord_is_nobodys_worry(rows: SimpleNamespace, judged: Callable[..., Report], path: str):
    files = rows.simulate("off", 59)
    probe = rows.as_row(rows.a_call("body-7")) | {"path": path}

    assert judged(mixed(files, "calls", [probe])).problems == ()


def test_attempts_that_the_proxy_never_saw_are_counted(rows: SimpleNamespace, a_run: Callable[..., RunFolder]):
    files = rows.simulate("off", 59)
    lost = [row for row in files.calls if row["attempt"] == 1][3]
    files.calls.remove(lost)
    aborted = next(call for call in files.calls if call["attempt"] == 1 and call["request_id"] > "p01-000050")
    files.calls.remove(aborted)
    next(row for row in files.requests if row["request_id"] == aborted["request_id"])["outcome"] = "aborted"
    at_s = files.app[0]["started_s"]
    gave_up = {"event": "attempt", "attempt": 7, "outcome": "timeout", "started_s": at_s, "finished_s": at_s + 0.01}
    files.app += [gave_up | {"request_id": "p01-000003"}, gave_up | {"request_id": "p01-000004", "finished_s": at_s + 1}]
    (tally,) = load(a_run(off=files)).arms[0].tallies

    assert (tally.attempts, tally.lost) == (len(files.calls) + 4, 2)


def test_what_an_app_begins_when_the_last_user_has_gone_is_not_lost(rows: SimpleNamespace, a_run: Callable[..., RunFolder]):
    """An app that blocks on each call still has calls to make while its stack is ended."""
    files = rows.simulate("off", 59)
    last_s = max(row["finished_s"] for row in files.requests)
    late = {"event": "attempt", "request_id": "p01-000003", "attempt": 7, "outcome": "error", "finished_s": last_s + 2}
    files.app += [late | {"started_s": last_s + 1}, late | {"attempt": 8, "started_s": last_s - 1}]
    (tally,) = load(a_run(off=files)).arms[0].tallies

    assert tally.lost == 1


def test_the_worst_worker_tells_how_late_the_generator_was(rows: SimpleNamespace, a_run: Callable[..., RunFolder]):
    files = rows.simulate("off", 59)
    files.generator = [{"lag_p95_s": 0.1, "lag_worst_s": 0.2}, {"lag_p95_s": None}, {"lag_p95_s": 0.3, "lag_worst_s": "?"}]
    (tally,) = load(a_run(off=files)).arms[0].tallies

    assert (tally.lag_p95_s, tally.lag_worst_s) == (0.3, 0.2)
