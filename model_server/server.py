"""The model server's process: its port, its rows, and uvicorn until SIGTERM."""

import asyncio
import gc
import signal
import socket
import sys
from contextlib import suppress
from datetime import UTC, datetime

import orjson
import uvicorn
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from model_server.app import app
from model_server.generation import Engine
from model_server.models import Models
from model_server.physics import Physics
from records.bad_input import BadInput
from records.jsonl import RowFile
from records.prompts import Prompts, read_prompts

HOST = "127.0.0.1"


class _Server(uvicorn.Server):
    """Says where it listens once it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # Collecting what the imports left would stall all streams for some 10 ms, again and again.
        gc.collect()
        gc.freeze()
        assert sockets
        print(f"listening on http://{HOST}:{sockets[0].getsockname()[1]}", flush=True)


def _quiet(inner: ASGIApp) -> ASGIApp:
    """uvicorn would log a traceback for each stream that it cuts when it stops, and for who leaves before having asked."""

    async def quiet(scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(asyncio.CancelledError, ClientDisconnect):
            await inner(scope, receive, send)

    return quiet


def _listen(port: int, problems: list[str]) -> socket.socket:
    # asyncio sets TCP_NODELAY only where the protocol is named; without, a first token waits 40 ms for an ACK of its headers.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(2048)
    except OSError as error:
        problems.append(f"--port: cannot listen on {HOST}:{port} ({error.strerror}). Choose another, or 0 for a free one")
    return listener


def _rows(path: str | None, problems: list[str]) -> RowFile | None:
    try:
        return RowFile(path, orjson.dumps) if path else None
    except OSError as error:
        problems.append(f"--rows: cannot write to {path} ({error.strerror})")
        return None


def _prompts(path: str | None, problems: list[str]) -> Prompts | None:
    try:
        return read_prompts(path) if path else None
    except BadInput as error:
        problems += [f"--prompts: {problem}" for problem in error.problems]
        return None


def serve(physics: Physics, port: int = 0, rows_path: str | None = None, prompts_path: str | None = None) -> None:
    """Answer until SIGTERM (which leaves with exit code 0) or Ctrl-C; BadInput when it cannot start."""
    problems: list[str] = []
    listener, rows, prompts = _listen(port, problems), _rows(rows_path, problems), _prompts(prompts_path, problems)
    if problems:
        raise BadInput(*problems)
    engine = Engine(Models(physics), rows, prompts)
    config = uvicorn.Config(
        _quiet(app(engine, lambda: datetime.now(UTC))),
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        # Longer than any client's pool keeps a connection: closing it first races with the next request on it.
        timeout_keep_alive=600,
        timeout_graceful_shutdown=2,
    )
    # uvicorn raises the signal again once it has shut down; leaving on it is what was asked for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    _Server(config).run([listener])
