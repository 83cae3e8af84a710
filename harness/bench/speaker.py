"""An app that only speaks, `python -m harness.bench.speaker STAMPS`: what the load generator's own cost and error show against.

A stream is 100 tokens, the first after 50 ms, then 10 ms apart; when each first token was handed to the socket is stamped.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from harness.bench.serve import serve
from records.jsonl import RowFile

TOKENS, FIRST_S, GAP_S = 100, 0.05, 0.01


def create_app(stamps: RowFile) -> Starlette:
    async def chat(request: Request) -> StreamingResponse:
        return StreamingResponse(_said(request.headers["x-request-id"], stamps), media_type="text/event-stream")

    return Starlette(routes=[Route("/chat/stream", chat, methods=["POST"])])


async def _said(request_id: str, stamps: RowFile) -> AsyncIterator[bytes]:
    clock = asyncio.get_running_loop().time
    due_s = clock() + FIRST_S
    for number in range(TOKENS):
        await asyncio.sleep(max(0.0, due_s + number * GAP_S - clock()))
        if not number:
            stamps.write({"request_id": request_id, "first_token_s": clock()})
        yield b'event: token\ndata: {"text": " word"}\n\n'
    yield b'event: done\ndata: {"served_by": "model"}\n\n'


if __name__ == "__main__":
    serve(create_app(RowFile(sys.argv[1])))
