"""The least LangChain app: one ChatOllama behind FastAPI and SSE. What the reference app's cost is compared to."""

import os
from collections.abc import AsyncIterator
from typing import Any

import httpx_aiohttp
import orjson
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from langchain_ollama import ChatOllama

from harness.bench.serve import serve


def create_app() -> FastAPI:
    app = FastAPI()
    # The reference app speaks HTTP by aiohttp; this arm shows how much of the difference is that.
    client = {"transport": httpx_aiohttp.AiohttpTransport()} if os.environ["BARE_HTTP"] == "aiohttp" else {}
    model = ChatOllama(
        model=os.environ["APP_MODEL"], base_url=os.environ["APP_PROVIDER_URL"], temperature=0.7, async_client_kwargs=client
    )

    @app.get("/health/ready")
    async def ready() -> dict[str, bool]:
        return {"ready": True}

    @app.post("/chat/stream")
    async def chat(asked: dict[str, Any]) -> StreamingResponse:
        async def said() -> AsyncIterator[bytes]:
            async for chunk in model.astream(asked["question"]):
                yield b"event: token\ndata: " + orjson.dumps({"text": chunk.text}) + b"\n\n"
            yield b"event: done\ndata: {}\n\n"

        return StreamingResponse(said(), media_type="text/event-stream")

    return app


if __name__ == "__main__":
    serve(create_app())
