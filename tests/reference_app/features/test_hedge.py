"""hedge: a second call where the first is late. It wins over a slow start, and is of no use where all calls are slow."""

import time
from types import SimpleNamespace

import httpx
import pytest

from reference_app.features.hedge import Latency
from tests.reference_app.conftest import until

SOON = {"hedge_observations": 3, "hedge_budget_share": 1.0, "hedge_least_s": 0.1, "hedge_quantile": 0.5}


def eager(app_with, features="hedge", **settings):
    """An app that has seen enough to know what is late."""
    app = app_with(features, **{**SOON, **settings})
    for number in range(4):
        app.ask(f"n=1 to learn from {number}")
    return app


@pytest.mark.parametrize("route", ["/chat", "/chat/stream"])
def test_whoever_speaks_first_is_heard(app_with, provider, route):
    app = eager(app_with)
    before = app.counted("hedge")
    began = time.monotonic()
    told = app.ask("n=3 first=3 times=1 every=0.01", route)

    took_s = time.monotonic() - began
    print(f"answered after {took_s:.2f} s by a second call; the first would have begun after 3 s")
    assert told.text == provider.words(3) and took_s < 2
    assert told.end["served_by"] == "hedge" and told.end["degraded"] is False
    left = until(lambda: [seen for seen in provider.of(told.request_id) if seen.ended == "left"])
    assert [seen.attempt for seen in left] == ["1"] and left[0].ended_at - began < 2
    rows = app.rows("attempt", told.request_id)
    assert {row["reason"]: row["outcome"] for row in rows} == {"first": "cancelled", "hedge": "ok"}
    assert [row["won"] for row in app.rows("hedge", told.request_id)] == [True]
    assert app.counted("hedge")["won"] - before["won"] == 1


def test_what_it_cost_is_told(app_with, provider):
    """Both had the 12 tokens of the question read to them, as far as anybody can tell."""
    told = eager(app_with).ask("n=3 first=3 times=1")

    assert told.end["usage"] == {
        "input_tokens": 24,
        "output_tokens": 3,
        "wasted_output_tokens": 0,
        "attempts": 2,
        "estimated": True,
    }


def test_where_both_are_slow_it_costs_a_call_and_gains_nothing(app_with, provider):
    app = eager(app_with)
    before = app.counted("hedge")
    told = app.ask("n=3 first=0.9")

    grown = {name: value - before[name] for name, value in app.counted("hedge").items()}
    assert grown == {"second_calls": 1, "won": 0, "held_back": 0}
    print(f"{len(provider.of(told.request_id))} calls for an answer that came from the first of them")
    assert (told.text, told.end["served_by"]) == (provider.words(3), "model")
    assert [row["won"] for row in app.rows("hedge", told.request_id)] == [False]
    until(lambda: sorted(seen.ended for seen in provider.of(told.request_id)) == ["done", "left"])


def test_a_second_call_that_is_refused_does_no_harm(app_with, provider):
    told = eager(app_with).ask("n=3 first=0.9 times=1 then=503")

    assert (told.text, told.end["served_by"]) == (provider.words(3), "model")
    assert len(provider.of(told.request_id)) == 2


def test_where_both_fail_the_error_is_told_once(app_with, provider):
    app = eager(app_with)
    told = app.ask("n=3 first=0.9 cut=0 how=rst")

    assert told.status == 503 and told.json["error"]
    assert len(app.rows("attempt", told.request_id)) == 2


def test_a_refusal_before_the_second_call_is_the_answer(app_with, provider):
    told = eager(app_with).ask("n=3 status=422")

    assert told.status == 422 and len(provider.of(told.request_id)) == 1


@pytest.mark.parametrize("changed", [{"hedge_observations": 100}, {"hedge_budget_share": 0.01}, {"max_attempts": 1}])
def test_there_is_no_second_call_without_knowledge_budget_or_leave(app_with, provider, changed):
    app = eager(app_with, **changed)
    before = app.counted("hedge")
    told = app.ask("n=3 first=0.9 times=1")

    grown = {name: value - before[name] for name, value in app.counted("hedge").items()}
    assert grown == {"second_calls": 0, "won": 0, "held_back": "hedge_budget_share" in changed}
    assert (told.text, told.end["served_by"]) == (provider.words(3), "model")
    assert len(provider.of(told.request_id)) == 1


def test_a_user_who_leaves_ends_both(app_with, provider):
    app = eager(app_with)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(app.url + "/chat", json={"question": "n=3 first=5"}, headers={"x-request-id": "hasty"}, timeout=0.6)

    until(lambda: [seen.ended for seen in provider.of("hasty")] == ["left", "left"])


def test_a_stream_that_breaks_after_a_second_call_lost_is_recovered(app_with, provider):
    """The abandoned call says nothing about the one that broke."""
    app = eager(app_with, "stall_watchdog,stream_recovery,retry,hedge,breaker", recovery="restart", first_token_s=2)
    told = app.ask("n=6 first=0.9 cut=3 how=fin times=2")

    assert (told.text, told.ended, told.end["served_by"]) == (provider.words(6), "done", "recovery")
    assert [seen.attempt for seen in provider.of(told.request_id)] == ["1", "2", "3"]


def attempt(took_s, **fields):
    first = {"first_token_s": 10 + took_s} if "outcome" not in fields else {"first_token_s": None}
    kept = {"reason": "first", "abandoned": False, "outcome": "ok", "started_s": 10.0, "finished_s": 10 + took_s}
    return SimpleNamespace(**{**kept, **first, **fields})


def test_the_usual_wait_is_a_quantile_of_the_last_ones():
    latency = Latency(least=20, quantile=0.95)
    for number in range(19):
        latency.note(attempt(number / 100), None)
    assert latency.usual_s() is None

    for number in range(19, 100):
        latency.note(attempt(number / 100), None)
    assert latency.usual_s() == pytest.approx(0.95)
    for _ in range(200):
        latency.note(attempt(7.0), None)
    assert latency.usual_s() == pytest.approx(7.0)


def test_a_call_that_was_given_up_counts_as_long_as_it_was_waited_for():
    """Otherwise hedging would make the usual wait shorter, and so more hedging."""
    latency = Latency(least=1, quantile=0.5)
    latency.note(attempt(0.7, outcome="cancelled", abandoned=True), None)
    assert latency.usual_s() == pytest.approx(0.7)

    too_soon_to_tell = (
        {"outcome": "timeout"},
        {"outcome": "http_error"},
        {"outcome": "cancelled", "abandoned": True, "reason": "hedge"},
    )
    for ignored in too_soon_to_tell:
        latency.note(attempt(0.1, **ignored), None)
    assert latency.usual_s() == pytest.approx(0.7)
