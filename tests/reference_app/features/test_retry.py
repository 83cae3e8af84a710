"""retry: only what can help, never earlier than asked, never without end."""

import pytest

FAST = {"retry_base_s": 0.001, "recovery_base_s": 0.001}


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 520, 524, 529, 530])
def test_it_calls_again(app_with, provider, status):
    told = app_with("retry", **FAST).ask(f"n=3 status={status} times=2")

    assert (told.status, told.text, told.end["served_by"]) == (200, provider.words(3), "retry")
    assert [seen.attempt for seen in provider.of(told.request_id)] == ["1", "2", "3"]


@pytest.mark.parametrize("route", ["/chat", "/chat/stream"])
@pytest.mark.parametrize("status", [400, 401, 404, 409, 422])
def test_a_request_that_is_wrong_is_sent_once_and_its_status_passed_on(app_with, provider, status, route):
    told = app_with(**FAST).ask(f"n=3 status={status}", route)

    assert told.status == status and f"injected {status}" in told.json["error"]
    assert len(provider.of(told.request_id)) == 1


def test_a_dropped_connection_is_tried_again(app_with, provider):
    app = app_with("retry", **FAST)
    told = app.ask("n=3 how=drop times=1", "/chat")

    assert told.text == provider.words(3)
    assert [row["status"] for row in app.rows("attempt", told.request_id)] == [0, 200]


def test_an_error_inside_an_answer_that_has_said_nothing_is_tried_again(app_with, provider):
    """OpenAI's has told its role by then, which is nothing to a user."""
    told = app_with("retry", **FAST).ask("n=3 cut=0 how=error times=1")

    assert (told.text, told.end["served_by"]) == (provider.words(3), "retry")


def test_retry_after_is_never_undercut(app_with, provider):
    told = app_with("retry", **FAST).ask("n=3 status=429 ra=0.7 times=1")
    first, second = provider.of(told.request_id)

    assert told.text == provider.words(3)
    assert second.at - first.ended_at >= 0.7


def test_a_retry_after_beyond_the_deadline_is_passed_on_at_once(app_with, provider):
    told = app_with("deadline,retry", deadline_s=2.0, **FAST).ask("n=3 status=429 ra=7")

    assert (told.status, told.headers["retry-after"]) == (429, "7")
    assert len(provider.of(told.request_id)) == 1


def test_a_retry_after_beyond_the_cap_is_passed_on_at_once(app_with, provider):
    told = app_with("retry", retry_after_cap_s=30, **FAST).ask("n=3 status=429 ra=31", "/chat")

    assert (told.status, told.headers["retry-after"]) == (429, "31")
    assert len(provider.of(told.request_id)) == 1


@pytest.mark.parametrize("route", ["/chat", "/chat/stream"])
@pytest.mark.parametrize("asked", ["status=429", "cut=0 how=error", "cut=3 how=error"])
@pytest.mark.parametrize("code", ["insufficient_quota", "credit_balance_exhausted"])
def test_a_quota_that_is_spent_is_told_at_once(app_with, provider, code, asked, route):
    """Before the answer, and inside it: to call again, or for the rest, would be for nothing."""
    app = app_with(**FAST)
    told = app.ask(f"n=5 {asked} code={code}", route)

    error = told.end["error"]
    assert "injected" in error and len(provider.of(told.request_id)) == 1
    assert told.status == (429 if "429" in asked else 200 if "cut=3" in asked and route == "/chat/stream" else 503)
    assert [row["reason"] for row in app.rows("attempt", told.request_id)] == ["first"]


def test_a_quota_that_is_spent_while_an_answer_is_recovered_is_told_at_once(app_with, provider):
    """The provider does not refuse to go on: it would refuse to begin again, too."""
    app = app_with(recovery="continue", **FAST)
    told = app.ask("n=8 cut=4 how=fin times=1 then=429 code=insufficient_quota")

    assert (told.ended, told.end["status"], told.text) == ("error", 429, provider.words(4))
    assert len(provider.of(told.request_id)) == 2


@pytest.mark.parametrize(
    ("features", "question", "calls"),
    [
        ("retry", "n=3 status=503", 3),
        ("all", "n=3 status=503", 3),
        ("stream_recovery", "n=3 status=503", 1),
        ("all", "n=3 cut=0 how=fin", 8),
        ("all", "n=3 how=drop", 3),
    ],
)
def test_calls_have_a_bound_however_bad_it_gets(app_with, provider, features, question, calls):
    told = app_with(features, **FAST).ask(question)

    assert told.status == 503 and told.json["error"]
    assert len(provider.of(told.request_id)) <= calls <= 8


def test_what_it_did_and_what_it_gave_up_for_is_counted(app_with):
    """Two calls more that helped; three in vain; a wait too long; and what calling again cannot help, which is no giving up."""
    app = app_with("retry", retry_after_cap_s=20, **FAST)
    before = app.counted("retry")
    for question in ("n=3 status=503 times=2", "n=3 status=503", "n=3 status=429 ra=31", "n=3 status=422"):
        app.ask(question)

    grown = {name: value - before[name] for name, value in app.counted("retry").items()}
    assert grown == {"retries": 4, "out_of_attempts": 1, "out_of_time": 1, "out_of_budget": 0}


def test_after_the_first_word_it_does_not_call_again(app_with, provider):
    told = app_with("retry", **FAST).ask("n=6 cut=3 how=rst times=1")

    assert told.ended == "error" and told.text == provider.words(3)
    assert len(provider.of(told.request_id)) == 1
