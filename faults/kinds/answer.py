"""Errors that a provider answers with."""

from typing import Annotated

from faults.actions import Actions, Reply, Request, Seconds
from faults.providers import error_body

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
    yield Reply(status, headers, error_body(request.path, status, text or TEXTS.get(status, "injected error")))
