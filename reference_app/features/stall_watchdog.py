"""stall_watchdog: a stream that does not begin, or makes no progress in content, is given up, whatever else comes over it."""

from dataclasses import replace
from typing import TYPE_CHECKING

from reference_app.call import Call, Chunks, Next

if TYPE_CHECKING:
    from reference_app.means import Means


class StallWatchdog:
    """Hands its patience down to every attempt: so long for the first content, so long between one and the next."""

    def __init__(self, means: "Means") -> None:
        self.first_token_s, self.stall_s = means.settings.first_token_s, means.settings.stall_s

    def __call__(self, call: Call, next: Next) -> Chunks:
        return next(replace(call, first_token_s=self.first_token_s, stall_s=self.stall_s))
