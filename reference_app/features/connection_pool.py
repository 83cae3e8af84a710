"""connection_pool: one client for all calls. Off, each call makes its own: ChatOllama(...) within the handler."""

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from reference_app.call import Call, Chunks, Next
from reference_app.provider import like, make_provider
from reference_app.transport import ProviderTransport, make_transport

if TYPE_CHECKING:
    from reference_app.means import Means


def connection_pool(_: "Means") -> None:
    """The app has one client already."""


class ClientPerCall:
    """What is done where connection_pool is off."""

    def __init__(self, means: "Means") -> None:
        self.settings = means.settings

    async def __call__(self, call: Call, next: Next) -> Chunks:
        carrier = ProviderTransport(make_transport())
        model = like(make_provider(self.settings, carrier), call.model)
        try:
            async with aclosing(next(replace(call, model=model))) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            await carrier.aclose()
