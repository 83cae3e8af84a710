"""Four processes of the app, one Redis, one limit: counted at the provider."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from tests.reference_app.stub import serve_provider

LIMIT, APPS, CALLS = 10, 4, 80


def most_at_once(seen):
    """How many calls were with the provider at the same time; one that ends where another begins counts before it."""
    changes = sorted([(one.at, 1) for one in seen] + [(one.ended_at, -1) for one in seen])
    busy = most = 0
    for _, change in changes:
        busy += change
        most = max(most, busy)
    return most


async def _ask_all(urls, name):
    async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=None)) as http:

        async def ask(number):
            return await http.post(
                f"{urls[number % len(urls)]}/chat",
                json={"question": "n=5 every=0.04"},
                headers={"x-request-id": f"{name}-{number}"},
            )

        return [told.status_code for told in await asyncio.gather(*map(ask, range(CALLS)))]


@pytest.mark.timeout(90)
def test_four_processes_never_make_more_than_ten_calls_at_once(start: Callable, redis_server, tmp_path):
    provider, stop = serve_provider("ollama")
    most = {}
    try:
        for name, extra in (("shared", {"APP_REDIS_URL": redis_server.url}), ("each", {})):
            provider.seen.clear()
            log = tmp_path / f"{name}.jsonl"
            environment = {"APP_CONCURRENCY": str(LIMIT), "APP_WORKERS": "1", "APP_LOG_PATH": str(log), **extra}
            features = ("--features", "concurrency_limit", "--provider-url", provider.url)
            apps = [start("reference_app", *features, **environment) for _ in range(APPS)]
            statuses = asyncio.run(_ask_all([app.url for app in apps], name))
            assert statuses == [200] * CALLS
            assert {one.ended for one in provider.seen} == {"done"}
            most[name] = most_at_once(provider.seen)
            for app in apps:
                app.stop()
    finally:
        stop()
    print(f"4 processes, limit 10: {most['shared']} calls at once at the provider; each by itself {most['each']}")
    assert most["shared"] <= LIMIT < most["each"]
