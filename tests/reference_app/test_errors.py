"""What can go wrong, told apart."""

import json

import aiohttp
import httpx
import ollama
import openai
import pytest

from reference_app import errors

ASKED = httpx.Request("POST", "http://provider/v1/chat/completions")


def told(status, text="bad", code=None, kind=openai.APIStatusError):
    body = {"message": text, "code": code, "type": None}
    return kind(f"Error code: {status} - {body}", response=httpx.Response(status, request=ASKED), body=body)


def around(cause, kind=openai.APIConnectionError):
    """As openai, and LangChain once more, wrap what happened to a connection."""
    outer, inner = kind(request=ASKED), kind(request=ASKED)
    outer.__cause__, inner.__cause__ = inner, cause
    return outer


GEMINI = "You exceeded your current quota, please check your plan and billing details. Please retry in 21.6s"

KINDS = [
    (told(503), True, "http_error", 503),
    (told(422), False, "http_error", 422),
    (told(429, kind=openai.RateLimitError), True, "http_error", 429),
    (told(429, code="insufficient_quota", kind=openai.RateLimitError), False, "http_error", 429),
    (
        told(429, "Rate limit reached for m: Limit 3. Visit https://platform.openai.com/account/billing"),
        True,
        "http_error",
        429,
    ),
    (told(429, GEMINI), True, "http_error", 429),
    (openai.APIError("The server had an error", ASKED, body={"code": "server_error"}), True, "error", 503),
    (openai.APIError("No credit", ASKED, body={"code": "insufficient_quota"}), False, "error", 503),
    (around(httpx.ConnectError("refused")), True, "cut", 503),
    (around(httpx.ReadTimeout("late"), openai.APITimeoutError), True, "timeout", 503),
    (around(UnicodeEncodeError("ascii", "é", 0, 1, "no")), False, "error", 503),
    (ollama.ResponseError("you've reached your weekly usage limit, please wait or upgrade", 429), False, "http_error", 429),
    (ollama.ResponseError("you've reached your hourly usage limit, please wait or upgrade", 429), True, "http_error", 429),
    (ollama.ResponseError("too many requests", 429), True, "http_error", 429),
    (ollama.ResponseError("busy", 503), True, "http_error", 503),
    (ollama.ResponseError("bad", 422), False, "http_error", 422),
    (ollama.ResponseError("in band"), True, "error", 503),
    (httpx.ReadError("reset"), True, "cut", 503),
    (httpx.ReadTimeout("late"), True, "timeout", 503),
    (aiohttp.ClientPayloadError("cut"), True, "cut", 503),
    (json.JSONDecodeError("half", "{", 1), True, "error", 503),
    (ValueError("No generation chunks were returned"), True, "error", 503),
    (ConnectionError("refused"), True, "error", 503),
    (errors.TruncatedStream(), True, "truncated", 503),
    (errors.StalledStream(), True, "stalled", 503),
    (errors.DeadlineExceeded(), False, "timeout", 504),
]


@pytest.mark.parametrize(("error", "retryable", "outcome", "status"), KINDS, ids=[repr(kind[0]) for kind in KINDS])
def test_errors_are_told_apart(error, retryable, outcome, status):
    assert errors.is_retryable(error) is retryable
    assert errors.outcome_of(error, answered=200) == outcome
    assert errors.told_as(error, answered=200)[0] == status


def test_what_is_no_matter_of_the_provider_is_a_bug_of_ours():
    for bug in (KeyError("a bug"), around(KeyError("a bug"))):
        assert errors.told_as(bug) == (500, "KeyError: 'a bug'") and not errors.is_known(bug)


def test_the_providers_words_are_told_and_no_more():
    assert errors.told_as(told(404, "no such model")) == (404, "The model provider answered 404: no such model")
    assert errors.told_as(around(httpx.ConnectError("refused")))[1].endswith("answer: ConnectError refused")
    assert len(errors.told_as(ollama.ResponseError("<html>" + "x" * 100_000, 502))[1]) < 600
