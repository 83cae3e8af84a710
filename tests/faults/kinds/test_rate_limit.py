"""429s that pass, and 429s that do not."""

import json
import re

import pytest

from faults.actions import Request
from faults.kinds.rate_limit import quota_spent, rate_limit

OLLAMA = Request("r", path="/api/chat", model="llama3.2")
OPENAI = Request("r", path="/v1/chat/completions", model="gpt-4o")
ANTHROPIC = Request("r", path="/v1/messages", model="claude-sonnet-4-5")


def body_of(reply):
    return json.loads(reply.body)


def test_openais_rate_limit():
    """Words, numbers and headers as in the dumps that users posted."""
    (reply,) = rate_limit(OPENAI, 41.724)

    assert (reply.status, body_of(reply)["error"]) == (
        429,
        {
            "message": "Rate limit reached for gpt-4o in organization org-headwind on tokens per min (TPM): Limit 10000, "
            "Used 10000, Requested 6954. Please try again in 41.724s. "
            "Visit https://platform.openai.com/account/rate-limits to learn more.",
            "type": "tokens",
            "param": None,
            "code": "rate_limit_exceeded",
        },
    )
    assert reply.headers == {
        "content-type": "application/json",
        "retry-after": "42",
        "retry-after-ms": "41724",
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": "499",
        "x-ratelimit-reset-requests": "120ms",
        "x-ratelimit-limit-tokens": "10000",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "1m0s",
    }


@pytest.mark.parametrize("retry_after_s", [0.5, 1, 20, 41.724, 60, 65, 130, 3600])
def test_the_numbers_of_the_message_make_the_time_to_wait(retry_after_s):
    """Long waits are those of a daily limit."""
    (reply,) = rate_limit(OPENAI, retry_after_s, limit=100_000)

    pattern = r"per (min|day) \(TP[MD]\): Limit (\d+), Used (\d+), Requested (\d+)\. Please try again in ([\dhms.]+)\. "
    per, *numbers, told = re.search(pattern, body_of(reply)["error"]["message"]).groups()
    limit, used, requested = map(int, numbers)
    period_s = {"min": 60, "day": 86_400}[per]
    assert (used + requested - limit) * period_s / limit == pytest.approx(retry_after_s, abs=period_s / limit)
    assert per == ("min" if retry_after_s <= 60 else "day")
    assert told == {0.5: "500ms", 60: "1m0s", 65: "1m5s", 130: "2m10s", 3600: "1h0m0s"}.get(retry_after_s, f"{retry_after_s}s")


def test_anthropics_rate_limit():
    (reply,) = rate_limit(ANTHROPIC, 12.2)

    error = body_of(reply)
    assert error["type"] == "error" and error["error"]["type"] == "rate_limit_error"
    assert "exceed the rate limit for your organization of 10,000 tokens per minute" in error["error"]["message"]
    assert reply.headers == {
        "content-type": "application/json",
        "retry-after": "13",
        "anthropic-ratelimit-requests-limit": "500",
        "anthropic-ratelimit-requests-remaining": "499",
        "anthropic-ratelimit-tokens-limit": "10000",
        "anthropic-ratelimit-tokens-remaining": "0",
    }


def test_ollamas_rate_limit():
    (reply,) = rate_limit(OLLAMA, 130)

    assert (reply.status, reply.headers) == (429, {"content-type": "application/json", "retry-after": "130"})
    assert body_of(reply) == {"error": "you've reached your hourly usage limit, please wait or upgrade to continue"}


@pytest.mark.parametrize(("credit", "code"), [(False, "insufficient_quota"), (True, "credit_balance_exhausted")])
def test_openais_spent_quota(credit, code):
    (reply,) = quota_spent(OPENAI, credit)

    error = body_of(reply)["error"]
    assert (reply.status, error["type"], error["code"], error["param"]) == (429, "insufficient_quota", code, None)
    assert error["message"].startswith("You exceeded your current quota, please check your plan and billing details.")


def test_anthropics_spent_quota():
    """Only the details tell it from a rate limit; without credit it is not even a 429."""
    (month,), (money,) = quota_spent(ANTHROPIC), quota_spent(ANTHROPIC, credit=True)

    error = body_of(month)["error"]
    assert (month.status, error["type"]) == (429, "rate_limit_error")
    assert error["details"] == {"error_code": "enforced_spend_limit_reached"}
    assert (money.status, body_of(money)["error"]["type"]) == (400, "invalid_request_error")
    assert body_of(money)["error"]["message"].startswith("Your credit balance is too low to access the Anthropic API.")


def test_ollamas_spent_quota():
    (reply,) = quota_spent(OLLAMA)

    assert reply.status == 429
    assert body_of(reply) == {"error": "you've reached your weekly usage limit, please wait or upgrade to continue"}


@pytest.mark.parametrize("request_", [OLLAMA, OPENAI, ANTHROPIC])
@pytest.mark.parametrize("credit", [False, True])
def test_nothing_offers_a_retry_where_none_helps(request_, credit):
    (reply,) = quota_spent(request_, credit)

    assert reply.headers == {"content-type": "application/json"}
