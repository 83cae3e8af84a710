"""Durations and headers of limits."""

import pytest

from faults.limits import Limit, go_duration, limit_headers


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


def test_who_tells_what():
    limit = Limit("tokens", 1000, 250, 45.0)

    assert [len(limit_headers(path, limit)) for path in ("/v1/chat/completions", "/v1/messages", "/api/chat")] == [3, 2, 0]
    assert limit_headers("/v1/responses", limit)["x-ratelimit-reset-tokens"] == "45s"
