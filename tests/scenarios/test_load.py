"""Real Locust, real sockets: every scheduled request leaves one row with the right outcome, and one Locust event."""

import os
import re
import signal
import time
from collections import Counter
from statistics import quantiles

import pytest

from scenarios.workload import Workload, due

EVERY_FATE = {
    "rate_per_s": 40.0,
    "users": 60,
    "spawn_per_s": 60.0,
    "duration_s": 3.0,
    "deadline_s": 1.5,
    "prompts": 9,
}


def keys(**workload):
    return {arrival.request_id for arrival in due(Workload(**workload), 7, 1)}


def finished(locust, seconds=30):
    return locust.wait(seconds)


@pytest.fixture(scope="module")
def every_fate(shared_stage):
    """A finished run in which everything went wrong that can."""
    shared_stage.app()
    assert finished(shared_stage.locust(**EVERY_FATE)) == 1, shared_stage.log("locust")
    assert "Traceback" not in shared_stage.log("locust")
    return shared_stage


def test_every_scheduled_request_leaves_one_row_with_its_outcome_and_one_event(every_fate):
    """Whatever the app does to it, to the reset connection and the answer that never comes."""
    stage = every_fate
    rows, expected = stage.rows(), stage.told("outcome")
    assert sorted(row["request_id"] for row in rows) == sorted(keys(**EVERY_FATE))
    wrong = {(row["request_id"], row["outcome"], row["error"]) for row in rows if row["outcome"] != expected[row["request_id"]]}
    assert not wrong
    assert set(expected.values()) >= {
        "ok", "degraded", "rejected", "http_error", "timeout", "cut", "truncated", "duplicated", "wrong", "garbled",
    }  # fmt: skip
    assert Counter(event["request_id"] for event in stage.events()) == Counter(row["request_id"] for row in rows)
    failed = {event["request_id"] for event in stage.events() if event["failed"]}
    assert failed == {row["request_id"] for row in rows if row["outcome"] not in ("ok", "degraded", "rejected")}
    assert stage.totals()["requests"] == len(rows)
    assert stage.totals()["failures"] == len(failed)


def test_what_a_row_tells_of_an_answer(every_fate):
    stage = every_fate
    fate, rows = stage.told("fate"), stage.rows()
    good = next(row for row in rows if fate[row["request_id"]] == "good" and row["task"] == "stream")
    assert (good["tokens"], len(good["gaps_us"]), good["status"], good["served_by"]) == (8, 7, 200, "retry")
    assert good["longest_gap_s"] == max(good["gaps_us"]) / 1e6
    assert good["intended_s"] <= good["sent_s"] < good["first_token_s"] < good["finished_s"]
    again = next(row for row in rows if fate[row["request_id"]] == "starts_again" and row["task"] == "stream")
    assert (again["tokens"], len(again["gaps_us"])) == (8, 10), "tokens of the answer; gaps between all that was shown"
    json_answer = next(row for row in rows if fate[row["request_id"]] == "good" and row["task"] == "chat")
    assert (json_answer["tokens"], json_answer["first_token_s"], json_answer["served_by"]) == (8, None, "model")
    refused = next(row for row in rows if fate[row["request_id"]] == "422")
    assert (refused["status"], refused["error"]) == (422, "no answer today (422)")
    entries = stage.totals()["entries"]
    assert entries["TTFT /chat/stream"] == sum(row["first_token_s"] is not None for row in rows), "beside Aggregated, not in it"
    late = [row for row in rows if row["outcome"] == "timeout" and fate[row["request_id"]] == "stall"]
    assert late and all(1.5 <= row["finished_s"] - row["intended_s"] < 1.7 for row in late)


def test_two_processes_share_the_schedule_and_nothing_is_lost(stage, port):
    stage.app(GAP_S="0.05")
    workload = {**EVERY_FATE, "users": 40, "duration_s": 2.0}
    at = ["--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-port", port]
    assert finished(stage.locust("--processes", 2, *at, **workload)) == 1, stage.log("locust")

    rows, expected = stage.rows(), stage.told("outcome")
    assert sorted(row["request_id"] for row in rows) == sorted(keys(**workload))
    assert all(row["outcome"] == expected[row["request_id"]] for row in rows)
    processes = {event["pid"] for event in stage.events()}
    assert len(processes) == 2
    for process in processes:
        assert len({int(event["request_id"][-6:]) % 2 for event in stage.events() if event["pid"] == process}) == 1
    assert Counter(event["request_id"] for event in stage.events()) == Counter(row["request_id"] for row in rows)
    assert stage.totals()["requests"] == len(rows), "the master has every event too"


def test_ctrl_c_leaves_whole_rows_and_tells_what_it_cut_off(stage, eventually):
    stage.app(GAP_S="0.2", FATE="good")
    workload = {**EVERY_FATE, "users": 10, "spawn_per_s": 10.0, "duration_s": 60.0, "deadline_s": 20.0, "stream_share": 1.0}
    locust = stage.locust(**workload)
    eventually(lambda: len(stage.rows()) >= 5, why="some requests finished")
    pressed_s = time.monotonic()
    os.kill(locust.pid, signal.SIGINT)
    finished(locust, 5)

    assert "Traceback" not in stage.log("locust")
    rows = stage.rows()
    outcomes = Counter(row["outcome"] for row in rows)
    assert set(outcomes) == {"ok", "aborted"}
    # Whoever is done between the key and Locust's end of all users is ok, and free by then.
    busy = [row for row in rows if not row["error"] and row["sent_s"] <= pressed_s < row["finished_s"]]
    waiting = [row for row in rows if row["outcome"] == "aborted" and row["error"]]
    assert len(busy) == 10 and waiting, "ten users were busy; more requests were due than they could take"
    assert {row["request_id"] for row in rows} == set(sorted(keys(**workload))[: len(rows)]), "none of the due ones is missing"
    assert max(row["intended_s"] for row in rows) < pressed_s + 1
    assert Counter(event["request_id"] for event in stage.events()) == Counter(row["request_id"] for row in rows)


