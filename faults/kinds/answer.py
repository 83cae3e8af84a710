"""Errors that a provider answers with."""

import json
from typing import Annotated, Any

from faults.actions import Actions, Reply, Request, Seconds

# What providers really write, by status; an app may show it to its users, so a fault should look like the real thing.
TEXTS = {
    400: "invalid request",
    401: "invalid api key",
    402: "insufficient credit",
    403: "permission denied",
    404: "model not found",
    408: "request timed out",
    413: "request too large",
    422: "request could not be processed",
    429: "rate limit exceeded, please try again later",
    500: "internal server error",
    502: "bad gateway",
    503: "server busy, please try again.  maximum pending requests exceeded",
    504: "gateway timed out",
    529: "overloaded",
}
TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


def answer(
    request: Request,
    status: Annotated[int, 400, 599],
    text: str = "",
    retry_after_s: Seconds | None = None,
    extra_headers: dict[str, str] | None = None,
) -> Actions:
    """Answer with an error `status` in the provider's own shape, without asking the provider."""
    headers = {"content-type": "application/json", **(extra_headers or {})}
    if retry_after_s is not None:
        headers["retry-after"] = f"{retry_after_s:g}"
    error = _shaped(request.path, status, text or TEXTS.get(status, "injected error"))
    yield Reply(status, headers, json.dumps(error).encode())


def _shaped(path: str, status: int, text: str) -> dict[str, Any]:
    if path.startswith("/api/"):
        return {"error": text}  # Ollama
    type_ = TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": text, "type": type_, "param": None, "code": None}}  # OpenAI
