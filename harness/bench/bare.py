"""The least LangChain app: one ChatOllama behind FastAPI and SSE. What the reference app's cost is compared to."""

import os
import socket
from collections.abc import AsyncIterator
from typing import Any

import orjson
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from langchain_ollama import ChatOllama


def create_app() -> FastAPI:
    app = FastAPI()
    model = ChatOllama(model=os.environ["APP_MODEL"], base_url=os.environ["APP_PROVIDER_URL"], temperature=0.7)

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


def main() -> None:
    """`python -m harness.bench.bare`: on a free port, told as the other processes tell theirs."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(2048)
    print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(create_app(), http="httptools", ws="none", access_log=False, log_level="error")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
