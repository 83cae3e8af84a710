"""blind_retry: what is done by default, to compare `retry` with: whatever went wrong, the same again after 1, 2, 4 s."""

import asyncio
from contextlib import aclosing
from itertools import count
from typing import TYPE_CHECKING

from reference_app.call import Call, Chunks, Next

if TYPE_CHECKING:
    from reference_app.means import Means


class BlindRetry:
    """No difference between errors, no jitter, no ear for Retry-After, no budget; after the first chunk, no help either."""

    def __init__(self, means: "Means") -> None:
        self.attempts, self.base_s = means.settings.blind_retry_attempts, means.settings.blind_retry_base_s

    async def __call__(self, call: Call, next: Next) -> Chunks:
        for tried in count(1):
            begun = False
            try:
                async with aclosing(next(call)) as chunks:
                    async for chunk in chunks:
                        begun = True
                        yield chunk
                return
            except Exception:
                if begun or tried >= self.attempts or call.account.exhausted:
                    raise
            await asyncio.sleep(self.base_s * 2 ** (tried - 1))
            call.account.next_reason = "retry"
