"""Puts the app together: `uvicorn --factory reference_app.app:create_app`, or `python -m reference_app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError

from reference_app import batch, features, health
from reference_app.conversation import graph_routes, sessions
from reference_app.conversation.talks import Talks
from reference_app.features.as_published import ALONE, published_model
from reference_app.features.warm_up import WarmUp
from reference_app.log import open_log
from reference_app.means import Means
from reference_app.metrics import Metrics
from reference_app.middleware import Recorded
from reference_app.model import ResilientChatModel
from reference_app.provider import PROBES, embedder, make_provider
from reference_app.redact import secrets_of
from reference_app.routes import refuse, router
from reference_app.settings import Settings
from reference_app.trace import trace_of
from reference_app.transport import ProviderTransport, make_transport

if TYPE_CHECKING:
    from reference_app.tracing import Tracing


def create_app(settings: Settings | None = None, transport: httpx.AsyncBaseTransport | None = None) -> FastAPI:
    """The app with these settings, or those of the environment; `transport` carries the calls to the provider."""
    settings = settings or Settings.read()
    tracing = _tracing(settings)
    transport = transport or make_transport()
    carrier = ProviderTransport(tracing.carried(transport) if tracing else transport)
    means = Means(settings, make_provider(settings, carrier), embedder(settings, carrier))
    model = ResilientChatModel(provider=means.provider, features=features.build(means), prices=means.prices)
    if ALONE in features.parse(settings.features):
        model = published_model(means.settings, model)

    log = open_log(settings.log_path, secrets_of(dict(settings).values()))
    warming = WarmUp(settings, log)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if "warm_up" in features.parse(settings.features):
            await warming.start(app)
        if settings.checkpoints != "memory":
            await app.state.talks.warm()
        yield
        await warming.aclose()
        await model.aclose()
        await means.aclose()
        await carrier.aclose()
        if tracing:
            await tracing.aclose()

    app = FastAPI(title="reference_app", lifespan=lifespan)
    app.state.model, app.state.means = model, means
    app.state.talks = talks = Talks(model, means.checkpoints)
    key = {"authorization": f"Bearer {settings.api_key.get_secret_value()}"} if settings.provider == "openai" else {}
    app.state.provider_client = httpx.AsyncClient(base_url=settings.provider_url, transport=carrier, headers=key)
    app.state.probe = PROBES[settings.provider]
    app.state.metrics, app.state.draining = Metrics({**model.features, "sessions": means.histories, "graph": talks}), False
    app.include_router(router)
    app.include_router(batch.router)
    app.include_router(sessions.router)
    app.include_router(graph_routes.router)
    app.include_router(health.router)
    app.add_exception_handler(RequestValidationError, refuse)
    app.add_middleware(
        Recorded,
        log=log,
        features=list(model.features),
        max_attempts=settings.max_attempts,
        metrics=app.state.metrics,
        user_header=settings.user_header,
        trace_of=tracing.trace_of if tracing else trace_of,
    )
    if tracing:
        tracing.instrument(app)
    return app


def _tracing(settings: Settings) -> "Tracing | None":
    if not settings.otel_endpoint:
        return None
    # Half a second and 20 MB that nobody else needs.
    from reference_app.tracing import Tracing

    return Tracing(settings.otel_endpoint)
