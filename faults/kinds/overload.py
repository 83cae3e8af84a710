"""Providers that have too much to do, or say so."""

from bisect import bisect_right, insort
from typing import Annotated

from faults.actions import Actions, Count, Reply, Request
from faults.kinds.answer import usual_text
from faults.limits import WithinADay, retry_headers
from faults.providers import error_reply, provider_of

SLOW_DOWN = {
    # Documented without its words, these are ours: developersdigest.tech/errors/api/openai-api/429-slow-down
    "openai": (429, "Slow down. Your request rate increased too quickly; reduce it, then raise it gradually."),
    "anthropic": (429, "Your request rate increased too quickly for your organization. Please ramp up more gradually."),
    "ollama": (503, "Server overloaded, please retry shortly"),  # ollama issue 15934
}


def overloaded_reply(path: str, retry_after_s: float | None = None) -> Reply:
    """529 from Anthropic, 503 from the others, in their own words."""
    status, headers = (529, {"x-should-retry": "true"}) if provider_of(path) == "anthropic" else (503, {})
    if retry_after_s is not None:
        headers |= retry_headers(path, retry_after_s)
    # anthropic-sdk-typescript issue 616, sub2api issue 6631 (OpenAI)
    return error_reply(path, status, usual_text(path, status), headers=headers)


def overloaded(request: Request, retry_after_s: WithinADay | None = None) -> Actions:
    """Answer that the provider is overloaded: 529 in Anthropic's shape, else 503."""
    yield overloaded_reply(request.path, retry_after_s)


def slow_down(
    request: Request,
    shared: list[float],
    growth: Annotated[float, 0, 100] = 0.0,
    over_s: Annotated[float, 0.1, 3600] = 60.0,
    above: Count = 0,
) -> Actions:
    """Refuse calls while more than `above` of them came in `over_s`, and more than `growth` times those of the time before."""
    # OpenAI's is 1.5 in 900 s, above a million tokens a minute; without any of these, every call is refused.
    insort(shared, request.at_s)
    del shared[: bisect_right(shared, request.at_s - 2 * over_s)]
    before = bisect_right(shared, request.at_s - over_s)
    now = len(shared) - before
    if now > above and now > growth * before:
        status, text = SLOW_DOWN[provider_of(request.path)]
        yield error_reply(request.path, status, text, code="slow_down")
