"""retry: calls again when the provider failed before its first word, and only when calling again can help."""

from contextlib import aclosing
from itertools import count
from typing import TYPE_CHECKING

from reference_app.backoff import Pauses
from reference_app.call import Call, Chunks, Next, is_text
from reference_app.errors import StreamBroken, is_retryable

if TYPE_CHECKING:
    from reference_app.means import Means


class Retry:
    """Full jitter, never earlier than Retry-After or after the deadline, at most `retry_attempts` in a row, in a budget."""

    def __init__(self, means: "Means") -> None:
        settings = means.settings
        self.budget = means.retry_budget
        waits = settings.retry_base_s, settings.retry_cap_s, settings.retry_after_cap_s
        self.pauses = Pauses(settings.retry_attempts - 1, *waits, self.budget)

    def counters(self) -> dict[str, float]:
        return {"retries": self.pauses.made, **self.pauses.gave_up()}

    async def __call__(self, call: Call, next: Next) -> Chunks:
        self.budget.count(call.account)
        for tried in count():
            begun = False
            try:
                async with aclosing(next(call)) as chunks:
                    async for chunk in chunks:
                        # OpenAI's first chunk tells the role only: nothing is lost when it comes once more.
                        begun = begun or bool(chunk.text) or not is_text(chunk)
                        yield chunk
                return
            except Exception as error:
                # What broke after a 200 is for stream_recovery, which knows what was said.
                if begun or isinstance(error, StreamBroken) or not is_retryable(error):
                    raise
                await self.pauses.wait(call.account, error, tried)
            call.account.next_reason = "retry"
