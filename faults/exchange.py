"""One call of an httpx client among its faults, however that client waits.

All of it is coroutines. Those of a client without an event loop never suspend: its hands block where others await.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from math import inf
from typing import Protocol, TypeVar

import httpx

from faults.actions import Action, Actions, Finish, Occupy, Pause, Refuse, Reply, Sever
from faults.call import plain
from faults.places import Places
from faults.weather import Weather

T = TypeVar("T")
RawHeaders = list[tuple[bytes, bytes]]

# As httpx words them when there is a network.
UNANSWERED = "Server disconnected without sending a response."
UNFINISHED = "peer closed connection without sending complete message body (incomplete chunked read)"


class Hands(Protocol):
    """How a client waits, and how it reaches the provider."""

    def now(self) -> float: ...
    def calm(self) -> None:
        """What woke it so far shall not end the next wait."""

    def wake(self) -> None:
        """End the wait; from whatever thread."""

    def interrupt(self) -> None:
        """The same, and where it can be done, end also what it does with the provider."""

    async def wait(self, seconds: float) -> None: ...
    async def ask(self, request: httpx.Request, seconds: float) -> httpx.Response:
        """The response's head; where the client has waited already, it may take only so long."""

    async def read(self, seconds: float) -> bytes | None:
        """The next piece of the response's body, None at its end."""

    async def close(self) -> None:
        """Be done with the provider."""

    def stream(self, exchange: "Exchange") -> httpx.SyncByteStream | httpx.AsyncByteStream:
        """The body, as this client reads it."""


