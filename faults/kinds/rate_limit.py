"""Calls refused because too much was asked for, or all that was paid for is used up."""

import json
from math import ceil, inf
from typing import Annotated

from faults.actions import Actions, Reply, Request
from faults.limits import DAY_S, MINUTE_S, Limit, WithinADay, limit_reached
from faults.providers import error_of, error_reply, provider_of

SPENT = {
    # simonw/llm issue 494 for the words, help.openai.com/en/articles/5955604 for the code of prepaid money.
    "openai": "You exceeded your current quota, please check your plan and billing details. For more information on this "
    "error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
    "ollama": "you've reached your weekly usage limit, please wait or upgrade to continue",  # Scylla issue 346
    # Words of our own: no dump of one is known to us.
    "anthropic": "You have reached the monthly usage limit of your organization. Access resumes on the first of next month.",
}
CREDIT_GONE = (  # claude-code issue 66314
    "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."
)


def rate_limit(request: Request, retry_after_s: WithinADay = 1.0, limit: Annotated[int, 1, inf] = 10_000) -> Actions:
    """Answer 429 with the provider's rate-limit headers: to be retried after `retry_after_s`, and not sooner."""
    period_s = MINUTE_S if retry_after_s <= MINUTE_S else DAY_S
    wanted = ceil(limit * retry_after_s / period_s)  # as much as takes so long to be there again
    requests = Limit("requests", 500, 499, MINUTE_S / 500)
    yield limit_reached(request, Limit("tokens", limit, 0, period_s, period_s), wanted, retry_after_s, requests)


def quota_spent(request: Request, credit: bool = False) -> Actions:
    """Answer that the month's quota is spent, or with `credit` the prepaid money: no retry will help, and none is offered."""
    provider = provider_of(request.path)
    if provider == "anthropic":
        yield error_reply(request.path, 400, CREDIT_GONE) if credit else _spend_limit(request.path)
    else:
        code = "credit_balance_exhausted" if credit else "insufficient_quota"
        yield error_reply(request.path, 429, SPENT[provider], "insufficient_quota", code)


def _spend_limit(path: str) -> Reply:
    """Anthropic's: its type is that of every rate limit, only the details and the missing Retry-After tell it apart.

    learn.microsoft.com/microsoft-cloud/dev/dev-proxy/concepts/anthropic-529-overloaded-error
    """
    said = error_of(path, 429, SPENT["anthropic"])
    said["error"]["details"] = {"error_code": "enforced_spend_limit_reached"}
    return Reply(429, {"content-type": "application/json"}, json.dumps(said).encode())
