"""stall_watchdog: only content is progress. It wins over a silent stream, and costs a model that thinks for long."""

import time

import pytest

PATIENCE = {"stall_s": 0.3, "first_token_s": 0.6}


@pytest.mark.parametrize("how", ["ping", "drip", "stall"])
@pytest.mark.parametrize("cut", [0, 3])
def test_a_silence_is_noticed_behind_keep_alives_too(app_with, provider, how, cut):
    """Ollama's lines without text; OpenAI's comments, empty deltas, and deltas of nothing."""
    app = app_with("stall_watchdog,stream_recovery", **PATIENCE)
    began = time.monotonic()
    told = app.ask(f"n=6 cut={cut} how={how} times=1")

    assert told.text == provider.words(6) and told.ended == "done"
    assert (0.3 if cut else 0.6) <= time.monotonic() - began < 2.5
    assert [row["outcome"] for row in app.rows("attempt", told.request_id)] == ["stalled", "ok"]


def test_alone_it_ends_the_wait_with_an_error(app_with, provider):
    told = app_with("stall_watchdog", **PATIENCE).ask("n=6 first=5")

    assert (told.status, told.json["error"]) == (
        503,
        "The model provider gave no usable answer: StalledStream no content for 0.6 s",
    )


def test_off_nobody_ends_it(app_with, provider):
    """Only the deadline does."""
    told = app_with("deadline", deadline_s=1.0).ask("n=6 cut=3 how=ping")

    assert (told.ended, told.end["status"], told.text) == ("error", 504, provider.words(3))


def test_it_costs_a_model_that_needs_longer_than_its_patience(app_with, provider):
    """What would have come is thrown away; without it the answer is whole."""
    patient, hasty = (app_with(features, **PATIENCE).ask("n=3 first=0.9") for features in ("none", "stall_watchdog"))

    assert (patient.text, hasty.status) == (provider.words(3), 503)
