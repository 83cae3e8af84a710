"""Live while the process lives; ready while answers can be given; each check within its time."""

import asyncio
import time
from types import SimpleNamespace

import httpx
import pytest

from reference_app import health


def ready(app):
    told = httpx.get(app.url + "/health/ready", timeout=10)
    return told.status_code, told.json()


@pytest.mark.parametrize("api", ["ollama"], indirect=True)
def test_redis_is_comfort_and_comes_back(app_with, redis_server):
    app = app_with("cache", redis_url=redis_server.url)
    assert ready(app) == (200, {**ready(app)[1], "status": "ready", "redis": f"{redis_server.url}: answers"})
    redis_server.kill()
    try:
        status, told = ready(app)
        assert (status, told["status"]) == (200, "degraded") and "ConnectionError" in told["redis"]
    finally:
        redis_server.start()
    assert ready(app)[1]["status"] == "ready"


@pytest.mark.parametrize("api", ["ollama"], indirect=True)
def test_who_hangs_is_waited_for_only_so_long(app_with, redis_server):
    app = app_with("cache", redis_url=redis_server.url)
    assert ready(app)[1]["status"] == "ready"
    redis_server.freeze()
    try:
        began = time.monotonic()
        assert ready(app)[1]["status"] == "degraded" and time.monotonic() - began < health.READY_TIMEOUT_S + 1
    finally:
        redis_server.thaw()


def test_postgres_is_asked_where_checkpoints_are_kept_there(postgres_server):
    settings = SimpleNamespace(redis_url="", checkpoints=postgres_server.url)
    state = SimpleNamespace(provider_client=httpx.AsyncClient(), probe="/", means=SimpleNamespace(settings=settings))
    where, ask = health._checks(state)["postgres"]

    assert where == postgres_server.url and asyncio.run(ask()) == "answers"


def test_an_error_does_not_tell_the_password():
    async def fails():
        raise ConnectionError("no route to redis://u:hunter2@h")

    _where, told = asyncio.run(health._within(("redis://u:hunter2@h", fails)))
    assert told == "ConnectionError no route to redis://u:***@h"
