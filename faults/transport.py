"""The second carrier: the same plan under an httpx client of this process, without a proxy.

weather = Weather(read_plan("plan.toml"))
client = httpx.AsyncClient(transport=AsyncTransport(weather))
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from math import inf
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from faults.exchange import Exchange
from faults.plan import Plan
from faults.weather import Weather

T = TypeVar("T")


class Transport(httpx.BaseTransport):
    """For `httpx.Client`; blocks where there is to be waited. Its weather holds the rows; clients may share one."""

    def __init__(self, plan: Plan | Weather, inner: httpx.BaseTransport | None = None) -> None:
        self.weather = plan if isinstance(plan, Weather) else Weather(plan)
        self.inner = inner or httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        return _run(Exchange(self.weather, request, _Hands(self.inner)).respond())

    def __enter__(self) -> Self:
        self.inner.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.inner.__exit__(*error)

    def close(self) -> None:
        self.inner.close()


class AsyncTransport(httpx.AsyncBaseTransport):
    """For `httpx.AsyncClient` on asyncio, whose loop is also its clock: on virtual time, faults take virtual time."""

    def __init__(self, plan: Plan | Weather, inner: httpx.AsyncBaseTransport | None = None) -> None:
        self.weather = plan if isinstance(plan, Weather) else Weather(plan)
        self.inner = inner or httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        return await Exchange(self.weather, request, _AsyncHands(self.inner)).respond()

    async def __aenter__(self) -> Self:
        await self.inner.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.inner.__aexit__(exc_type, exc_value, traceback)

    async def aclose(self) -> None:
        await self.inner.aclose()


class _Body(httpx.SyncByteStream):
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def __iter__(self) -> Iterator[bytes]:
        pieces = self._exchange.body()
        while True:
            try:
                piece = _run(anext(pieces))
            except StopAsyncIteration:
                return
            yield piece

    def close(self) -> None:
        _run(self._exchange.end())

    def __del__(self) -> None:
        self._exchange.finish()  # a response that was dropped, never closed


class _AsyncBody(httpx.AsyncByteStream):
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._exchange.body()

    async def aclose(self) -> None:
        await self._exchange.end()

    def __del__(self) -> None:
        self._exchange.finish()


class _Hands:
    """Blocks. What is said while a thread waits for the provider, it hears when that one has answered."""

    now = staticmethod(time.monotonic)

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner, self._woken = inner, threading.Event()
        self._response: httpx.Response | None = None
        self.calm, self.wake, self.interrupt = self._woken.clear, self._woken.set, self._woken.set

    async def wait(self, seconds: float) -> None:
        self._woken.wait(min(seconds, threading.TIMEOUT_MAX))

    async def ask(self, request: httpx.Request, seconds: float) -> httpx.Response:
        told = request.extensions.get("timeout", {})
        if seconds < inf:
            request.extensions["timeout"] = {**told, "read": max(seconds, 0.001)}
        self._response = self._inner.handle_request(request)
        if seconds < inf:
            request.extensions["timeout"].update(told)  # httpcore looks again before it reads the body
        assert isinstance(self._response.stream, httpx.SyncByteStream)
        self._pieces = iter(self._response.stream)
        return self._response

    async def read(self, seconds: float) -> bytes | None:
        began_s = self.now()
        piece = next(self._pieces, None)
        if self.now() - began_s > seconds:
            raise httpx.ReadTimeout("timed out")
        return piece

    async def close(self) -> None:
        if self._response:
            self._response.close()

    def stream(self, exchange: Exchange) -> httpx.SyncByteStream:
        return _Body(exchange)


class _AsyncHands:
    """Waits as asyncio does."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner, self._woken, self._loop = inner, asyncio.Event(), asyncio.get_running_loop()
        self._response: httpx.Response | None = None
        self._timeout: asyncio.Timeout | None = None
        self.now, self.calm = self._loop.time, self._woken.clear

    def wake(self) -> None:
        self._loop.call_soon_threadsafe(self._woken.set)

    def interrupt(self) -> None:
        self._loop.call_soon_threadsafe(self._interrupted)

    def _interrupted(self) -> None:
        self._woken.set()
        if self._timeout:
            self._timeout.reschedule(self._loop.time())

    async def wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(_finite(seconds)):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def ask(self, request: httpx.Request, seconds: float) -> httpx.Response:
        self._response = await self._within(seconds, self._inner.handle_async_request(request))
        assert isinstance(self._response.stream, httpx.AsyncByteStream)
        self._pieces = aiter(self._response.stream)
        return self._response

    async def read(self, seconds: float) -> bytes | None:
        return await self._within(seconds, anext(self._pieces, None))

    async def _within(self, seconds: float, provider: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(_finite(seconds)) as self._timeout:
                return await provider
        except TimeoutError:
            if self._timeout and self._timeout.expired():
                raise httpx.ReadTimeout("timed out") from None
            raise
        finally:
            self._timeout = None

    async def close(self) -> None:
        if self._response:
            await self._response.aclose()

    def stream(self, exchange: Exchange) -> httpx.AsyncByteStream:
        return _AsyncBody(exchange)


def _finite(seconds: float) -> float | None:
    return None if seconds == inf else seconds


def _run(coroutine: Awaitable[T]) -> T:
    """The result of a coroutine that never suspends."""
    try:
        coroutine.__await__().send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    raise RuntimeError("a client without an event loop was to wait for one")
