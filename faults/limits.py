"""Limits on requests and tokens: how each provider tells of them, in headers and in words."""

from math import ceil
from typing import Annotated, Literal, NamedTuple

from faults.actions import Reply, Request
from faults.providers import error_reply, provider_of

MINUTE_S, DAY_S = 60, 86_400
WithinADay = Annotated[float, 0, DAY_S]
"""Seconds that a Retry-After can tell."""


class Limit(NamedTuple):
    """So many requests or tokens in a period, what is left of them, and the seconds until all of it is there again."""

    of: Literal["requests", "tokens"]
    allowed: int
    left: int
    reset_s: float
    period_s: int = MINUTE_S

    @property
    def period(self) -> str:
        return "minute" if self.period_s == MINUTE_S else "day"


def go_duration(seconds: float) -> str:
    """As OpenAI writes durations, "6m0s", "1.2s", "644ms"; rounded up to milliseconds, so that it is never too short."""
    milliseconds = _whole(seconds * 1000)
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest / 1000:g}s"
    return f"{hours}h{minutes}m{text}" if hours else f"{minutes}m{text}" if minutes else text


def _whole(milliseconds: float) -> int:
    """Rounded up, but for what floats lose."""
    return ceil(milliseconds - 1e-6)


def limit_headers(path: str, *limits: Limit) -> dict[str, str]:
    """What OpenAI and Anthropic tell with every answer; Ollama tells nothing.

    Anthropic's `-reset` headers are left out: they are moments of wall time, which a kind does not know.
    Real ones: pal-mcp-server issue 178 (OpenAI), anthropic-sdk-typescript issue 357 (Anthropic).
    """
    headers: dict[str, str] = {}
    for limit in limits if provider_of(path) == "openai" else ():
        headers[f"x-ratelimit-limit-{limit.of}"] = str(limit.allowed)
        headers[f"x-ratelimit-remaining-{limit.of}"] = str(limit.left)
        headers[f"x-ratelimit-reset-{limit.of}"] = go_duration(limit.reset_s)
    for limit in limits if provider_of(path) == "anthropic" else ():
        headers[f"anthropic-ratelimit-{limit.of}-limit"] = str(limit.allowed)
        headers[f"anthropic-ratelimit-{limit.of}-remaining"] = str(limit.left)
    return headers


def retry_headers(path: str, retry_after_s: float) -> dict[str, str]:
    """Whole seconds, rounded up; OpenAI gives milliseconds too, and its SDK prefers them."""
    milliseconds = _whole(retry_after_s * 1000)
    headers = {"retry-after": str(ceil(milliseconds / 1000))}
    if provider_of(path) == "openai":
        headers["retry-after-ms"] = str(milliseconds)
    return headers


def limit_reached(request: Request, limit: Limit, wanted: int, retry_after_s: float, *others: Limit) -> Reply:
    """429 because `wanted` more than is left of the limit were asked for."""
    text = (
        f"Rate limit reached for {request.model} in organization org-headwind on {_on(limit)}: Limit {limit.allowed}, "
        f"Used {limit.allowed - limit.left}, Requested {wanted}. Please try again in {go_duration(retry_after_s)}. "
        "Visit https://platform.openai.com/account/rate-limits to learn more."  # gitlab wally issue 62
    )
    return _refused(request, text, retry_headers(request.path, retry_after_s), limit, *others)


def request_too_large(request: Request, limit: Limit, wanted: int, *others: Limit) -> Reply:
    """429 without a Retry-After: more was asked for at once than the limit ever allows."""
    text = (
        f"Request too large for {request.model} in organization org-headwind on {_on(limit)}: Limit {limit.allowed}, "
        f"Requested {wanted}. The input or output tokens must be reduced in order to run successfully. "
        "Visit https://platform.openai.com/account/rate-limits to learn more."  # shell_gpt issue 653
    )
    return _refused(request, text, {}, limit, *others)


def _refused(request: Request, openai_says: str, headers: dict[str, str], limit: Limit, *others: Limit) -> Reply:
    texts = {
        "openai": openai_says,
        "anthropic": f"This request would exceed the rate limit for your organization of {limit.allowed:,} {limit.of} per "
        f"{limit.period}. For details, refer to: https://docs.anthropic.com/en/api/rate-limits. You can see the response "
        "headers for current usage. Please reduce the prompt length or the maximum tokens requested, or try again later.",
        "ollama": "you've reached your hourly usage limit, please wait or upgrade to continue",
    }  # bolt.new issue 8588, continue issue 9233
    provider = provider_of(request.path)
    type_ = limit.of if provider == "openai" else ""
    return error_reply(request.path, 429, texts[provider], type_, headers=headers | limit_headers(request.path, limit, *others))


def _on(limit: Limit) -> str:
    """As in "tokens per min (TPM)"."""
    return f"{limit.of} per {limit.period[:3]} ({limit.of[0].upper()}P{limit.period[0].upper()})"
