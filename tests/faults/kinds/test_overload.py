"""Too much to do."""

import json

import pytest

from faults.actions import Reply, Request
from faults.kinds.overload import overloaded, slow_down

OLLAMA = Request("r", path="/api/chat")
OPENAI = Request("r", path="/v1/chat/completions")
ANTHROPIC = Request("r", path="/v1/messages")


@pytest.mark.parametrize(
    ("request_", "status", "body"),
    [
        (OLLAMA, 503, {"error": "server busy, please try again.  maximum pending requests exceeded"}),
        (
            OPENAI,
            503,
            {
                "error": {
                    "message": "Our servers are currently overloaded. Please try again later.",
                    "type": "service_unavailable_error",
                    "param": None,
                    "code": "server_is_overloaded",
                }
            },
        ),
        (ANTHROPIC, 529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    ],
)
def test_each_providers_overload(request_, status, body):
    (reply,) = overloaded(request_)

    assert (reply.status, json.loads(reply.body)) == (status, body)
    assert "retry-after" not in reply.headers


def test_headers_of_an_overload():
    assert next(overloaded(ANTHROPIC)).headers["x-should-retry"] == "true"
    assert next(overloaded(OLLAMA, 2.5)).headers["retry-after"] == "3"
    assert next(overloaded(OPENAI, 2.5)).headers["retry-after-ms"] == "2500"


def test_slow_down_in_each_providers_shape():
    ollama, openai, anthropic = [next(slow_down(one, [])) for one in (OLLAMA, OPENAI, ANTHROPIC)]

    assert (ollama.status, json.loads(ollama.body)) == (503, {"error": "Server overloaded, please retry shortly"})
    error = json.loads(openai.body)["error"]
    assert (openai.status, error["type"], error["code"]) == (429, "rate_limit_error", "slow_down")
    assert (anthropic.status, json.loads(anthropic.body)["error"]["type"]) == (429, "rate_limit_error")


def refused(arrivals, **limits) -> list[bool]:
    shared: list[float] = []
    return [bool([*slow_down(OPENAI._replace(at_s=at_s), shared, **limits)]) for at_s in arrivals]


def test_only_a_ramp_is_refused():
    """From 10 a second to 20: too steep while the last second has over half as much again as the one before, then no more."""
    arrivals = [n / 10 + 0.05 for n in range(30)] + [3 + n / 20 + 0.025 for n in range(60)]
    told = refused(arrivals, growth=1.5, over_s=1.0, above=12)

    struck = [at_s for at_s, hit in zip(arrivals, told, strict=True) if hit]
    assert 3.5 < min(struck) < 3.65 and 4.25 < max(struck) < 4.4
    assert len(struck) == sum(min(struck) <= at_s <= max(struck) for at_s in arrivals)


def test_steady_traffic_is_never_refused_once_it_may_be_as_much():
    arrivals = [n / 100 + 0.005 for n in range(3000)]

    assert not any(refused(arrivals, growth=1.5, over_s=1.0, above=101))


def test_what_is_remembered_is_bounded():
    shared: list[float] = []
    for n in range(2000):
        assert all(isinstance(action, Reply) for action in slow_down(OPENAI._replace(at_s=n / 10), shared, over_s=1.0))

    assert len(shared) == 20
