"""Serves the app, and leaves in good order: no request that was taken is lost, no stream is cut that could be finished."""

import asyncio
import gc
import os
import socket
from functools import partial
from math import ceil
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

from reference_app.settings import Settings

SETTLE_S = 0.2
"""Who has just connected is still to send a request; a connection without one would be closed."""


class Server(uvicorn.Server):
    """At SIGTERM: /health/ready says no, requests are still taken for `drain_s`; then none, and streams have `shutdown_s`."""

    def __init__(self, app: FastAPI, settings: Settings, told: int | None = None) -> None:
        config = uvicorn.Config(
            app,
            loop="asyncio",
            http="httptools",
            ws="none",
            access_log=False,
            log_level="error",
            timeout_graceful_shutdown=ceil(settings.shutdown_s),
        )
        super().__init__(config)
        self.app, self.drain_s, self.told = app, settings.drain_s, told
        """`told`: where a worker says that it answers; None where this process is the only one."""
        self._asked = False
        self._leave_at: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # The half million objects that imports left are never garbage: looking through them again and again costs streams.
        gc.collect()
        gc.freeze()
        if not self.started or not sockets:
            return
        if self.told is None:
            print("listening on http://{}:{}".format(*sockets[0].getsockname()[:2]), flush=True)
            return
        os.write(self.told, b"1")
        os.close(self.told)
        # Standard input ends with the process that started this one, however that ended.
        asyncio.get_running_loop().add_reader(0, self._orphaned)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._asked:
            super().handle_exit(sig, frame)
        else:
            self._captured_signals.append(sig)
            self._asked = self.app.state.draining = True

    async def on_tick(self, counter: int) -> bool:
        now = asyncio.get_running_loop().time()
        if self._asked and self._leave_at is None:
            self._leave_at = now + self.drain_s
        self.should_exit = self.should_exit or (self._leave_at is not None and now >= self._leave_at)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.app.state.draining = True
        for listener in sockets or [] if self.told is None else []:
            await self._take_all(listener)
        for server in self.servers:
            server.close()
        await asyncio.sleep(SETTLE_S)
        await super().shutdown(sockets)

    async def _take_all(self, listener: socket.socket) -> None:
        """Who has connected already would be thrown out with the listener. Workers leave them to one another."""
        loop, config = asyncio.get_running_loop(), self.config
        make: Any = config.http_protocol_class
        protocol = partial(make, config=config, server_state=self.server_state, app_state=self.lifespan.state)
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setblocking(False)
            await loop.connect_accepted_socket(protocol, connection)

    def _orphaned(self) -> None:
        if not os.read(0, 1):
            asyncio.get_running_loop().remove_reader(0)
            self._asked = self.app.state.draining = True


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections. OSError where it cannot."""
    # With the protocol named: asyncio leaves Nagle's algorithm on otherwise, and first tokens come 40 ms late.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener
