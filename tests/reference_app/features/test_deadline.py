"""deadline: one budget for the whole request."""

import time

import pytest


@pytest.mark.parametrize("route", ["/chat", "/chat/stream"])
def test_before_the_first_token_it_is_a_504(app_with, provider, route):
    began = time.monotonic()
    told = app_with("deadline", deadline_s=0.6).ask("n=3 first=5", route)

    assert told.status == 504 and told.json == {"error": "No complete answer within 0.6 s."}
    assert 0.6 <= time.monotonic() - began < 1.6
    assert provider.of(told.request_id)[0].ended in ("left", "running")


def test_after_the_first_token_it_is_an_error_event(app_with, provider):
    app = app_with("deadline", deadline_s=0.6)
    told = app.ask("n=100 every=0.1")

    assert (told.status, told.ended, told.end["status"]) == (200, "error", 504)
    assert provider.words(100).startswith(told.text) and told.text
    assert app.request_row(told.request_id)["outcome"] == "timeout"


def test_attempts_and_pauses_share_the_budget(app_with):
    app = app_with("all", deadline_s=1.0, stall_s=0.4, first_token_s=0.4, recovery_base_s=0.01)
    began = time.monotonic()
    told = app.ask("n=3 first=5")

    assert told.status in (503, 504)
    assert time.monotonic() - began < 1.9
    rows = app.rows("attempt", told.request_id)
    assert [row["outcome"] for row in rows] == ["stalled", "stalled", "timeout"]


def test_a_request_in_time_is_not_touched(app_with, provider):
    assert app_with("deadline", deadline_s=0.6).ask("n=5 every=0.05").text == provider.words(5)
