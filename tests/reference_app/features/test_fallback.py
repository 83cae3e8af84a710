"""fallback: it wins where the model is down; it costs where the answer is worse than to be told to come back later."""

import time

import pytest

from tests.reference_app.conftest import until

FAST = {"retry_base_s": 0.001, "recovery_base_s": 0.001}
ROUTES = pytest.mark.parametrize("route", ["/chat", "/chat/stream"])


@ROUTES
def test_another_model_answers_and_the_user_is_told(app_with, provider, route):
    app = app_with("retry,fallback", fallback_model="small", **FAST)
    told = app.ask("n=3 down=llama3.1", route)

    assert (told.status, told.text) == (200, provider.words(3))
    assert (told.end["served_by"], told.end["degraded"], told.headers["x-degraded"]) == ("other model", True, "other model")
    rows = app.rows("attempt", told.request_id)
    assert [row["reason"] for row in rows] == ["first", "retry", "retry", "fallback"]
    assert [row["model"] for row in rows] == ["llama3.1"] * 3 + ["small"]
    assert app.request_row(told.request_id)["degraded"] is True


def test_the_other_model_gets_the_same_parameters(app_with, provider):
    told = app_with("fallback", fallback_model="small").ask("n=3 down=llama3.1", temperature=0.3, max_tokens=90, seed=7)
    first, second = provider.of(told.request_id)

    assert second.sampling == first.sampling and second.body["messages"] == first.body["messages"]


@ROUTES
@pytest.mark.parametrize("cache", ["memory", "sqlite"])
def test_an_answer_that_was_kept_too_long_is_better_than_none(app_with, provider, route, cache, tmp_path_factory):
    where = cache if cache == "memory" else f"sqlite:{tmp_path_factory.mktemp('stale')}/answers.db"
    app = app_with("cache,fallback", cache=where, cache_ttl_s=0.2)
    question = f"n=3 stale by {route}"
    fresh = app.ask(question, route)
    until(lambda: app.ask(question, route).end["served_by"] == "model")
    time.sleep(0.3)
    provider.out = True
    try:
        stale, unknown = app.ask(question, route), app.ask("n=3 never asked", route)
    finally:
        provider.out = False

    assert (stale.status, stale.text, stale.end["degraded"]) == (200, fresh.text, True)
    assert stale.end["served_by"] == stale.headers["x-degraded"] == "stale cache"
    assert unknown.status == 503 and "x-degraded" not in unknown.headers


@ROUTES
def test_an_honest_sentence_is_the_last_resort(app_with, provider, route):
    app = app_with("fallback", fallback_model="small", fallback_text="I cannot answer now. Please come back in some minutes.")
    told = app.ask("n=3 status=503", route)

    assert (told.status, told.text) == (200, "I cannot answer now. Please come back in some minutes.")
    assert (told.end["served_by"], told.end["degraded"], told.headers["x-degraded"]) == ("default", True, "default")
    assert len(provider.of(told.request_id)) == 2


def test_where_nothing_helps_the_models_own_error_is_told(app_with, provider):
    told = app_with("fallback", fallback_model="small").ask("n=3 status=429 ra=7")

    assert (told.status, told.headers["retry-after"]) == (429, "7")
    assert "x-degraded" not in told.headers and len(provider.of(told.request_id)) == 2


@pytest.mark.parametrize("status", [400, 401, 404, 422])
def test_a_wrong_question_is_not_asked_twice(app_with, provider, status):
    told = app_with("fallback", fallback_model="small", fallback_text="Sorry.").ask(f"n=3 status={status}")

    assert told.status == status and len(provider.of(told.request_id)) == 1


def test_after_half_an_answer_the_other_one_begins_anew(app_with, provider):
    told = app_with("fallback,stream_recovery", fallback_model="small", recoveries=1, recovery="restart", **FAST).ask(
        "n=6 cut=3 how=fin times=2"
    )

    assert [name for name, _ in told.events] == ["token"] * 3 + ["reset"] + ["token"] * 6 + ["done"]
    assert told.text == provider.words(6) and told.end["degraded"] is True
    usage = told.end["usage"]
    assert (usage["output_tokens"], usage["wasted_output_tokens"]) == (12, 6)


def test_another_model_that_breaks_off_is_no_answer(app_with, provider):
    told = app_with("fallback,stream_recovery", fallback_model="small", recoveries=1, recovery="restart", **FAST).ask(
        "n=6 cut=3 how=fin"
    )

    assert (told.ended, told.end["status"]) == ("error", 503)


def test_at_the_deadline_there_is_time_for_a_sentence_only(app_with, provider):
    app = app_with("deadline,fallback", fallback_model="small", fallback_text="Later, please.", deadline_s=0.5)
    told = app.ask("n=3 first=5")

    assert told.text == "Later, please." and len(provider.of(told.request_id)) == 1


def test_behind_an_open_breaker_the_other_model_is_asked_at_once(app_with, provider):
    app = app_with("fallback,breaker", fallback_model="small", breaker_calls=4, breaker_open_s=60)
    calls = []
    for _ in range(8):
        told = app.ask("n=3 down=llama3.1")
        assert told.text == provider.words(3)
        calls.append(len(provider.of(told.request_id)))

    assert calls == [2, 2, 2, 2, 1, 1, 1, 1]


def test_a_lesser_answer_is_not_kept(app_with, provider):
    app = app_with("cache,fallback", fallback_model="small")
    for _ in range(2):
        told = app.ask("n=3 down=llama3.1 not to be kept")
        assert told.end["served_by"] == "other model" and len(provider.of(told.request_id)) == 2


def test_which_way_helped_is_counted(app_with):
    """And where none did; a wrong question is none that was to be helped."""
    app = app_with("fallback", fallback_model="tiny")
    before = app.counted("fallback")
    for question in ("n=3 down=llama3.1", "n=3 status=503", "n=3 status=422", "n=3"):
        app.ask(question)

    grown = {name: value - before[name] for name, value in app.counted("fallback").items()}
    assert grown == {"other_model": 1, "stale_cache": 0, "default": 0, "nothing": 1}


def test_there_is_none_where_there_is_nothing_to_fall_back_on(app_with):
    app = app_with("fallback")

    assert app.request_row(app.ask("n=1").request_id)["features"] == []
