"""Who is asked, by the route, and how that one words an error."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from faults.actions import Reply

Provider = Literal["ollama", "openai", "anthropic"]

TYPES = {
    "openai": {
        401: "invalid_request_error",
        403: "permission_error",
        404: "invalid_request_error",
        429: "rate_limit_error",
        503: "service_unavailable_error",
    },
    "anthropic": {
        401: "authentication_error",
        402: "billing_error",
        403: "permission_error",
        404: "not_found_error",
        413: "request_too_large",
        429: "rate_limit_error",
        504: "timeout_error",
        529: "overloaded_error",
    },
}
USUAL = {"openai": ("server_error", "invalid_request_error"), "anthropic": ("api_error", "invalid_request_error")}
CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded", 503: "server_is_overloaded"}
"""OpenAI's; the other two have none. (platform.openai.com/docs/guides/error-codes, sub2api issue 6631 for 503)"""


def provider_of(path: str) -> Provider:
    """Whose API this route belongs to; what nobody knows is taken for an OpenAI-compatible one."""
    if path.startswith("/api/"):
        return "ollama"
    return "anthropic" if path.startswith("/v1/messages") else "openai"


def error_of(path: str, status: int, text: str, type_: str = "", code: str | None = None) -> dict[str, Any]:
    """The error as that provider writes it into a body, or into a stream."""
    provider = provider_of(path)
    if provider == "ollama":
        return {"error": text}
    type_ = type_ or TYPES[provider].get(status, USUAL[provider][status < 500])
    if provider == "anthropic":
        return {"type": "error", "error": {"type": type_, "message": text}}
    return {"error": {"message": text, "type": type_, "param": None, "code": code or CODES.get(status)}}


def error_body(path: str, status: int, text: str, type_: str = "", code: str | None = None) -> bytes:
    """The same, as JSON."""
    return json.dumps(error_of(path, status, text, type_, code)).encode()


def error_reply(
    path: str, status: int, text: str, type_: str = "", code: str | None = None, headers: Mapping[str, str] | None = None
) -> Reply:
    """The same, as an answer in the provider's place."""
    return Reply(status, {"content-type": "application/json", **(headers or {})}, error_body(path, status, text, type_, code))
