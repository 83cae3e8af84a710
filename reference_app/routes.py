"""The routes for users: /chat and /chat/stream."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from langchain_core.messages import AIMessageChunk, HumanMessage
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from reference_app.call import Account, current_account
from reference_app.described import REFUSALS, STREAM, Answer
from reference_app.errors import Refused, is_known, told_as
from reference_app.model import ResilientChatModel
from reference_app.usage import usage_of

router = APIRouter()
MOST_PROBLEMS = 10


class Question(BaseModel):
    """What a user asks; parameters left out are the provider's own."""

    model_config = ConfigDict(extra="forbid", strict=True)

    question: Annotated[str, StringConstraints(max_length=32_000, pattern=r"\S")]
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=0, le=1)
    max_tokens: int | None = Field(None, ge=1)
    seed: int | None = None

    def params(self) -> dict[str, Any]:
        return self.model_dump(exclude={"question"}, exclude_none=True)


class EventStream(StreamingResponse):
    """Server-sent events. Without Starlette's two helper tasks: the middleware already watches whether the user leaves."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.stream_response(send)


def _json(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), status, headers, "application/json")


def _event(name: bytes, content: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name, orjson.dumps(content))


def _sentence(error: Exception, account: Account) -> tuple[int, str]:
    if not is_known(error):
        account.log("unexpected", request_id=account.request_id, exc_info=error)
    return told_as(error, account.last.status if account.attempts else 0)


def _refused(error: Exception, account: Account) -> Response:
    status, sentence = _sentence(error, account)
    asked_s = error.retry_after_s if isinstance(error, Refused) else account.last.retry_after_s if account.attempts else None
    asked = {} if asked_s is None else {"retry-after": f"{asked_s:g}"}
    return _json({"error": sentence}, status, account.headers | asked)


def _done(account: Account) -> dict[str, Any]:
    account.answered = True
    return {"served_by": account.served_by, "degraded": account.degraded, "usage": usage_of(account).as_dict()}


async def refuse(_: Request, error: Exception) -> Response:
    """What is wrong, and where. Without what was given, as FastAPI does it: that may be long, or nothing JSON can say."""
    problems = error.errors()[:MOST_PROBLEMS] if isinstance(error, RequestValidationError) else []
    told = [{key: problem[key] for key in ("type", "loc", "msg")} for problem in problems]
    # A name may hold half a character, which orjson refuses to write.
    return Response(json.dumps({"detail": told}), 422, media_type="application/json")


@router.post("/chat", response_model=Answer, responses=REFUSALS)
async def chat(question: Question, request: Request) -> Response:
    """The whole answer as JSON."""
    model: ResilientChatModel = request.app.state.model
    account = current_account.get()
    try:
        answer = await model.ainvoke([HumanMessage(question.question)], **question.params())
    except Exception as error:
        return _refused(error, account)
    return _json({"answer": answer.text, **_done(account)}, headers=account.headers)


@router.post("/chat/stream", response_class=Response, responses=STREAM)
async def chat_stream(question: Question, request: Request) -> Response:
    """The answer as events, one a chunk. The status is sent with the first byte, so the first chunk is awaited before."""
    model: ResilientChatModel = request.app.state.model
    account = current_account.get()
    chunks = model.astream([HumanMessage(question.question)], **question.params())
    try:
        first = await _first_told(chunks)
    except Exception as error:
        return _refused(error, account)
    headers = {"cache-control": "no-store", **account.headers}
    return EventStream(_events(first, chunks, account), media_type="text/event-stream", headers=headers)


async def _first_told(chunks: AsyncIterator[AIMessageChunk]) -> bytes:
    """The first chunk that says something; OpenAI's tells the role, which commits to nothing. Empty of an empty answer."""
    async for chunk in chunks:
        if told := _told(chunk):
            return told
    return b""


async def _events(first: bytes, chunks: AsyncIterator[AIMessageChunk], account: Account) -> AsyncGenerator[bytes, None]:
    try:
        if first:
            yield first
        async for chunk in chunks:
            if told := _told(chunk):
                yield told
    except Exception as error:
        status, sentence = _sentence(error, account)
        account.outcome = "timeout" if status == 504 else "cut"
        yield _event(b"error", {"error": sentence, "status": status})
    else:
        yield _event(b"done", _done(account))


def _told(chunk: AIMessageChunk) -> bytes:
    if text := chunk.content:
        return b"event: token\ndata: " + orjson.dumps({"text": text}) + b"\n\n"
    return b"event: reset\ndata: {}\n\n" if "reset" in chunk.additional_kwargs else b""
