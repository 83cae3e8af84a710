"""What every request meets first: its id, its account, and its line in the log. Pure ASGI, so it sees the last byte leave."""

import asyncio
import re
import uuid
from collections.abc import Sequence
from math import inf
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_app.call import Account, current_account
from reference_app.log import Log
from reference_app.usage import usage_of

MAX_BODY = 512 * 1024
"""Bytes: the longest question in the longest way to write it. Reading 10 MB of JSON would hold up all others for seconds."""

_GOOD_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")


class Recorded:
    """Gives each request an account; cancels it when its user leaves; tells the log how it ended."""

    def __init__(self, app: ASGIApp, log: Log, features: Sequence[str], max_attempts: int) -> None:
        self.app, self.log, self.features, self.max_attempts = app, log, list(features), max_attempts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        now = asyncio.get_running_loop().time()
        account = Account(
            now, request_id=_request_id(scope), log=self.log, max_attempts=self.max_attempts, user=_told(scope, b"x-user-id")
        )
        current_account.set(account)
        visit = _Visit(receive, send, account)
        try:
            await self.app(scope, visit.receive, visit.send)
        except asyncio.CancelledError:
            # By the watch below, or by a server that shuts down: this is the outermost frame, and there is nobody left to tell.
            account.outcome = "cancelled"
        finally:
            visit.end()
            await account.aclose()
            if not scope["path"].startswith("/health"):
                self._tell(scope["path"], visit, account)

    def _tell(self, route: str, visit: "_Visit", account: Account) -> None:
        usage = usage_of(account)
        self.log(
            "request",
            request_id=account.request_id,
            route=route,
            status=visit.status,
            outcome=account.outcome or _outcome_of(visit.status),
            served_by=account.served_by if account.answered else None,
            degraded=account.degraded,
            features=self.features,
            attempts=usage.attempts,
            tokens_in=usage.input_tokens,
            tokens_out=usage.output_tokens,
            tokens_wasted=usage.wasted_output_tokens,
            estimated=usage.estimated,
            started_s=account.started_s,
            first_token_s=account.first_token_s,
            finished_s=asyncio.get_running_loop().time(),
        )


def _request_id(scope: Scope) -> str:
    return _told(scope, b"x-request-id") or uuid.uuid4().hex


def _told(scope: Scope, name: bytes) -> str:
    """A header that names something; "" where it is none, or of other signs than a name has."""
    given: bytes = dict(scope["headers"]).get(name, b"")
    return given.decode() if _GOOD_ID.fullmatch(given) else ""


def _outcome_of(status: int) -> str:
    if status < 400:
        return "ok" if status else "error"
    if status == 504:
        return "timeout"
    return "rejected" if status < 500 and status not in (408, 429) else "http_error"


class _Visit:
    """The two channels to the user, and a watch on whether there still is one."""

    def __init__(self, receive: Receive, send: Send, account: Account) -> None:
        self._receive, self._send, self._account = receive, send, account
        self.status = 0
        self._body_bytes = 0
        self._task: asyncio.Task[Any] | None = asyncio.current_task()
        self._watch: asyncio.Task[None] | None = None

    async def receive(self) -> Message:
        if self._watch is not None:
            # The body is read; from here on the watch alone listens, and it answers by cancelling.
            await asyncio.sleep(inf)
        message = await self._receive()
        self._body_bytes += len(message.get("body", b""))
        if self._body_bytes > MAX_BODY:
            raise HTTPException(413, f"The body must have at most {MAX_BODY} bytes.")
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            self._watch = asyncio.create_task(self._until_left())
        return message

    async def _until_left(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._task is not None:
            self._task.cancel()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message)["x-request-id"] = self._account.request_id
        elif not message.get("more_body"):
            # The server says "disconnect" after the last byte, too.
            self.end()
        await self._send(message)

    def end(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
