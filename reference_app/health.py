"""What whoever runs the app asks of it: whether it lives, whether to send requests, and its numbers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import httpx
import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from reference_app.metrics import Metrics
from reference_app.redact import without_passwords

router = APIRouter()
READY_TIMEOUT_S = 1.0
"""For each of what is asked; all are asked at once."""


class Live(BaseModel):
    """The process answers."""

    status: Literal["live"]


class Ready(BaseModel):
    """Whether to send requests, and what became of each thing that the app needs."""

    status: Literal["ready", "degraded", "unready", "draining"]
    provider: str = Field("", examples=["http://127.0.0.1:11434: answers"])
    redis: str = ""
    postgres: str = ""


def _json(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, {"cache-control": "no-store"}, "application/json")


@router.get("/health/live", response_model=Live)
async def live() -> Response:
    """The process answers. Also while it drains: a process that finishes its streams is not to be killed."""
    return _json({"status": "live"})


@router.get("/health/ready", response_model=Ready, responses={503: {"model": Ready, "description": "Send none."}})
async def ready(request: Request) -> Response:
    """Without the provider there are no answers: unready. Without Redis or PostgreSQL there are, if fewer: degraded."""
    state = request.app.state
    if getattr(state, "draining", False):
        return _json({"status": "draining"}, 503)
    checks = _checks(state)
    told = dict(zip(checks, await asyncio.gather(*(_within(check) for check in checks.values())), strict=True))
    words = {name: f"{without_passwords(where)}: {how}" for name, (where, how) in told.items()}
    failed = [name for name, (_, how) in told.items() if how != "answers"]
    if "provider" in failed:
        return _json({"status": "unready", **words}, 503)
    return _json({"status": "degraded" if failed else "ready", **words})


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "What Prometheus reads."}},
)
async def metrics(request: Request) -> Response:
    """Requests, attempts, tokens and what the features counted, of all workers."""
    numbers: Metrics = request.app.state.metrics
    text, media_type = numbers.text()
    return Response(text, media_type=media_type)


Check = tuple[str, Callable[[], Awaitable[str]]]
"""Where, and a question whose answer is "answers" or what was wrong."""


def _checks(state: Any) -> dict[str, Check]:
    client: httpx.AsyncClient = state.provider_client
    checks: dict[str, Check] = {"provider": (str(client.base_url), lambda: _provider(client, state.probe))}
    settings = state.means.settings
    if settings.redis_url:
        checks["redis"] = (settings.redis_url, lambda: _redis(state.means.redis))
    dsn = getattr(settings, "checkpoints", "")
    if dsn.startswith("postgres"):
        checks["postgres"] = (dsn, lambda: _postgres(dsn))
    return checks


async def _within(check: Check) -> tuple[str, str]:
    where, ask = check
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            return where, await ask()
    except Exception as error:
        return where, without_passwords(f"{type(error).__name__} {error}".rstrip())


async def _provider(client: httpx.AsyncClient, probe: str) -> str:
    status = (await client.get(probe)).status_code
    return "answers" if status == 200 else f"answered {status}"


async def _redis(client: Any) -> str:
    await client.ping()
    return "answers"


async def _postgres(dsn: str) -> str:
    # A connection of its own: the pool's may all be in use, which is no outage.
    from psycopg import AsyncConnection

    async with await AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute("SELECT 1")
    return "answers"
