"""How an answer, or why there is none, reaches a user: as JSON, or as events. What all routes that answer share."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from math import ceil
from typing import Any

import orjson
from langchain_core.messages import AIMessage, AIMessageChunk
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from reference_app.call import Account
from reference_app.errors import Refused, is_known, told_as
from reference_app.usage import usage_of

After = Callable[[AIMessage], Awaitable[Mapping[str, Any]]]
"""Gets the answer before its user is told that it is complete, and returns what to tell along with that. What it raises is told
instead."""


class EventStream(StreamingResponse):
    """Server-sent events. Without Starlette's two helper tasks: the middleware already watches whether the user leaves."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.stream_response(send)


async def answered(
    asking: Awaitable[AIMessage], account: Account, after: After | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """The whole answer as JSON, or the refusal; `headers` go with an answer only."""
    try:
        answer = await asking
        more = await after(answer) if after else {}
    except Exception as error:
        return refused(error, account)
    return json_reply({"answer": answer.text, **done(account), **more}, headers={**account.headers, **(headers or {})})


async def streamed(
    chunks: AsyncIterator[AIMessageChunk],
    account: Account,
    after: After | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer as events, one a chunk. The status is sent with the first byte, so the first chunk is awaited before."""
    said = _Said() if after else None
    # No step more for a chunk where nobody wants the whole.
    chunks = said.noted(chunks) if said else chunks
    try:
        first = await _first_told(chunks)
    except Exception as error:
        return refused(error, account)
    told = {"cache-control": "no-store", **account.headers, **(headers or {})}
    events = _events(first, chunks, account, said, after)
    return EventStream(events, media_type="text/event-stream", headers=told)


def refused(error: Exception, account: Account) -> Response:
    """Why there is no answer, as JSON with its status."""
    status, sentence = _sentence(error, account)
    asked_s = error.retry_after_s if isinstance(error, Refused) else account.last.retry_after_s if account.attempts else None
    # Whole seconds, as HTTP has them: 0.5 is no Retry-After, and neither is 1e+06.
    asked = {} if asked_s is None else {"retry-after": str(ceil(asked_s))}
    return json_reply({"error": sentence}, status, account.headers | asked)


def done(account: Account) -> dict[str, Any]:
    """How the answer came about; from here on it counts as given."""
    account.answered = True
    told = {"served_by": account.served_by, "degraded": account.degraded, "usage": usage_of(account).as_dict()}
    # A whole answer is told as such by "done" itself.
    return told if account.finish in ("", "stop") else {**told, "finish": account.finish}


def json_reply(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), status, headers, "application/json")


def _sentence(error: Exception, account: Account) -> tuple[int, str]:
    if not is_known(error):
        account.log("unexpected", request_id=account.request_id, exc_info=error)
    return told_as(error, account.last.status if account.attempts else 0)


class _Said:
    """The message that the chunks make."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.told: dict[str, Any] = {}

    async def noted(self, chunks: AsyncIterator[AIMessageChunk]) -> AsyncGenerator[AIMessageChunk, None]:
        async for chunk in chunks:
            if "reset" in chunk.additional_kwargs:
                self.pieces.clear()
                self.told.clear()
            self.pieces.append(chunk.text)
            self.told.update(chunk.response_metadata)
            yield chunk

    @property
    def message(self) -> AIMessage:
        return AIMessage("".join(self.pieces), response_metadata=self.told)


async def _first_told(chunks: AsyncIterator[AIMessageChunk]) -> bytes:
    """The first chunk that says something; OpenAI's tells the role, which commits to nothing. Empty of an empty answer."""
    async for chunk in chunks:
        if told := _told(chunk):
            return told
    return b""


async def _events(
    first: bytes, chunks: AsyncIterator[AIMessageChunk], account: Account, said: _Said | None, after: After | None
) -> AsyncGenerator[bytes, None]:
    try:
        if first:
            yield first
        async for chunk in chunks:
            if told := _told(chunk):
                yield told
        more = await after(said.message) if said and after else {}
    except Exception as error:
        status, sentence = _sentence(error, account)
        account.outcome = "timeout" if status == 504 else "cut"
        yield _event(b"error", {"error": sentence, "status": status})
    else:
        yield _event(b"done", {**done(account), **more})


def _event(name: bytes, content: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name, orjson.dumps(content))


def _told(chunk: AIMessageChunk) -> bytes:
    if text := chunk.content:
        return b"event: token\ndata: " + orjson.dumps({"text": text}) + b"\n\n"
    return b"event: reset\ndata: {}\n\n" if "reset" in chunk.additional_kwargs else b""
