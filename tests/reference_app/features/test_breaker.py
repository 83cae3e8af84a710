"""breaker: it wins where a provider is down, and costs where a burst of failures is over before the gate opens again."""

import asyncio
import time
from types import SimpleNamespace

import httpx
import pytest

from reference_app.call import Account
from reference_app.errors import DeadlineExceeded, StalledStream
from reference_app.features.breaker import Gate, has_failed
from reference_app.settings import Settings

SETTINGS = Settings(breaker_calls=4, breaker_failure_share=0.5, breaker_window_s=10, breaker_open_s=2, breaker_probes=2)


def gate_after(*ends):
    states = []
    gate = Gate(SETTINGS, states.append)
    for at, failed in ends:
        gate.note(at, failed)
    return gate, states


def test_it_opens_when_a_share_failed_and_not_before_there_are_calls_to_take_it_of():
    gate, states = gate_after((0, True), (0, True), (0, True))
    assert gate.ask(0) == 0 and states == []

    gate.note(0.5, False)
    assert gate.ask(0.5) == 2 and states == ["open"]


def test_failures_that_are_long_ago_count_no_more():
    gate, _ = gate_after((0, True), (0, True), (0, True), (11, False))

    assert gate.ask(11) == 0


def test_probes_are_let_through_and_close_it():
    gate, states = gate_after(*[(0, True)] * 4)

    assert [gate.ask(2.0), gate.ask(2.0), gate.ask(2.0)] == [0, 0, 2]
    gate.probed(2.5, False)
    assert gate.state == "half-open"
    gate.probed(2.6, False)
    assert states == ["open", "half-open", "closed"]
    # It begins with a clean sheet.
    gate.note(2.7, True)
    assert gate.ask(2.7) == 0


def test_a_probe_that_fails_opens_it_again():
    gate, states = gate_after(*[(0, True)] * 4)
    gate.ask(2.0)
    gate.probed(2.5, True)

    assert gate.ask(4.0) == 0.5 and gate.ask(4.5) == 0
    assert states == ["open", "half-open", "open", "half-open"]


def test_a_probe_that_never_ends_or_was_not_waited_for_does_not_shut_it_for_ever():
    gate, _ = gate_after(*[(0, True)] * 4)

    assert [gate.ask(2.0), gate.ask(2.0), gate.ask(3.0)] == [0, 0, 1]
    gate.probed(3.0, None)
    assert [gate.ask(3.0), gate.ask(3.5)] == [0, 0.5]
    assert [gate.ask(4.0), gate.ask(4.0)] == [0, 0]


def test_calls_from_before_it_opened_say_nothing_about_now():
    gate, _ = gate_after(*[(0, True)] * 4)
    gate.note(1.0, False)
    gate.ask(2.0)
    gate.note(2.1, True)

    assert gate.state == "half-open"


def answered(status):
    error = Exception()
    error.status_code = status
    return error


@pytest.mark.parametrize(
    ("outcome", "error", "failed"),
    [
        ("ok", None, False),
        ("http_error", answered(503), True),
        ("http_error", answered(429), None),
        ("http_error", answered(422), None),
        ("stalled", StalledStream(), True),
        ("truncated", None, True),
        ("error", httpx.ConnectError(""), True),
        ("error", TypeError("a bug of ours"), None),
        ("cancelled", asyncio.CancelledError(), None),
        ("cancelled", GeneratorExit(), None),
    ],
)
def test_only_what_the_provider_is_to_blame_for_counts(outcome, error, failed):
    assert has_failed(SimpleNamespace(outcome=outcome), error, Account(0.0)) is failed


@pytest.mark.parametrize(("started_s", "failed"), [(100.0, True), (104.9, True), (105.1, None)])
def test_a_deadline_is_the_providers_fault_where_it_had_most_of_the_time(started_s, failed):
    attempt, account = SimpleNamespace(outcome="timeout", started_s=started_s), Account(100.0, deadline_at=110.0)

    assert has_failed(attempt, DeadlineExceeded(), account) is failed


def test_a_model_that_is_down_is_left_alone_and_comes_back(app_with, provider):
    app = app_with("breaker", breaker_calls=4, breaker_open_s=1.0, breaker_probes=1)
    down = [app.ask("n=3 status=503") for _ in range(4)]
    began = time.monotonic()
    refused = app.ask("n=3")
    # The first is asked for its opening, not for its speed.
    assert refused.status == 503 and refused.headers["retry-after"] == "1" and time.monotonic() - began < 0.9
    assert "fails too often" in refused.json["error"] and provider.of(refused.request_id) == []

    time.sleep(1.1)
    assert [app.ask("n=3").text for _ in range(2)] == [provider.words(3)] * 2
    assert [row["state"] for one in down for row in app.rows("breaker", one.request_id)] == ["open"]


@pytest.mark.parametrize("question", ["n=3 status=422", "n=3 status=429"])
def test_what_users_do_wrong_does_not_open_it(app_with, provider, question):
    app = app_with("breaker", breaker_calls=4, breaker_open_s=60)
    for _ in range(6):
        app.ask(question)

    assert app.ask("n=3").text == provider.words(3)


def test_off_every_request_asks_a_provider_that_is_down(app_with, provider):
    """And on, nearly none: what each of 20 users in turn costs it."""
    calls = {}
    for features in ("retry", "retry,breaker"):
        app = app_with(features, breaker_calls=6, breaker_open_s=60, retry_base_s=0.001, retry_budget_per_s=100)
        told = [app.ask("n=3 status=503") for _ in range(20)]
        assert {one.status for one in told} == {503}
        calls[features] = sum(len(provider.of(one.request_id)) for one in told)

    print(f"calls to a provider that is down, of 20 requests: {calls}")
    assert calls == {"retry": 60, "retry,breaker": 6}


def test_it_costs_requests_that_would_have_been_answered(app_with, provider):
    """The provider is well again after six failures; who comes while the gate is open is refused nevertheless."""
    app = app_with("breaker", breaker_calls=6, breaker_open_s=60.0)
    for _ in range(6):
        app.ask("n=3 status=503")

    assert [app.ask("n=3").status for _ in range(3)] == [503] * 3
