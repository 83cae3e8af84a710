"""Serves an ASGI app of the bench on a free port, told as the other processes tell theirs."""

import socket
from typing import Any

import uvicorn


def serve(app: Any) -> None:
    """Until SIGTERM."""
    # With the protocol named: asyncio leaves Nagle's algorithm on otherwise.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(2048)
    print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, http="httptools", ws="none", access_log=False, log_level="error")).run([listener])
