"""load_shedding: who would wait in line until it is too late is told so at once, and when to come again."""

import asyncio
from math import ceil
from typing import TYPE_CHECKING

from reference_app.call import Call, Chunks, Next
from reference_app.errors import Refused

if TYPE_CHECKING:
    from reference_app.means import Means


class LoadShedding:
    """Looks at the lines of concurrency_limit and adaptive_limit; where neither is on, or there is room, nobody is refused."""

    def __init__(self, means: "Means") -> None:
        self.lines = means.slots
        self.deadline_s, self.share = means.settings.deadline_s, means.settings.shed_share
        self.refused = 0

    def counters(self) -> dict[str, float]:
        return {"refused": self.refused}

    def __call__(self, call: Call, next: Next) -> Chunks:
        wait_s = sum(slots.wait_s() for slots in self.lines)
        if wait_s > 0:
            self._consider(call, wait_s)
        return next(call)

    def _consider(self, call: Call, wait_s: float) -> None:
        account = call.account
        # It waits, and then it takes as long as the others do.
        needed_s = wait_s + max(slots.service_s or 0.0 for slots in self.lines)
        left_s = min(account.deadline_at, account.started_s + self.deadline_s) - asyncio.get_running_loop().time()
        allowed_s = left_s * self.share
        if needed_s <= allowed_s:
            return
        self.refused += 1
        again_s = max(1, ceil(needed_s - allowed_s))
        account.log("shed", request_id=account.request_id, wait_s=wait_s, left_s=left_s)
        raise Refused(503, f"Too many requests are waiting to be answered in time; try again in {again_s} s.", again_s)