class Exchange:
    """What the client sees of the call: `respond` gives the response's head, `body` what its stream then gives."""

    def __init__(self, weather: Weather, request: httpx.Request, hands: Hands) -> None:
        self.weather, self.request, self.hands = weather, request, hands
        self.now = weather.clock or hands.now
        """What its row tells; waiting goes by the hands' own clock."""
        self.broken = self.delayed = self.heard_all = False
        self.silent_since_s = hands.now()
        """Since when the client waits for what it now waits for."""
        read_s = request.extensions.get("timeout", {}).get("read")
        self.patience_s: float = inf if read_s is None else read_s
        """How long it does: its read timeout."""
        with weather.lock:
            if self.now() < weather.refused_until_s:
                raise httpx.ConnectError("Connection refused")
            self.call = weather.begin(request, self.now)
            weather.open.add(self)

    async def respond(self) -> httpx.Response:
        """A fault's answer, or the provider's."""
        try:
            script = self.call.script
            reply = await self._perform(script.on_request(), []) if script else None
            response = self._answered(reply) if reply else await self._passed_on()
        except BaseException:
            await self.end()
            raise
        self.call.status = response.status_code
        if reply:
            self.finish()
        return response

    def _answered(self, reply: Reply) -> httpx.Response:
        body = b"" if self.request.method == "HEAD" else reply.body
        self.call.sent = len(body)
        headers = [(_bytes(name), _bytes(value)) for name, value in reply.headers.items()]
        _set(headers, "content-length", str(len(reply.body)))
        return httpx.Response(reply.status, headers=headers, stream=httpx.ByteStream(body))

    async def _passed_on(self) -> httpx.Response:
        self.call.passed_on, script = True, self.call.script
        request = self._plain_request() if script else self.request
        # To connect takes time that is no silence, so without a delay the client's own transport knows better.
        response = await self._heard(self.hands.ask(request, self._left_s() if self.delayed else inf))
        headers = list(response.headers.raw)
        if script:
            await self._perform(script.on_headers(plain(headers)), headers)
            if script.is_about("message") and _set(headers, "content-length", None):
                _set(headers, "transfer-encoding", "chunked")  # a fault may change the length
        return httpx.Response(
            response.status_code, headers=headers, stream=self.hands.stream(self), extensions=response.extensions
        )

    def _plain_request(self) -> httpx.Request:
        """Messages are found in plain text."""
        old, headers = self.request, list(self.request.headers.raw)
        _set(headers, "accept-encoding", "identity")
        return httpx.Request(old.method, old.url, headers=headers, stream=old.stream, extensions=dict(old.extensions))

    async def body(self) -> AsyncIterator[bytes]:
        """Piece by piece, as the client asks for them."""
        try:
            self.silent_since_s = self.hands.now()
            while (actions := await self._next()) is not None:
                with self.weather.one_by_one(actions) as each:
                    for action in each:
                        if isinstance(action, Finish):
                            return
                        if not isinstance(action, bytes):
                            await self._act(action, UNFINISHED)
                        elif action:
                            self.call.sent += len(action)
                            yield action
                            self.silent_since_s = self.hands.now()
        finally:
            await self.end()

    async def _next(self) -> Actions | None:
        """What is to be done about the next piece of the provider's body; None when all is done."""
        script = self.call.script
        if not script or not script.is_about("message"):
            data = await self._heard(self.hands.read(inf))
            return None if data is None else iter([data])
        if self.heard_all:
            return None
        data = await self._heard(self.hands.read(self._left_s()))
        self.heard_all = data is None
        if data is None:
            return script.on_end()
        return iter([data]) if script.lets_pass(data) else script.on_data(data)

    async def _perform(self, actions: Actions, headers: RawHeaders) -> Reply | None:
        """What is to be done before there is a body, some of it to the headers."""
        with self.weather.one_by_one(actions) as each:
            for action in each:
                if isinstance(action, Reply):
                    return action
                if isinstance(action, dict):
                    for name, value in action.items():
                        _set(headers, name, value)
                else:
                    await self._act(action, UNANSWERED)
        return None

    async def _act(self, action: Action, how_it_breaks: str) -> None:
        if isinstance(action, Pause):
            await self._until(lambda: False, action.seconds)
        elif isinstance(action, Occupy):
            await self._occupy(action.places)
        elif isinstance(action, Refuse):
            self.weather.refuse(self, action.seconds)
            raise _reset()
        elif isinstance(action, Sever):
            raise _reset() if action.reset else httpx.RemoteProtocolError(how_it_breaks)

    async def _occupy(self, places: Places) -> None:
        placed: list[bool] = []

        def ready() -> None:
            placed.append(True)
            self.hands.wake()

        with self.weather.lock:
            self.call.holding.append((places, ready))
            places.enter(ready)
        await self._until(lambda: bool(placed), inf)

    async def _until(self, happened: Callable[[], bool], seconds: float) -> None:
        """Wait until it happened or the seconds are over; a client that bears less leaves, as it would from a network."""
        left_s = self._left_s()
        end_s = self.hands.now() + min(seconds, left_s)
        while True:
            self.hands.calm()
            if self.broken:
                raise _reset()
            if happened():
                return
            if self.hands.now() >= end_s:
                break
            self.delayed = True
            await self.hands.wait(end_s - self.hands.now())
        if left_s < seconds:
            raise httpx.ReadTimeout("timed out")

    async def _heard(self, provider: Awaitable[T]) -> T:
        """What the provider says, unless the connection broke meanwhile."""
        try:
            said = await provider
        except Exception:
            if not self.broken:
                raise
        if self.broken:
            raise _reset()
        return said

    def _left_s(self) -> float:
        return self.patience_s - (self.hands.now() - self.silent_since_s)

    def break_off(self) -> None:
        """The provider's process died; said from whatever thread."""
        self.broken = True
        self.hands.interrupt()

    def finish(self) -> None:
        """The call has ended, however that came about; a second time changes nothing."""
        with self.weather.lock:
            if self in self.weather.open:
                self.weather.open.remove(self)
                self.weather.end(self.call, self.now())

    async def end(self) -> None:
        self.finish()
        await self.hands.close()


def _reset() -> httpx.ReadError:
    return httpx.ReadError("Connection reset by peer")


def _set(headers: RawHeaders, name: str, value: str | None) -> bool:
    """Replace a header, or with None remove it; whether it was there."""
    before, key = len(headers), _bytes(name).lower()
    headers[:] = [header for header in headers if header[0].lower() != key]
    there = len(headers) < before
    if value is not None:
        headers.append((_bytes(name), _bytes(value)))
    return there


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
