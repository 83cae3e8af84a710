"""Errors that a provider answers with."""

from typing import Annotated

from faults.actions import Actions, Request
from faults.limits import WithinADay
from faults.providers import error_reply, provider_of

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
TEXTS_OF: dict[str, dict[int, str]] = {
    "ollama": {},
    "openai": {
        401: "Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.",
        500: "The server had an error while processing your request. Sorry about that!",
        503: "Our servers are currently overloaded. Please try again later.",
    },
    "anthropic": {401: "invalid x-api-key", 500: "Internal server error", 503: "Service unavailable", 529: "Overloaded"},
}


def answer(
    request: Request,
    status: Annotated[int, 400, 599],
    text: str = "",
    retry_after_s: WithinADay | None = None,
    extra_headers: dict[str, str] | None = None,
) -> Actions:
    """Answer with an error `status` in the provider's own shape, without asking the provider."""
    headers = {} if retry_after_s is None else {"retry-after": f"{retry_after_s:g}"}
    text = text or usual_text(request.path, status)
    yield error_reply(request.path, status, text, headers={**(extra_headers or {}), **headers})


def usual_text(path: str, status: int) -> str:
    return TEXTS_OF[provider_of(path)].get(status) or TEXTS.get(status, "injected error")
