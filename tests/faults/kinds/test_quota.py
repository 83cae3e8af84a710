"""Token buckets: what they tell is true."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faults.actions import Reply, Request
from faults.kinds.quota import quota

OPENAI = "/v1/chat/completions"


def a_call(at_s, tokens=10, path=OPENAI, model="gpt-4o"):
    return Request("r", path=path, model=model, at_s=at_s, body=json.dumps({"model": model, "max_tokens": tokens}).encode())


def answered(state, call, **limits):
    (action,) = quota(call, state, **limits)
    return action


def test_what_is_left_is_told_with_every_answer():
    """10,000 a minute are back in 6 ms each: as in a dump of a real answer."""
    headers = answered({}, a_call(0, tokens=6770), requests_per_min=10_000, tokens_per_min=10_000_000)

    assert headers == {
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-remaining-requests": "9999",
        "x-ratelimit-reset-requests": "6ms",
        "x-ratelimit-limit-tokens": "10000000",
        "x-ratelimit-remaining-tokens": "9993230",
        "x-ratelimit-reset-tokens": "41ms",
    }


def test_tokens_are_spent_and_come_back():
    state, limits = {}, {"requests_per_min": 100, "tokens_per_min": 1000}
    first, refused, later = [answered(state, a_call(at_s, 600), **limits) for at_s in (0, 0, 12)]

    assert first["x-ratelimit-remaining-tokens"] == "400"
    assert isinstance(refused, Reply) and refused.status == 429
    error = json.loads(refused.body)["error"]
    assert (error["type"], error["code"]) == ("tokens", "rate_limit_exceeded")
    assert "Limit 1000, Used 600, Requested 600. Please try again in 12s." in error["message"]
    assert (refused.headers["retry-after"], refused.headers["retry-after-ms"]) == ("12", "12000")
    assert refused.headers["x-ratelimit-remaining-tokens"] == "400"
    assert later["x-ratelimit-remaining-tokens"] == "0"


def test_requests_are_limited_too_and_refused_ones_count():
    """Who tries again at once never gets through."""
    state, limits = {}, {"requests_per_min": 2}
    first, second = [answered(state, a_call(0), **limits) for _ in range(2)]
    eager = [answered(state, a_call(at_s), **limits) for at_s in range(5, 60, 20)]

    assert (first["x-ratelimit-remaining-requests"], second["x-ratelimit-remaining-requests"]) == ("1", "0")
    assert all(isinstance(one, Reply) and json.loads(one.body)["error"]["type"] == "requests" for one in eager)
    assert {one.headers["retry-after"] for one in eager} == {"30"}
    assert isinstance(answered(state, a_call(75), **limits), dict)


def test_more_than_there_ever_is():
    reply = answered({}, a_call(0, 1001), tokens_per_min=1000)

    assert reply.status == 429 and "retry-after" not in reply.headers
    assert "Request too large for gpt-4o" in json.loads(reply.body)["error"]["message"]


def test_others_had_used_it_before():
    state, limits = {}, {"requests_per_min": 60, "tokens_per_min": 6000, "used": 1.0}
    refused, served = answered(state, a_call(0, 100), **limits), answered(state, a_call(1, 100), **limits)

    assert refused.headers["retry-after-ms"] == "1000"
    assert (served["x-ratelimit-remaining-requests"], served["x-ratelimit-remaining-tokens"]) == ("0", "0")


def test_every_model_has_its_own():
    state = {}
    told = [answered(state, a_call(0, model=model), requests_per_min=1) for model in ("a", "b", "a")]

    assert [type(one) for one in told] == [dict, dict, Reply]


@pytest.mark.parametrize(
    ("path", "told"), [("/v1/messages", "anthropic-ratelimit-requests-remaining"), ("/api/chat", "retry-after")]
)
def test_other_providers(path, told):
    state = {}
    served, refused = [answered(state, a_call(0, path=path), requests_per_min=1) for _ in range(2)]

    assert (told in served) == (path != "/api/chat") and told in refused.headers
    assert refused.headers["retry-after"] == "60" and "retry-after-ms" not in refused.headers


CALLS = st.lists(st.tuples(st.floats(0, 20), st.integers(1, 300)), min_size=1, max_size=60)


@given(calls=CALLS, requests=st.integers(1, 40), tokens=st.integers(300, 2000))
def test_a_retry_after_is_honest(calls, requests, tokens):
    """Who waits as told, while nobody else calls, gets through; in seconds, in milliseconds, and by the words."""
    at_s, limits = 0.0, {"requests_per_min": requests, "tokens_per_min": tokens}
    state = {}
    for gap_s, wanted in calls:
        at_s += gap_s
        told = answered(state, a_call(at_s, wanted), **limits)
        if isinstance(told, Reply):
            in_words = re.search(r"Please try again in ([^ ]+)\. ", json.loads(told.body)["error"]["message"])[1]
            seconds_s, exact_s = int(told.headers["retry-after"]), int(told.headers["retry-after-ms"]) / 1000
            assert exact_s <= seconds_s < exact_s + 1 and duration_s(in_words) == pytest.approx(exact_s)
            at_s += exact_s
            assert isinstance(answered(state, a_call(at_s, wanted), **limits), dict)


@given(calls=CALLS, requests=st.integers(1, 40), tokens=st.integers(300, 2000))
def test_never_more_is_let_through_than_allowed(calls, requests, tokens):
    """From any moment on: what was in the bucket, and what came back since; and what is told to be left is what is left."""
    state, at_s, passed = {}, 0.0, []
    for gap_s, wanted in calls:
        at_s += gap_s / 10
        told = answered(state, a_call(at_s, wanted), requests_per_min=requests, tokens_per_min=tokens)
        if isinstance(told, dict):
            passed.append((at_s, wanted))
            assert int(told["x-ratelimit-remaining-tokens"]) <= tokens - wanted + 1e-3
    for n, (begin_s, _) in enumerate(passed):
        for m, (end_s, _) in enumerate(passed[n:], n):
            elapsed = (end_s - begin_s) / 60
            assert m - n + 1 <= requests * (1 + elapsed) + 1e-3
            assert sum(wanted for _, wanted in passed[n : m + 1]) <= tokens * (1 + elapsed) + 1e-3


def test_what_is_told_to_be_left_can_be_used_at_once():
    state, limits = {}, {"requests_per_min": 1000, "tokens_per_min": 777}
    left = int(answered(state, a_call(3.3, 123), **limits)["x-ratelimit-remaining-tokens"])

    assert left == 654
    assert answered(state, a_call(3.3, left), **limits)["x-ratelimit-remaining-tokens"] == "0"


def duration_s(text):
    units = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(ms|h|m|s)", text))
