"""Whether chaos must end: too many users of the last seconds got no right answer. Pure: time is an argument."""

from collections import deque

from faults.plan import HaltIf
from records.rows import is_failure


class Halting:
    """The users of the last seconds, as their requests finish."""

    def __init__(self, limit: HaltIf) -> None:
        self._limit = limit
        self._recent: deque[tuple[float, bool]] = deque()

    def add(self, finished_s: float, outcome: str) -> None:
        """One user is done; who was cut off by the end of the test says nothing."""
        if outcome != "aborted":
            self._recent.append((finished_s, is_failure(outcome)))

    def why(self, now_s: float) -> str:
        """Why chaos must end now, with the figures; empty where it need not."""
        limit = self._limit
        # Not only from the left: a request that was asked for long may be told late.
        self._recent = deque(one for one in self._recent if one[0] > now_s - limit.over_s)
        users, failed = len(self._recent), sum(failed for _, failed in self._recent)
        if users < limit.at_least or failed <= limit.error_share * users:
            return ""
        return (
            f"{failed} of {users} users of the last {limit.over_s:g} s got no right answer, "
            f"{100 * failed / users:.1f} % where {100 * limit.error_share:.1f} % is the limit"
        )
