"""Limits that are real: what calls take from them is gone until it has come back."""

from math import floor, inf
from typing import Annotated, Literal

from faults.actions import Actions, Reply, Request
from faults.limits import MINUTE_S, Limit, limit_headers, limit_reached, request_too_large
from faults.tokens import estimated_tokens

PerMinute = Annotated[int, 1, inf]
Share = Annotated[float, 0, 1]
DUST = 1e-6
"""Of a request or token, lost in arithmetic of floats."""


class Bucket:
    """Holds what is left of a limit and fills up evenly, the whole of it in a minute; `at_s` is when it was last looked at."""

    def __init__(self, of: Literal["requests", "tokens"], per_min: int, used: float) -> None:
        self.of, self.per_min = of, per_min
        self.left, self.at_s = per_min * (1 - used), 0.0

    def fill(self, at_s: float) -> None:
        self.left = min(self.per_min, self.left + max(0.0, at_s - self.at_s) * self.per_min / MINUTE_S)
        self.at_s = max(self.at_s, at_s)

    def wait_s(self, wanted: float) -> float:
        """Until so much is there."""
        missing = wanted - self.left
        return missing * MINUTE_S / self.per_min if missing > DUST else 0.0

    def take(self, wanted: float) -> None:
        self.left = max(0.0, self.left - wanted)

    @property
    def limit(self) -> Limit:
        return Limit(self.of, self.per_min, floor(self.left + DUST), self.wait_s(self.per_min))


def quota(
    request: Request,
    shared: dict[str, tuple[Bucket, Bucket]],
    requests_per_min: PerMinute = 500,
    tokens_per_min: PerMinute = 30_000,
    used: Share = 0.0,
) -> Actions:
    """Hold a model's calls to these limits, of which others had `used` a share; tell what is left and how long to wait."""
    # The limits are those of OpenAI's first paid tier; its own durations fit a bucket that fills up evenly (codex issue 88).
    if request.model not in shared:
        shared[request.model] = Bucket("requests", requests_per_min, used), Bucket("tokens", tokens_per_min, used)
    requests, tokens = shared[request.model]
    for bucket in (requests, tokens):
        bucket.fill(request.at_s)
    wanted = estimated_tokens(request.body)
    fits = not requests.wait_s(1) and not tokens.wait_s(wanted)
    requests.take(1)  # refused calls count too: help.openai.com/en/articles/5955604
    if wanted > tokens_per_min:
        yield request_too_large(request, tokens.limit, wanted, requests.limit)
    elif fits:
        tokens.take(wanted)
        yield limit_headers(request.path, requests.limit, tokens.limit)
    else:
        yield _refused(request, wanted, requests, tokens)


def _refused(request: Request, wanted: int, requests: Bucket, tokens: Bucket) -> Reply:
    """By the limit that takes longer."""
    if requests.wait_s(1) > tokens.wait_s(wanted):
        return limit_reached(request, requests.limit, 1, requests.wait_s(1), tokens.limit)
    return limit_reached(request, tokens.limit, wanted, tokens.wait_s(wanted), requests.limit)
