"""deadline: one budget of time for a request, over all its attempts and pauses; beyond it the user gets a 504."""

from typing import TYPE_CHECKING

from reference_app.call import Call, Chunks, Next

if TYPE_CHECKING:
    from reference_app.means import Means


class Deadline:
    """Writes the budget into the account: every attempt waits no longer, and no pause goes beyond it."""

    def __init__(self, means: "Means") -> None:
        self.deadline_s = means.settings.deadline_s

    def __call__(self, call: Call, next: Next) -> Chunks:
        account = call.account
        account.deadline_at = min(account.deadline_at, account.started_s + self.deadline_s)
        return next(call)
