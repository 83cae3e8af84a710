"""Puts the app together: `uvicorn --factory reference_app.app:create_app`, or `python -m reference_app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError

from reference_app import features
from reference_app.log import open_log
from reference_app.means import Means
from reference_app.middleware import Recorded
from reference_app.model import ResilientChatModel
from reference_app.provider import PROBES, embedder, make_provider
from reference_app.routes import refuse, router
from reference_app.settings import Settings
from reference_app.transport import ProviderTransport, make_transport


def create_app(settings: Settings | None = None, transport: httpx.AsyncBaseTransport | None = None) -> FastAPI:
    """The app with these settings, or those of the environment; `transport` carries the calls to the provider."""
    settings = settings or Settings.read()
    carrier = ProviderTransport(transport or make_transport())
    means = Means(settings, make_provider(settings, carrier), embedder(settings, carrier))
    model = ResilientChatModel(provider=means.provider, features=features.build(means))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await model.aclose()
        await means.aclose()
        await carrier.aclose()

    app = FastAPI(title="reference_app", lifespan=lifespan)
    app.state.model, app.state.means = model, means
    key = {"authorization": f"Bearer {settings.api_key.get_secret_value()}"} if settings.provider == "openai" else {}
    app.state.provider_client = httpx.AsyncClient(base_url=settings.provider_url, transport=carrier, headers=key)
    app.state.probe = PROBES[settings.provider]
    app.include_router(router)
    app.add_exception_handler(RequestValidationError, refuse)
    app.add_middleware(
        Recorded, log=open_log(settings.log_path), features=list(model.features), max_attempts=settings.max_attempts
    )
    return app