@pytest.mark.parametrize(
    "end",
    [lambda master: os.kill(master, signal.SIGTERM), lambda master: os.killpg(master, signal.SIGINT)],
    ids=["term", "ctrl-c"],
)
def test_a_signal_ends_master_and_workers_at_once(stage, port, eventually, end):
    """SIGTERM reaches the master only, Ctrl-C in a terminal everybody; both leave a row for all that was due."""
    stage.app(GAP_S="0.2", FATE="good")
    workload = {**EVERY_FATE, "duration_s": 60.0, "deadline_s": 20.0, "stream_share": 1.0}
    at = ["--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-port", port]
    locust = stage.locust("--processes", 2, *at, **workload)
    eventually(lambda: len(stage.rows()) >= 5, why="some requests finished")
    end(locust.pid)
    finished(locust, 8)
    rows = stage.rows()
    assert {row["outcome"] for row in rows} == {"ok", "aborted"}
    asked = {row["request_id"] for row in rows}
    assert len(asked) == len(rows)
    assert set(stage.told("fate")) <= asked, "what reached the app has a row"
    given = sum(map(int, re.findall(r"(\d+) arrivals, handed out", stage.log("locust"))))
    assert given == len(rows), "and so has what waited for a free user"
    assert "Traceback" not in stage.log("locust")


def test_workers_end_when_their_master_is_killed(stage, port, eventually):
    """Locust's own would load on for a minute."""
    stage.app(FATE="good")
    at = ["--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-port", port]
    locust = stage.locust("--processes", 2, *at, **{**EVERY_FATE, "duration_s": 60.0})
    eventually(lambda: len(stage.rows()) >= 5, why="some requests finished")
    os.kill(locust.pid, signal.SIGKILL)
    locust.wait(5)
    processes = {event["pid"] for event in stage.events()}

    def gone(process):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        with open(f"/proc/{process}/stat") as stat:
            return stat.read().split()[2] == "Z"

    eventually(lambda: all(gone(process) for process in processes), 8, "the workers are gone")


def test_a_closed_loop_of_one_ends_by_itself(stage):
    """Its last answer is told before anyone knows that it was the last."""
    stage.app(FATE="good", GAP_S="0.005")
    workload = {**EVERY_FATE, "rate_per_s": 0.0, "users": 1, "spawn_per_s": 1.0, "duration_s": 1.0}

    assert finished(stage.locust(**workload)) == 0, stage.log("locust")


def test_the_closed_loop_asks_as_soon_as_it_is_answered(stage):
    stage.app(FATE="good", GAP_S="0.005")
    workload = {**EVERY_FATE, "rate_per_s": 0.0, "users": 4, "spawn_per_s": 50.0, "duration_s": 1.5, "stream_share": 1.0}
    assert finished(stage.locust(**workload)) == 0, stage.log("locust")
    rows = sorted(stage.rows(), key=lambda row: row["request_id"])
    assert [int(row["request_id"][-6:]) for row in rows] == list(range(len(rows)))
    assert len(rows) > 4 * 1.5 / 0.2, "four users, each answered within 0.2 s"
    assert all(row["sent_s"] - row["intended_s"] < 0.05 for row in rows)
    assert len(set(stage.told("connection").values())) == 4, "each user keeps its connection"


def test_a_run_time_shortens_the_schedule_and_ends_in_good_order(stage):
    stage.app(FATE="good", GAP_S="0.05")
    workload = {**EVERY_FATE, "duration_s": 60.0}
    assert finished(stage.locust("-t", "2s", **workload)) == 0, stage.log("locust")
    assert {row["request_id"] for row in stage.rows()} == keys(**{**workload, "duration_s": 2.0})
    assert {row["outcome"] for row in stage.rows()} == {"ok"}


def test_a_test_that_cannot_be_set_up_does_not_load(stage):
    stage.app(FATE="good")
    assert finished(stage.locust("--scenario", "nowhere.toml", **EVERY_FATE)) == 2
    assert "there is no such file" in stage.log("locust")
    assert not stage.rows() and not stage.told("fate")


def test_the_time_to_first_token_is_true_at_twenty_concurrent_streams(stage):
    """Against the server's own stamps on the same clock."""
    stage.app(FATE="good", WORDS="60", GAP_S="0.03")
    workload = {**EVERY_FATE, "rate_per_s": 20 / 2.0, "users": 60, "spawn_per_s": 100.0, "duration_s": 4.0}
    workload |= {"deadline_s": 10.0, "stream_share": 1.0}
    assert finished(stage.locust(**workload)) == 0, stage.log("locust")
    left_s = stage.told("first_token_s")
    errors_ms = [1e3 * (row["first_token_s"] - left_s[row["request_id"]]) for row in stage.rows()]
    p50, p95 = (quantiles(errors_ms, n=20)[at] for at in (9, 18))
    print(f"first token seen after the server sent it: P50 {p50:.2f} ms, P95 {p95:.2f} ms, {len(errors_ms)} streams")
    assert min(errors_ms) > 0
    assert p95 < 10
