"""What the features share: the settings, the provider's models, the store of answers, one Redis client."""

from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from langchain_core.language_models.chat_models import BaseChatModel

from reference_app.budget import RetryBudget
from reference_app.features.cache_store import Store, open_store
from reference_app.features.outage import Cooldown
from reference_app.prices import Prices, read_prices
from reference_app.provider import named

if TYPE_CHECKING:
    import redis.asyncio

    from reference_app.conversation.checkpoints import Checkpoints
    from reference_app.conversation.history import Histories
    from reference_app.settings import Settings
    from reference_app.slots import Slots

Embed = Callable[[list[str]], Awaitable[list[list[float]]]]
"""One vector a text, made by the provider."""


class Means:
    """Made once a process; what is never asked for is never opened."""

    def __init__(self, settings: "Settings", provider: BaseChatModel, embed: Embed | None = None) -> None:
        self.settings = settings
        self.provider = provider
        self.embed = embed
        self.slots: list[Slots] = []
        """Where calls wait for their turn: load_shedding looks at them."""
        self._closers: list[Callable[[], Awaitable[Any]]] = []

    def model(self, name: str) -> BaseChatModel:
        """The provider's model of another name; it shares the client."""
        return named(self.provider, name)

    @cached_property
    def prices(self) -> Prices | None:
        """What the provider charges; None where APP_PRICES names no list."""
        return read_prices(self.settings.prices) if self.settings.prices else None

    @cached_property
    def retry_budget(self) -> RetryBudget:
        """One for all that calls again after a failure."""
        return RetryBudget(self.settings)

    @cached_property
    def answers(self) -> Store:
        """Where answers are kept, for whichever features keep them."""
        store = open_store(self.settings, lambda: self.redis)
        self._closers.append(store.aclose)
        return store

    @cached_property
    def histories(self) -> "Histories":
        """What was said in sessions."""
        from reference_app.conversation.history import Histories
        from reference_app.conversation.store import open_sessions

        histories = Histories(self.settings, open_sessions(self.settings, lambda: self.redis))
        self._closers.append(histories.aclose)
        return histories

    @cached_property
    def checkpoints(self) -> "Checkpoints":
        """Where the graph keeps the state of conversations."""
        from reference_app.conversation.checkpoints import Checkpoints

        checkpoints = Checkpoints(self.settings)
        self._closers.append(checkpoints.aclose)
        return checkpoints

    @cached_property
    def redis_cooldown(self) -> Cooldown:
        """What all who use Redis know of its outage: a request waits for it once, not once a feature."""
        return Cooldown(self.settings.cache_cooldown_s)

    @cached_property
    def redis(self) -> "redis.asyncio.Redis | None":
        """One client for all that is shared between processes; None where APP_REDIS_URL names none."""
        if not self.settings.redis_url:
            return None
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        limit_s = self.settings.redis_timeout_s
        # Its own way is to try for 4 s, and for ever where the server hangs: longer than the answer it is asked for takes.
        client: Redis = Redis.from_url(
            self.settings.redis_url, socket_timeout=limit_s, socket_connect_timeout=limit_s, retry=Retry(NoBackoff(), 0)
        )
        self._closers.append(client.aclose)
        return client

    async def aclose(self) -> None:
        """Closes what was opened, the last first."""
        while self._closers:
            await self._closers.pop()()
