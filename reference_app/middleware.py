"""What every request meets first: its id, its account, and its line in the log. Pure ASGI, so it sees the last byte leave."""

import asyncio
import re
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_app.call import Account, current_account
from reference_app.log import Log
from reference_app.metrics import Metrics
from reference_app.record import record
from reference_app.trace import HEADER, Trace, current_trace, trace_of

MAX_BODY = 512 * 1024
"""Bytes: the longest question in the longest way to write it. Reading 10 MB of JSON would hold up all others for seconds."""

AT_ONCE_S = 0.01
"""Whoever is answered within it, from a cache say, need not be watched: a task for it would cost as much as the look-up."""

TraceOf = Callable[[bytes], Trace]
"""The trace of a request, by its `traceparent`."""
UNTOLD = ("/health", "/metrics")
"""Asked every few seconds by machines: neither logged nor counted."""

_GOOD_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")


class Recorded:
    """Gives each request an account; cancels it when its user leaves; tells the log how it ended."""

    def __init__(
        self,
        app: ASGIApp,
        log: Log,
        features: Sequence[str],
        max_attempts: int,
        metrics: Metrics,
        trace_of: TraceOf = trace_of,
        user_header: str = "x-user-id",
    ) -> None:
        self.app, self.log, self.features, self.max_attempts = app, log, list(features), max_attempts
        self.metrics = metrics
        self.trace_of, self.user_header = trace_of, user_header.lower().encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        now = asyncio.get_running_loop().time()
        trace = self.trace_of(_header(scope, HEADER.encode()))
        account = Account(
            now,
            request_id=_request_id(scope),
            log=partial(self.log, trace_id=trace.trace_id),
            max_attempts=self.max_attempts,
            user=_told(scope, self.user_header),
            client=(scope.get("client") or ("",))[0],
        )
        current_account.set(account)
        current_trace.set(trace)
        visit = _Visit(scope, receive, send, {"x-request-id": account.request_id, HEADER: str(trace)})
        if measured := not scope["path"].startswith(UNTOLD):
            self.metrics.begin()
        try:
            await self.app(scope, visit.receive, visit.send)
        except asyncio.CancelledError:
            # By the watch below, or by a server that shuts down: this is the outermost frame, and there is nobody left to tell.
            account.outcome = "cancelled"
        finally:
            visit.end()
            try:
                await account.aclose()
            finally:
                if measured:
                    # Not what was asked for, which may be anything, but what was found.
                    label = getattr(scope.get("route"), "path", "none")
                    record(account, self.metrics, self.features, label, scope["path"], visit.status)


def _request_id(scope: Scope) -> str:
    return _told(scope, b"x-request-id") or uuid.uuid4().hex


def _told(scope: Scope, name: bytes) -> str:
    """A header that names something; "" where it is none, or of other signs than a name has."""
    given = _header(scope, name)
    return given.decode() if _GOOD_ID.fullmatch(given) else ""


def _header(scope: Scope, name: bytes) -> bytes:
    given: bytes = dict(scope["headers"]).get(name, b"")
    return given


class _Visit:
    """The two channels to the user, and a watch on whether there still is one."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, headers: dict[str, str]) -> None:
        self._app, self._receive, self._send, self._headers = scope["app"], receive, send, headers
        self.status = 0
        self._body_bytes = 0
        self._task: asyncio.Task[Any] | None = asyncio.current_task()
        self._watch: asyncio.TimerHandle | asyncio.Task[None] | None = None

    async def receive(self) -> Message:
        if self._watch is not None:
            # The body is read; from here on the watch alone listens, and it answers by cancelling.
            await asyncio.sleep(inf)
        message = await self._receive()
        self._body_bytes += len(message.get("body", b""))
        if self._body_bytes > MAX_BODY:
            raise HTTPException(413, f"The body must have at most {MAX_BODY} bytes.")
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            self._watch = asyncio.get_running_loop().call_later(AT_ONCE_S, self._begin_watch)
        return message

    def _begin_watch(self) -> None:
        self._watch = asyncio.create_task(self._until_left())

    async def _until_left(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._task is not None:
            self._task.cancel()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers.update(self._headers)
            if self._app.state.draining:
                # The next request on this connection would meet a closed door.
                headers["connection"] = "close"
        elif not message.get("more_body"):
            # The server says "disconnect" after the last byte, too.
            self.end()
        await self._send(message)

    def end(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
