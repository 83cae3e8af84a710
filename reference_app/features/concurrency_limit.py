"""concurrency_limit: so many calls are with the provider at once, and no more, however many processes make them."""

from hashlib import blake2b
from typing import TYPE_CHECKING

from reference_app.call import Call, Chunks, Next
from reference_app.log import Log, silent
from reference_app.slots import Slots, holding

if TYPE_CHECKING:
    from reference_app.means import Means


class ConcurrencyLimit:
    """Calls beyond the limit wait in order, up to their deadline. With Redis, the limit is of all processes together."""

    def __init__(self, means: "Means") -> None:
        self._log: Log = silent
        self.slots = self._slots(means)
        means.slots.append(self.slots)

    def counters(self) -> dict[str, float]:
        return self.slots.counters()

    def __call__(self, call: Call, next: Next) -> Chunks:
        self._log = call.account.log
        return holding(call, next, self.slots)

    async def aclose(self) -> None:
        await self.slots.aclose()

    def _slots(self, means: "Means") -> Slots:
        settings = means.settings
        if means.redis is None:
            return Slots(settings.concurrency)
        from reference_app.slots_redis import SharedSlots

        name = f"concurrency-{blake2b(settings.provider_url.encode(), digest_size=6).hexdigest()}"
        share = max(1, settings.concurrency // settings.workers)
        lease_s, cooldown_s = settings.concurrency_lease_s, settings.concurrency_cooldown_s
        return SharedSlots(means.redis, name, settings.concurrency, share, lease_s, cooldown_s, self._tell)

    def _tell(self, event: str, **fields: object) -> None:
        self._log(event, **fields)
