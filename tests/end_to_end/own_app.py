"""A tiny app as a user may have it: each question goes into a prompt of its own, no request id is passed on, no log is ours.

Only the test reads SIDE_LOG: whose each call is, as the app alone knows. `python own_app.py PORT`
"""

import json
import os
import sys
import time
from collections.abc import AsyncIterator
from hashlib import blake2b

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

PROVIDER = os.environ["OLLAMA_HOST"]
ATTEMPTS = 3 if "retry" in os.environ.get("APP_FEATURES", "") else 1
CLIENT = httpx.AsyncClient(timeout=5, limits=httpx.Limits(max_connections=None), trust_env=False)


class Broken(Exception):
    """The provider's answer is none."""

    def __init__(self, status: int) -> None:
        self.status = status


def prompt_of(asked: dict) -> bytes:
    messages = [
        {"role": "system", "content": "You work for a shop."},
        {"role": "user", "content": f"Answer in one sentence.\n\nQuestion: {asked['question']}\n\nAnswer:"},
    ]
    return json.dumps({"model": "llama3.1", "messages": messages, "options": {"temperature": asked["temperature"]}}).encode()


def note(request_id: str, body: bytes) -> None:
    told = {"request_id": request_id, "body": f"body-{blake2b(body, digest_size=8).hexdigest()}", "at_s": time.monotonic()}
    with open(os.environ["SIDE_LOG"], "a") as file:
        file.write(json.dumps(told) + "\n")


async def called(request_id: str, body: bytes) -> AsyncIterator[str]:
    note(request_id, body)
    try:
        async with CLIENT.stream("POST", f"{PROVIDER}/api/chat", content=body) as answer:
            if answer.status_code != 200:
                raise Broken(answer.status_code)
            async for line in answer.aiter_lines():
                told = json.loads(line)
                if told["done"]:
                    return
                yield told["message"]["content"]
    except (httpx.HTTPError, ValueError):
        pass
    raise Broken(502)


async def tokens(request_id: str, body: bytes) -> AsyncIterator[str]:
    """Again, as long as nothing was said; a 4xx but 429 would come again."""
    for attempt in range(1, ATTEMPTS + 1):
        said = False
        try:
            async for text in called(request_id, body):
                said = True
                yield text
            return
        except Broken as broken:
            if said or attempt == ATTEMPTS or (400 <= broken.status < 500 and broken.status != 429):
                raise


async def whole(request_id: str, body: bytes) -> str:
    """Again, even if something was said: nobody has seen it."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return "".join([text async for text in tokens(request_id, body)])
        except Broken as broken:
            if attempt == ATTEMPTS or 400 <= broken.status < 500:
                raise
    raise AssertionError


async def chat(request: Request) -> Response:
    try:
        return JSONResponse({"answer": await whole(request.headers["x-request-id"], prompt_of(await request.json()))})
    except Broken as broken:
        return JSONResponse({"error": "no answer"}, broken.status)


async def chat_stream(request: Request) -> Response:
    told = tokens(request.headers["x-request-id"], prompt_of(await request.json()))
    try:
        first = await anext(told)
    except Broken as broken:
        return JSONResponse({"error": "no answer"}, broken.status)
    return StreamingResponse(events(first, told), media_type="text/event-stream")


async def events(first: str, told: AsyncIterator[str]) -> AsyncIterator[bytes]:
    yield b"event: token\ndata: %s\n\n" % json.dumps({"text": first}).encode()
    try:
        async for text in told:
            yield b"event: token\ndata: %s\n\n" % json.dumps({"text": text}).encode()
    except Broken as broken:
        yield b"event: error\ndata: %s\n\n" % json.dumps({"error": "no answer", "status": broken.status}).encode()
    else:
        yield b"event: done\ndata: {}\n\n"


async def up(_: Request) -> Response:
    return Response("up")


routes = [Route("/chat", chat, methods=["POST"]), Route("/chat/stream", chat_stream, methods=["POST"]), Route("/up", up)]
if __name__ == "__main__":
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
