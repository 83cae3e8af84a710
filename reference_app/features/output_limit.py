"""output_limit: no answer has more than so many tokens, whatever its user asks for; one that is cut short says so."""

from dataclasses import replace
from typing import TYPE_CHECKING

from reference_app.call import Attempt, Call, Chunks, Feature, Next
from reference_app.provider import at_most

if TYPE_CHECKING:
    from reference_app.means import Means


def output_limit(means: "Means") -> Feature | None:
    """None where APP_OUTPUT_LIMIT_TOKENS is 0."""
    limit = means.settings.output_limit_tokens
    return OutputLimit(limit) if limit else None


class OutputLimit:
    """The limit travels with the call, so that the provider stops by itself: it is part of the cache's key.

    An answer that ends there has ended as it was asked to. It is complete for stream_recovery, which would pay for the same
    again, and for the cache, whose key holds the limit; its user is told `finish: "length"`, from the cache, too.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.capped = self.cut_short = 0

    def counters(self) -> dict[str, float]:
        return {"capped": self.capped, "cut_short": self.cut_short}

    def __call__(self, call: Call, next: Next) -> Chunks:
        limited = at_most(call, self.limit)
        if limited is call:
            return next(call)
        self.capped += 1
        return next(replace(limited, observers=(*call.observers, self._note)))

    def _note(self, attempt: Attempt, _: BaseException | None) -> None:
        self.cut_short += attempt.finish == "length"
