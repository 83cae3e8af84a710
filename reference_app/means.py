"""What the features share: the settings, the provider's models, the store of answers, one Redis client."""

from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from langchain_core.language_models.chat_models import BaseChatModel

from reference_app.features.cache_store import Store, open_store

if TYPE_CHECKING:
    import redis.asyncio

    from reference_app.settings import Settings

Embed = Callable[[list[str]], Awaitable[list[list[float]]]]
"""One vector a text, made by the provider."""


class Means:
    """Made once a process; what is never asked for is never opened."""

    def __init__(self, settings: "Settings", provider: BaseChatModel, embed: Embed | None = None) -> None:
        self.settings = settings
        self.provider = provider
        self.embed = embed
        self._closers: list[Callable[[], Awaitable[Any]]] = []

    def model(self, name: str) -> BaseChatModel:
        """The provider's model of another name; it shares the client."""
        return self.provider.model_copy(update={"model_name" if hasattr(self.provider, "model_name") else "model": name})

    @cached_property
    def answers(self) -> Store:
        """Where answers are kept, for whichever features keep them."""
        settings = self.settings
        store = open_store(settings.cache, settings.cache_ttl_s, settings.cache_max_entries)
        self._closers.append(store.aclose)
        return store

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
