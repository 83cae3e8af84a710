"""mitmproxy as a provider whose process died: what is connected breaks, what connects is refused, and then it is back."""

import asyncio
import gc
import socket
from math import isfinite

from mitmproxy import ctx

from faults.carrier import addon_named

TURNS = 1000
"""Of the loop, until the listener must be closed; it takes three."""
SETTLE = 10
"""Turns of the loop in which what was accepted last is forgotten."""


class Refusal:
    """Closes the listener for a while; what listens again has the same port."""

    def __init__(self) -> None:
        self.on = False
        self._until_s = 0.0
        self._end: asyncio.TimerHandle | None = None
        self._held: list[socket.socket] = []

    async def begin(self, seconds: float) -> None:
        """Refuse for `seconds` from now; one that goes on already may get longer by it, never shorter."""
        loop = asyncio.get_running_loop()
        if not self.on:
            self.on = True
            await self._close()
            if not self.on:  # given up while it closed
                self._let_go()
                return
        if loop.time() + seconds > self._until_s:
            self.forget()
            self._until_s = loop.time() + seconds
            if isfinite(seconds):
                self._end = loop.call_later(seconds, self.end)

    async def _close(self) -> None:
        servers = list(addon_named("proxyserver").servers)
        addresses = [address[:2] for server in servers for address in server.listen_addrs]
        # Port 0 would be another one the next time.
        modes = [_at_its_port(server) for server in servers]
        ctx.options.update(server=False, mode=modes)  # type: ignore[no-untyped-call]
        self._held = [holder for address in addresses if (holder := await _hold(*address))]
        for _ in range(SETTLE):
            await asyncio.sleep(0)
        # What asyncio accepts in the moment its listener closes, it forgets and leaves open: who connected would wait for ever.
        # This takes a tenth of a second, but there is nobody left to be delayed.
        gc.collect()

    def end(self) -> None:
        """Listen again."""
        self.on, self._until_s, self._end = False, 0.0, None
        self._let_go()
        ctx.options.update(server=True)  # type: ignore[no-untyped-call]

    def give_up(self) -> None:
        """Listen again before its time, if it goes on."""
        self.forget()
        if self.on:
            self.end()

    def forget(self) -> None:
        """Not at the time it was to."""
        if self._end:
            self._end.cancel()

    def _let_go(self) -> None:
        while self._held:
            self._held.pop().close()


def _at_its_port(server: object) -> str:
    mode, (host, port, *_) = server.mode, server.listen_addrs[0]  # type: ignore[attr-defined]
    listen_at = f"{host}:{port}" if mode.custom_listen_host else port
    return f"{mode.type_name}:{mode.data}@{listen_at}"


async def _hold(host: str, port: int) -> socket.socket | None:
    """Occupies the port without listening: any connection that leaves this machine might take it otherwise."""
    holder = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if ":" in host:
        holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    for _ in range(TURNS):
        try:
            holder.bind((host, port))
        except OSError:
            await asyncio.sleep(0)  # the listener is closed by a task of its own
        else:
            return holder
    holder.close()
    return None
