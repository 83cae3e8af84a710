"""How many reviews are asked about at once: a number, or what the provider is found to take."""

from typing import TYPE_CHECKING

from reference_app.call import Account
from reference_app.features.adaptive_limit import Aimd, is_refusal
from reference_app.slots import Slots

if TYPE_CHECKING:
    from reference_app.settings import Settings

BUSY = frozenset({429, 503, 529})


class Room:
    """A fixed number."""

    def __init__(self, limit: int) -> None:
        self.slots, self.most = Slots(limit), limit

    def note(self, account: Account) -> None:
        """A review's calls have ended."""


class AdaptiveRoom(Room):
    """The algorithm and the settings of the feature adaptive_limit, before a review's time begins rather than within it."""

    def __init__(self, settings: "Settings") -> None:
        least, most = settings.adaptive_least, settings.adaptive_most
        start = min(max(settings.adaptive_start, least), most)
        super().__init__(start)
        self.most = most
        self.aimd = Aimd(start, least, most, settings.adaptive_tolerance)

    def note(self, account: Account) -> None:
        for attempt in account.attempts:
            if attempt.abandoned or attempt.outcome == "cancelled":
                continue
            first_s = None if attempt.first_token_s is None else attempt.first_token_s - attempt.started_s
            refused = attempt.status in BUSY or is_refusal(attempt, None)
            # Up to the last review there is always one more to ask about.
            if self.aimd.note(attempt.started_s, attempt.finished_s, first_s, refused, full=True):
                self.slots.limit = self.aimd.limit
                self.slots.admit()
