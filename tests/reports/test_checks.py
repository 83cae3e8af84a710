"""Whether a run holds what it must: rows nobody wrote, processes that died, a generator that lagged."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from records.folder import CALLS, MODEL, REQUESTS, RunFolder
from reports.against import compare_to_baseline
from reports.baseline import make_baseline
from reports.load import load
from reports.report import Report, make_report


def cut(folder: RunFolder, name: str, lines: int) -> None:
    path = folder.arm("off", 1).path / name
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:lines]))


@pytest.fixture
def off_only(a_run: Callable[..., RunFolder], rows: SimpleNamespace) -> Callable[..., RunFolder]:
    return lambda **changes: a_run(off=rows.simulate("off", 59), **changes)


def judged(folder: RunFolder) -> tuple[str, str]:
    found = make_report(load(folder)).verdict
    return found.state, " ".join(found.reasons)


def test_rows_of_fewer_requests_than_scheduled_are_inconclusive(off_only: Callable[..., RunFolder]):
    folder = off_only(planned={"off-01": 59})
    assert judged(folder)[0] == "pass"

    cut(folder, REQUESTS, 11)
    state, told = judged(folder)

    assert state == "inconclusive"
    assert "arm off-01 has rows of 11 of 59 scheduled requests" in told


def test_a_pair_that_left_nothing_is_incomplete(off_only: Callable[..., RunFolder]):
    state, told = judged(off_only(planned={"off-01": 59, "off-02": 58}, pairs=2))

    assert state == "inconclusive"
    assert "arm off-02 has rows of 0 of 58 scheduled requests" in told


def test_an_aborted_request_has_left_its_row(off_only: Callable[..., RunFolder], a_run: Any, rows: SimpleNamespace):
    files = rows.simulate("off", 59)
    files.requests[-1]["outcome"] = "aborted"

    assert judged(a_run(off=files, planned={"off-01": 59}))[0] == "pass"


def test_an_incomplete_run_is_no_baseline(off_only: Callable[..., RunFolder]):
    with pytest.raises(ValueError, match="59 of 60 scheduled requests"):
        make_baseline(load(off_only(planned={"off-01": 60})))


def test_a_process_that_ended_early_makes_the_run_invalid(off_only: Callable[..., RunFolder]):
    said = "off-01: the app ended with exit code -9. Read off-01/logs/app.log"

    assert judged(off_only(ended_early=[said])) == ("invalid", said)


@pytest.mark.parametrize("name", [CALLS, MODEL])
@pytest.mark.parametrize("empty", [True, False])
def test_an_embedded_arm_without_calls_or_generations_is_invalid(off_only: Callable[..., RunFolder], name: str, empty: bool):
    folder = off_only()
    path = folder.arm("off", 1).path / name
    if empty:
        path.write_bytes(b"")
    else:
        path.unlink()
    state, told = judged(folder)

    assert state == "invalid"
    assert f"off-01/{name} has no row" in told


@pytest.mark.parametrize("changes", [{"embedded": False}, {"plan": None}])
def test_an_app_of_someone_elses_has_no_proxy_of_ours(off_only: Callable[..., RunFolder], changes: dict[str, Any]):
    folder = off_only(**changes)
    for name in (CALLS, MODEL):
        (folder.arm("off", 1).path / name).unlink()

    assert judged(folder)[0] != "invalid"


def test_an_embedded_arm_without_a_plan_must_leave_calls_too(off_only: Callable[..., RunFolder]):
    folder = off_only(plan=None, embedded=True)
    (folder.arm("off", 1).path / CALLS).unlink()

    assert judged(folder)[0] == "invalid"


def test_what_the_cache_served_needs_no_call(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    served = [rows.as_row(rows.a_request(number, served_by="cache")) for number in range(30)]

    assert judged(a_run(off=rows.Files(requests=served), plan=None, embedded=True))[0] == "pass"


def test_where_the_proxy_answered_every_call_the_model_has_nothing_to_tell(a_run: Any, rows: SimpleNamespace):
    """A plan that strikes every call with a 503 is no broken run."""
    asked = [rows.a_request(number, outcome="http_error", status=503, served_by=None) for number in range(30)]
    fault = rows.FAULTS[1]
    calls = [rows.as_row(rows.a_call(one.request_id, 1, 503, [fault])) for one in asked]
    files = rows.Files(requests=[rows.as_row(one) for one in asked], calls=calls)

    assert judged(a_run(off=files, plan={"name": "p", "faults": [fault]}))[0] == "vacuous"


def test_attempts_without_a_call_make_the_run_invalid(off_only: Callable[..., RunFolder]):
    folder = off_only()
    cut(folder, CALLS, 40)
    state, told = judged(folder)

    assert state == "invalid"
    assert "off-01: 19 of 59 attempts that the app tells have no call in calls.jsonl" in told


def test_of_an_interrupted_run_calls_in_flight_may_be_missing(off_only: Callable[..., RunFolder]):
    folder = off_only(state="partial")
    cut(folder, CALLS, 57)
    found = make_report(load(folder))

    assert found.verdict.state == "inconclusive"
    assert "2 of 59 attempts" in found.problems[-1]


def test_attempts_that_need_not_have_reached_the_proxy_are_not_missed(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    """Those of an aborted request, and those the app gave up before it had sent anything."""
    files = rows.simulate("off", 59)
    files.requests[-1]["outcome"] = "aborted"
    moment = {"outcome": "timeout", "status": 0, "started_s": 5001.0, "finished_s": 5001.004}
    files.app.append(files.app[0] | {"event": "attempt", "attempt": 2, **moment})
    files.calls = [row for row in files.calls if row["request_id"] != files.requests[-1]["request_id"]]

    assert judged(a_run(off=files))[0] == "pass"


def lagging(
    a_run: Callable[..., RunFolder], rows: SimpleNamespace, sent_s: float, *lags: float | None, **changes: Any
) -> Report:
    files = rows.simulate("off", 59)
    for row in files.requests:
        row["sent_s"] += sent_s
    files.generator = [{"worker": n, "arrivals": 30, "lag_p95_s": lag, "lag_worst_s": lag} for n, lag in enumerate(lags)]
    return make_report(load(a_run(off=files, **changes)))


def test_a_busy_pool_is_a_problem_and_no_verdict(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    found = lagging(a_run, rows, 0.6, 0.002, workload={"users": 50})

    assert found.verdict.state == "pass"
    assert found.arms[0].metrics["send_lag_p95_s"] > 0.6
    assert 'all 50 users were busy in arm "off"' in found.problems[0]
    assert "latency counts from the intended start all the same" in found.problems[0]


def test_a_dispatcher_that_lagged_makes_the_run_invalid(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    """One worker of several is enough: its requests were late."""
    found = lagging(a_run, rows, 0.6, 0.002, 0.4, None)

    assert found.verdict.state == "invalid"
    assert "lagged" in found.verdict.reasons[0]
    assert "0.40 s" in found.verdict.reasons[0]
    assert found.problems == ()


@pytest.mark.parametrize("lags", [(), (None,)])
def test_without_the_dispatchers_own_word_late_sending_is_its_fault(a_run: Any, rows: SimpleNamespace, lags: tuple[None, ...]):
    assert lagging(a_run, rows, 0.6, *lags).verdict.state == "invalid"


def test_a_gate_takes_the_dispatchers_word_too(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    punctual, late = (lagging(a_run, rows, 0.0, lag, name=f"run-{lag}").run for lag in (0.01, 0.4))

    assert compare_to_baseline(late, make_baseline(punctual), "off", 0.1).state == "invalid"


def test_attempts_are_matched_by_number(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    files = rows.simulate("off", 59)
    files.calls.append(files.calls[0] | {"attempt": 2})
    files.app += [{"event": "attempt", "request_id": files.calls[0]["request_id"], "attempt": n} for n in (2, 3, None)]

    assert "1 of 61 attempts" in judged(a_run(off=files))[1]


@pytest.mark.parametrize(("share", "state"), [(0.0, "pass"), (0.10, "pass"), (0.101, "invalid")])
def test_a_machine_that_was_not_its_own_makes_the_run_invalid(off_only: Callable[..., RunFolder], share: float, state: str):
    found, told = judged(off_only(steal_share={"off-01": share}))

    assert found == state
    assert ("CPU time was stolen by the machine's host" in told) == (state == "invalid")


@pytest.mark.parametrize(("share", "state"), [(1.0, "pass"), (0.98, "pass"), (0.979, "invalid")])
def test_a_load_that_was_not_the_intended_one_makes_the_run_invalid(
    off_only: Callable[..., RunFolder], share: float, state: str
):
    found, told = judged(off_only(achieved_share={"off-01": share}))

    assert found == state
    assert ("97.9% of the scheduled requests were sent before the schedule's end" in told) == (state == "invalid")


def test_of_an_interrupted_run_the_rest_was_never_to_be_sent(off_only: Callable[..., RunFolder]):
    assert judged(off_only(achieved_share={"off-01": 0.5}, state="partial"))[0] == "inconclusive"


def test_where_all_users_were_busy_it_is_the_app_that_was_slow(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    """A slow app is a result: its run must not be thrown away as another's fault."""
    files = rows.simulate("off", 59)
    files.generator = [{"worker": 0, "arrivals": 59, "lag_p95_s": 0.01, "lag_worst_s": 0.2}]
    found = make_report(load(a_run(off=files, achieved_share={"off-01": 0.6})))

    assert found.verdict.state == "pass"
    assert any("60.0% of the scheduled" in told and "waited for a user to be free" in told for told in found.problems)


def test_a_generator_that_was_late_now_and_then_is_not_excused(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    files = rows.simulate("off", 59)
    files.generator = [{"worker": 0, "arrivals": 59, "lag_p95_s": 0.01, "lag_worst_s": 3.0}]

    assert judged(a_run(off=files, achieved_share={"off-01": 0.9}))[0] == "invalid"
