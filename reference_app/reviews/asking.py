"""The app's model, as reviews are asked about: with its features, but those that are only for users."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from langchain_core.messages import BaseMessage

if TYPE_CHECKING:
    import httpx

    from reference_app.model import ResilientChatModel
    from reference_app.settings import Settings

LEFT_OUT = ("rate_limit", "compress", "semantic_cache", "load_shedding", "adaptive_limit", "warm_up")
"""Made for users who wait: here it is better to wait than to be refused, and a review is itself, whole, and not one like it."""

Ask = Callable[[list[BaseMessage]], Awaitable[str]]
"""The model's answer."""


@asynccontextmanager
async def asking(settings: "Settings", transport: "httpx.AsyncBaseTransport | None" = None) -> AsyncIterator[Ask]:
    """The app's own model with its features, but those that are only for users."""
    from reference_app.features import build
    from reference_app.means import Means
    from reference_app.model import ResilientChatModel
    from reference_app.provider import embedder, make_provider
    from reference_app.transport import ProviderTransport, make_transport

    features = ",".join([settings.features, *(f"-{name}" for name in LEFT_OUT)])
    # No apology: it is no analysis, and it would hide that the provider is down.
    fit = settings.model_copy(update={"features": features, "fallback_text": ""})
    carrier = ProviderTransport(transport or make_transport())
    means = Means(fit, make_provider(fit, carrier), embedder(fit, carrier))
    model = ResilientChatModel(provider=means.provider, features=build(means), prices=means.prices)
    try:
        yield _asks(model, 0.0 if settings.temperature is None else settings.temperature)
    finally:
        await model.aclose()
        await means.aclose()
        await carrier.aclose()


def _asks(model: "ResilientChatModel", temperature: float) -> Ask:
    async def ask(messages: list[BaseMessage]) -> str:
        return str((await model.ainvoke(messages, temperature=temperature)).text)

    return ask
