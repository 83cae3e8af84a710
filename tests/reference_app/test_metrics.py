"""What Prometheus reads: every number follows from requests that were made."""

import re

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from reference_app.meters import counters_of
from tests.reference_app.conftest import until


def numbers(app):
    text = httpx.get(app.url + "/metrics").text
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def total(found, name, **labels):
    return sum(value for (told, *has), value in found.items() if told == name and set(labels.items()) <= set(has))


@pytest.fixture
def grown(app_with):
    """grown(app, lambda: ...): by how much the numbers have grown."""

    def measure(app, act):
        before = numbers(app)
        ids = act()
        for request_id in ids:
            app.request_row(request_id)
        after = numbers(app)
        return {key: value - before.get(key, 0.0) for key, value in after.items()}

    return measure


def test_requests_attempts_tokens_and_times_are_counted(app_with, grown):
    app = app_with("all", recovery_base_s=0.001, retry_base_s=0.001)

    def act():
        asked = [
            "n=5 every=0.01 counted",
            "n=4 status=503 times=1 counted",
            "n=5 cut=3 how=fin times=1 counted",
            "n=1 status=422",
        ]
        return [app.ask(question).request_id for question in asked]

    found = grown(app, act)

    assert total(found, "app_requests_total", route="/chat/stream") == 4
    assert total(found, "app_requests_total", outcome="ok") == 3 and total(found, "app_requests_total", status="422") == 1
    assert total(found, "app_attempts_total", reason="first") == 4 and total(found, "app_attempts_total", reason="retry") == 1
    assert total(found, "app_attempts_total", reason="recovery", outcome="ok") == 1
    assert total(found, "app_time_to_first_token_seconds_count") == 3
    assert total(found, "app_request_duration_seconds_count") == 4
    assert total(found, "gen_ai_client_operation_duration_seconds_count") == 6
    assert total(found, "gen_ai_server_time_per_output_token_seconds_sum") > 0.008
    assert total(found, "gen_ai_client_token_usage_sum", gen_ai_token_type="output") >= 14
    assert total(found, "app_requests_in_flight") == 0


def test_what_features_count_is_told(app_with, grown):
    app = app_with("cache")

    def act():
        return [app.ask("n=3 asked twice, and counted").request_id for _ in range(2)]

    found = grown(app, act)
    assert total(found, "app_cache_hits_total") == 1 and total(found, "app_cache_misses_total") == 1
    assert total(found, "app_requests_total", served_by="cache") == 1


def test_a_feature_off_counts_nothing_and_routes_that_are_none_are_one(app_with):
    app = app_with("none")
    for number in range(3):
        assert httpx.get(f"{app.url}/no/such/route/{number}").status_code == 404

    found = until(lambda: total(now := numbers(app), "app_requests_total", status="404") >= 3 and now)
    assert not [name for name, *_ in found if name.startswith("app_cache")]
    assert {dict(labels)["route"] for name, *labels in found if name == "app_requests_total"} <= {
        "none",
        "/chat",
        "/chat/stream",
    }


def test_streams_in_flight_are_seen(app_with):
    app = app_with("none")
    with httpx.stream("POST", app.url + "/chat/stream", json={"question": "n=20 every=0.05"}) as told:
        pieces = told.iter_bytes()
        next(pieces)
        assert total(numbers(app), "app_requests_in_flight") >= 1
        assert b"event: done" in b"".join(pieces)
    until(lambda: total(numbers(app), "app_requests_in_flight") == 0)


def test_only_what_counts_is_asked():
    class Counts:
        def counters(self):
            return {"hits": 1.0}

    assert counters_of({"cache": Counts(), "retry": lambda: None}) == {("cache", "hits"): 1.0}


SECRETS = ("hunter2-cache", "hunter2%40pg", "hunter2@pg", "sk-planted-key")


def test_no_secret_is_told_anywhere(app_with, provider):
    """In the log, in errors, in health, in metrics; with Redis away, whose errors are the likeliest to tell."""
    app = app_with("all", redis_url=f"redis://app:{SECRETS[0]}@127.0.0.1:9/0", api_key=SECRETS[3], cache="redis")
    answers = [
        app.ask("n=2").request_id,
        app.ask("n=2 status=500").request_id,
        app.ask(f"n=2 how=drop {SECRETS[0]}").request_id,
    ]
    rows = [app.request_row(request_id) for request_id in answers]
    told = httpx.get(app.url + "/health/ready").text + httpx.get(app.url + "/metrics").text + app.log.read_text()

    assert len(rows) == 3 and '"redis":"redis://app:***@127.0.0.1:9/0: ' in told
    assert not [secret for secret in SECRETS if secret in told]


def test_every_metric_has_words(app_with):
    text = httpx.get(app_with("all").url + "/metrics").text
    helped = set(re.findall(r"^# HELP (\S+) \S", text, re.MULTILINE))
    assert set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)) == helped
