"""routing: what looks simple is answered by a small model, all else by the model itself; which one, and why, is told."""

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from reference_app.call import Call, Chunks, Feature, Next
from reference_app.features.complexity import complexity
from reference_app.provider import named

if TYPE_CHECKING:
    from reference_app.means import Means

MODEL, SCORE = "x-model", "x-complexity"


def routing(means: "Means") -> Feature | None:
    """None where APP_SMALL_MODEL names none."""
    settings = means.settings
    return Routing(settings.small_model, settings.routing_score) if settings.small_model else None


class Routing:
    """It chooses, no more: a model that fails is for retry, breaker and fallback, whichever model that is.

    APP_FALLBACK_MODEL may be APP_MODEL: then the large one answers where the small one is down, marked like any fallback.
    """

    def __init__(self, small: str, hard_from: int) -> None:
        self.small, self.hard_from = small, hard_from
        self.to_small = self.to_large = 0

    def counters(self) -> dict[str, float]:
        return {"small": self.to_small, "large": self.to_large}

    def __call__(self, call: Call, next: Next) -> Chunks:
        points = complexity(call.messages, "tools" in call.params)
        score = sum(points.values())
        if simple := score < self.hard_from:
            call = replace(call, model=named(call.model, self.small))
        self.to_small += simple
        self.to_large += not simple
        self._tell(call, score, points)
        return next(call)

    def _tell(self, call: Call, score: int, points: dict[str, int]) -> None:
        account, model = call.account, call.model_name
        # A name may have signs that no header has.
        account.headers |= {MODEL: quote(model, safe="/:@+"), SCORE: str(score)}
        account.log("routing", request_id=account.request_id, model=model, score=score, hard_from=self.hard_from, points=points)
