"""What can go wrong, told apart."""

import json

import aiohttp
import httpx
import ollama
import pytest

from reference_app import errors

KINDS = [
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
    (KeyError("a bug"), False, "error", 500),
]


@pytest.mark.parametrize(("error", "retryable", "outcome", "status"), KINDS, ids=[repr(kind[0]) for kind in KINDS])
def test_errors_are_told_apart(error, retryable, outcome, status):
    assert errors.is_retryable(error) is retryable
    assert errors.outcome_of(error, answered=200) == outcome
    assert errors.told_as(error)[0] == status
