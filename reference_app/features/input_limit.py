"""input_limit: a prompt of too many tokens is refused before anybody pays for it, and told how much too long it is."""

from typing import TYPE_CHECKING

from reference_app.call import Call, Chunks, Feature, Next
from reference_app.errors import Refused
from reference_app.tokens import tokens_of_all

if TYPE_CHECKING:
    from reference_app.means import Means


def input_limit(means: "Means") -> Feature | None:
    """None where APP_INPUT_LIMIT_TOKENS is 0: what is too long depends on the model and on the purse."""
    limit = means.settings.input_limit_tokens
    return InputLimit(limit) if limit else None


class InputLimit:
    """Goes by an estimate, because the provider counts only what it is paid for; history and system prompt count, too."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.refused = 0

    def counters(self) -> dict[str, float]:
        return {"refused": self.refused}

    def __call__(self, call: Call, next: Next) -> Chunks:
        tokens = tokens_of_all(call.messages)
        if tokens > self.limit:
            self._refuse(call, tokens)
        return next(call)

    def _refuse(self, call: Call, tokens: int) -> None:
        self.refused += 1
        account, limit = call.account, self.limit
        account.log("input_limit", request_id=account.request_id, tokens=tokens, allowed=limit)
        raise Refused(
            413,
            f"The question, with all that is sent along, has about {tokens} tokens and may have {limit}: "
            f"leave out about {tokens - limit} of them.",
        )
