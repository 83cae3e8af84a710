"""How each provider words an error."""

import json

import pytest

from faults.providers import error_body, error_of, error_reply, provider_of


@pytest.mark.parametrize(
    ("path", "provider"),
    [
        ("/api/chat", "ollama"),
        ("/v1/messages", "anthropic"),
        ("/v1/messages/count_tokens", "anthropic"),
        ("/v1/chat/completions", "openai"),
        ("/openai/deployments/x/chat/completions", "openai"),
    ],
)
def test_whose_route_it_is(path, provider):
    assert provider_of(path) == provider


@pytest.mark.parametrize(
    ("status", "type_", "code"),
    [
        (400, "invalid_request_error", None),
        (401, "invalid_request_error", "invalid_api_key"),
        (404, "invalid_request_error", "model_not_found"),
        (429, "rate_limit_error", "rate_limit_exceeded"),
        (500, "server_error", None),
        (503, "service_unavailable_error", "server_is_overloaded"),
    ],
)
def test_openais_types_and_codes(status, type_, code):
    assert error_of("/v1/chat/completions", status, "no") == {
        "error": {"message": "no", "type": type_, "param": None, "code": code}
    }


@pytest.mark.parametrize(
    ("status", "type_"),
    [(400, "invalid_request_error"), (401, "authentication_error"), (500, "api_error"), (529, "overloaded_error")],
)
def test_anthropics_types(status, type_):
    assert error_of("/v1/messages", status, "no", code="x") == {"type": "error", "error": {"type": type_, "message": "no"}}


def test_an_error_as_an_answer():
    reply = error_reply("/api/chat", 503, "nö", headers={"retry-after": "1"})

    assert reply == (503, {"content-type": "application/json", "retry-after": "1"}, error_body("/api/chat", 503, "nö"))
    assert json.loads(reply.body) == {"error": "nö"}
