"""A provider within this process that can take so many calls at once, and the app before it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from reference_app.app import create_app
from reference_app.settings import Settings
from tests.reference_app.wires import WIRES


@dataclass
class Limited(httpx.AsyncBaseTransport):
    """Beyond `capacity` calls at once it refuses with a 429, or lets them wait for their first word."""

    capacity: int = 1_000
    service_s: float = 0.05
    refuses: bool = True
    api: str = "ollama"
    says: str = "so"
    in_flight: int = 0
    most: int = 0
    calls: int = 0
    refused: int = 0
    _room: asyncio.Condition = field(default_factory=asyncio.Condition)
    _working: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        wire = WIRES[self.api]
        if self.refuses and self.in_flight >= self.capacity:
            self.refused += 1
            return httpx.Response(429, json=wire.error("too many", ""), request=request)
        return httpx.Response(200, headers={"content-type": wire.media_type}, stream=_Answer(self), request=request)


class _Answer(httpx.AsyncByteStream):
    def __init__(self, provider: Limited) -> None:
        self.provider, self.open = provider, True
        provider.in_flight += 1
        provider.most = max(provider.most, provider.in_flight)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        provider, wire = self.provider, WIRES[self.provider.api]
        async with provider._room:
            await provider._room.wait_for(lambda: provider._working < provider.capacity)
            provider._working += 1
        try:
            await asyncio.sleep(provider.service_s / 2)
            yield wire.begin + wire.word(provider.says)
            await asyncio.sleep(provider.service_s / 2)
            # In one piece: a client may close at the finish.
            await self.aclose()
            yield wire.end(3, 1)
        finally:
            provider._working -= 1
            await self.aclose()
            async with provider._room:
                provider._room.notify_all()

    async def aclose(self) -> None:
        if self.open:
            self.open = False
            self.provider.in_flight -= 1


@dataclass
class Asked:
    status: int
    took_s: float
    headers: httpx.Headers
    json: dict[str, Any]


@dataclass
class Before:
    """Users of the app."""

    http: httpx.AsyncClient
    log: Any

    async def ask(self, question: str = "what?", **headers: str) -> Asked:
        clock = asyncio.get_running_loop().time
        began = clock()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        told = await self.http.post("/chat", json={"question": question}, headers=named)
        return Asked(told.status_code, clock() - began, told.headers, told.json())

    async def ask_at_once(self, count: int) -> list[Asked]:
        return await asyncio.gather(*(self.ask() for _ in range(count)))

    def counted(self, feature: str) -> dict[str, float]:
        """What the feature has counted so far."""
        transport: Any = self.http._transport
        return dict(transport.app.state.model.features[feature].counters())

    def events(self, name: str) -> list[dict[str, Any]]:
        rows = map(json.loads, self.log.read_bytes().splitlines())
        return [row for row in rows if row["event"] == name]


@asynccontextmanager
async def app_before(carrier: httpx.AsyncBaseTransport, tmp_path: Any, features: str, **settings: Any) -> AsyncIterator[Before]:
    log = tmp_path / f"app-{len(list(tmp_path.iterdir()))}.jsonl"
    url = "http://provider/v1" if settings.get("provider") == "openai" else "http://provider"
    made = Settings(**{"features": features, "log_path": str(log), "provider_url": url, **settings})
    app = create_app(made, carrier)
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app", timeout=30) as http:
            yield Before(http, log)
    finally:
        await app.state.model.aclose()
        await app.state.means.aclose()


def p95(values: list[float]) -> float:
    return sorted(values)[max(0, -(-95 * len(values) // 100) - 1)]
