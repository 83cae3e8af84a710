"""The provider's own words for each error."""

import json

import pytest

from faults.actions import Request
from faults.kinds import KINDS
from faults.kinds.answer import answer
from faults.reading import parse_plan
from records.bad_input import BadInput

OLLAMA, OPENAI = Request("r", path="/api/chat"), Request("r", path="/v1/chat/completions")
ANTHROPIC = Request("r", path="/v1/messages")


def test_ollamas_shape():
    (reply,) = answer(OLLAMA, 503)

    assert (reply.status, reply.headers) == (503, {"content-type": "application/json"})
    assert json.loads(reply.body) == {"error": "server busy, please try again.  maximum pending requests exceeded"}


@pytest.mark.parametrize(
    ("status", "type_"),
    [
        (400, "invalid_request_error"),
        (401, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "server_error"),
        (529, "server_error"),
    ],
)
def test_openais_shape(status, type_):
    (reply,) = answer(OPENAI, status)

    error = json.loads(reply.body)["error"]
    assert error["type"] == type_ and error["message"]
    assert error.keys() == {"message", "type", "param", "code"}


def test_a_wrong_key_in_each_providers_words():
    ollama, openai, anthropic = [json.loads(next(answer(one, 401)).body)["error"] for one in (OLLAMA, OPENAI, ANTHROPIC)]

    assert ollama == "invalid api key"
    assert openai["code"] == "invalid_api_key" and openai["message"].startswith("Incorrect API key provided.")
    assert anthropic == {"type": "authentication_error", "message": "invalid x-api-key"}


@pytest.mark.parametrize(("retry_after_s", "header"), [(1, "1"), (0.5, "0.5"), (0, "0"), (86_400, "86400")])
def test_headers(retry_after_s, header):
    (reply,) = answer(OLLAMA, 429, retry_after_s=retry_after_s, extra_headers={"x-a": "b"})

    assert reply.headers == {"content-type": "application/json", "x-a": "b", "retry-after": header}


def test_a_wait_that_no_header_can_tell_is_refused():
    """Beyond a day a float is written with an exponent, and `inf` is no number of seconds."""
    for seconds in ("inf", "1234567"):
        with pytest.raises(BadInput, match="retry_after_s: must be between 0 and 86400"):
            parse_plan(f'[[fault]]\nname = "a"\nkind = "answer"\nstatus = 429\nretry_after_s = {seconds}', "my.toml", KINDS)


def test_any_status_has_a_text():
    for status in range(400, 600):
        (reply,) = answer(OLLAMA, status)
        assert json.loads(reply.body)["error"]
    (reply,) = answer(OLLAMA, 418, text="short and stout")
    assert json.loads(reply.body) == {"error": "short and stout"}
