"""Durations and headers of limits."""

import pytest

from faults.limits import Limit, go_duration, limit_headers, retry_headers


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.0004, "1ms"),
        (0.644, "644ms"),
        (1.2, "1.2s"),
        (9.816, "9.816s"),
        (59.9999, "1m0s"),
        (86.4, "1m26.4s"),
        (360, "6m0s"),
        (3600, "1h0m0s"),
        (43_201.5, "12h0m1.5s"),
    ],
)
def test_durations_as_go_writes_them(seconds, text):
    assert go_duration(seconds) == text


@pytest.mark.parametrize(("seconds", "whole"), [(12.000000000000002, "12"), (12.001, "13"), (0.4, "1")])
def test_a_wait_in_whole_seconds_is_no_longer_than_it_must_be(seconds, whole):
    """What floats lose is no second; OpenAI's two headers tell the same wait."""
    assert retry_headers("/api/chat", seconds) == {"retry-after": whole}


def test_who_tells_what():
    limit = Limit("tokens", 1000, 250, 45.0)

    assert [len(limit_headers(path, limit)) for path in ("/v1/chat/completions", "/v1/messages", "/api/chat")] == [3, 2, 0]
    assert limit_headers("/v1/responses", limit)["x-ratelimit-reset-tokens"] == "45s"
