"""The log is the only tie to whoever measures the app: every attempt and every request, field for field."""

import json
import os
import subprocess
import sys

import pytest

from reference_app.log import open_log

ENDS = ["started_s", "first_token_s", "finished_s"]
ATTEMPT = [
    "event",
    "trace_id",
    "request_id",
    "attempt",
    "reason",
    "model",
    *ENDS,
    "status",
    "outcome",
    "tokens_in",
    "tokens_out",
]
REQUEST = ["event", "trace_id", "request_id", "route", "status", "outcome", "served_by", "degraded", "features", "attempts"]
REQUEST += ["tokens_in", "tokens_out", "tokens_wasted", "estimated", *ENDS]


def test_an_attempt_and_a_request_are_told_completely(app_with):
    app = app_with("all", recovery="continue", recovery_base_s=0.001)
    told = app.ask("n=5 cut=3 how=fin times=1 told completely")
    row, attempts = app.request_row(told.request_id), app.rows("attempt", told.request_id)

    assert list(row) == REQUEST and [list(attempt) for attempt in attempts] == [ATTEMPT, ATTEMPT]
    told_of = [(a["attempt"], a["reason"], a["status"], a["outcome"], a["tokens_in"], a["tokens_out"]) for a in attempts]
    assert told_of == [(1, "first", 200, "cut", None, 3), (2, "recovery", 200, "ok", 15, 2)]
    assert (row["route"], row["status"], row["outcome"], row["served_by"]) == ("/chat/stream", 200, "ok", "recovery")
    assert (row["attempts"], row["tokens_in"], row["tokens_out"], row["tokens_wasted"]) == (2, 27, 5, 0)
    assert {"cache", "stream_recovery", "retry"} < set(row["features"]) and row["estimated"] is True
    assert row["started_s"] <= attempts[0]["started_s"] <= row["first_token_s"] <= attempts[1]["started_s"] <= row["finished_s"]


@pytest.mark.parametrize(
    ("question", "outcome", "attempt"),
    [
        ("n=2", "ok", "ok"),
        ("n=2 status=422", "rejected", "http_error"),
        ("n=2 status=429", "http_error", "http_error"),
        ("n=2 status=500", "http_error", "http_error"),
        ("n=2 how=drop", "http_error", "error"),
        ("n=4 cut=2 how=rst", "cut", "cut"),
        ("n=4 cut=2 how=junk", "cut", "error"),
        ("n=4 cut=2 how=clean", "ok", "truncated"),
    ],
)
def test_what_became_of_a_plain_request(app_with, question, outcome, attempt):
    app = app_with("none")
    told = app.ask(question)

    assert app.request_row(told.request_id)["outcome"] == outcome
    assert [row["outcome"] for row in app.rows("attempt", told.request_id)] == [attempt]


def test_a_request_without_an_answer_wasted_what_it_spent(app_with):
    app = app_with("none")
    row = app.request_row(app.ask("n=4 cut=2 how=rst").request_id)

    assert (row["tokens_out"], row["tokens_wasted"], row["served_by"]) == (2, 2, None) and row["tokens_in"] > 0


def test_a_refused_question_is_told_too(app_with):
    app = app_with("none")
    row = app.request_row(app.ask(" ").request_id)

    assert (row["status"], row["outcome"], row["attempts"]) == (422, "rejected", 0)


def test_lines_of_two_processes_do_not_mix(tmp_path):
    path = tmp_path / "app.jsonl"
    code = (
        "import sys; from reference_app.log import open_log; log = open_log(sys.argv[1]); [log('x', n=n) for n in range(2000)]"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(2)]

    assert [writer.wait(30) for writer in writers] == [0, 0]
    rows = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert sorted(row["n"] for row in rows) == sorted([*range(2000)] * 2)


def test_without_a_path_it_is_standard_output(capfd):
    open_log("")("x", n=1)
    assert os.linesep.join(capfd.readouterr().out.splitlines()) == '{"event":"x","n":1}'
