"""A provider that speaks Ollama's and OpenAI's APIs over TCP and breaks as the question asks."""

import asyncio
import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.reference_app.wires import WIRES, Wire

WAIT_S = 5
RST = struct.pack("ii", 1, 0)


@dataclass
class Seen:
    """One request the provider got."""

    request_id: str
    attempt: str
    at: float
    body: dict[str, Any]
    headers: dict[str, str]
    sent: int = 0
    """Words."""
    asked: int = 12
    """Tokens of the prompt, as it counts them."""
    why: str = "stop"
    """Its answer ended."""
    ended: str = "running"
    ended_at: float = 0.0

    @property
    def sampling(self) -> dict[str, Any]:
        """The parameters of the answer, by the names that the app's own users give them."""
        named = {"num_predict": "max_tokens", "max_completion_tokens": "max_tokens"}
        told = self.body.get("options", self.body)
        known = {named.get(name, name): value for name, value in told.items() if value is not None}
        return {name: known[name] for name in ("temperature", "top_p", "max_tokens", "seed") if name in known}

    def limited(self, pieces: list[str]) -> list[str]:
        """No more than it may say."""
        most = self.sampling.get("max_tokens", len(pieces))
        self.why = "length" if most < len(pieces) else "stop"
        return pieces[:most]


@dataclass
class Provider:
    """Answers a question made of settings: "n=8 cut=3 how=rst times=1", faults strike the first `times` calls of a request id.

    n words · every seconds between them · first seconds before the first · status, ra Retry-After, code of the error ·
    cut before word k, or tail after done, how: rst, fin, clean (no done), drip (no content), ping, stall, error (in band), or
    ODD · down a model that answers 503 · whole seconds before an answer in one piece ·
    then status of later calls · continues 0 (starts again), refuses 1 (400 to an unfinished answer), varies 1 (other words
    each time) · usage 0 (untold) · counts 1 (a token a word of the prompt, otherwise 12). It keeps to max_tokens.
    """

    api: str = "ollama"
    seen: list[Seen] = field(default_factory=list)
    calls_of: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    out: bool = False
    """Every model answers 503."""
    url: str = ""
    """As a client of its API is given it."""

    @property
    def settings(self) -> dict[str, str]:
        """What an app is told of it."""
        return {"provider": self.api, "provider_url": self.url}

    def of(self, request_id: str) -> list[Seen]:
        return [one for one in self.seen if one.request_id == request_id]

    @staticmethod
    def words(count: int, flavour: str = "w") -> str:
        """The whole answer to "n=count"."""
        return " ".join(f"{flavour}{number}" for number in range(count))


class Connection(asyncio.Protocol):
    wire: Wire

    def __init__(self, provider: Provider) -> None:
        self.provider, self.buffer = provider, b""
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.out: Any = transport
        self.provider.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        if self.task and not self.task.done():
            self.task.cancel()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        length = int(headers.get("content-length", 0))
        if found and len(body) >= length:
            self.buffer = body[length:]
            self.task = asyncio.ensure_future(self.serve(lines[0].split(" ")[1], headers, body[:length]))

    async def serve(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.wire = WIRES[self.provider.api]
        if path == self.wire.probe:
            return self.whole(401 if headers.get("authorization") == "Bearer wrong" else 200, {})
        if path != self.wire.route:
            return self.whole(404, self.wire.error(f"no such route: {path}", ""))
        asked = json.loads(body)
        seen = Seen(headers.get("x-request-id", ""), headers.get("x-attempt", ""), time.monotonic(), asked, headers)
        self.provider.seen.append(seen)
        self.provider.calls_of[seen.request_id] += 1
        try:
            await self.answer(seen, asked.get("messages") or [{"role": "user", "content": asked["prompt"]}])
        except asyncio.CancelledError:
            seen.ended = "left"
        finally:
            seen.ended_at = seen.ended_at or time.monotonic()

    async def answer(self, seen: Seen, messages: list[dict[str, Any]]) -> None:
        question = next(m["content"] for m in reversed(messages) if m["role"] == "user")
        told = dict(pair.split("=", 1) for pair in question.split() if "=" in pair)
        call = self.provider.calls_of[seen.request_id]
        faulty = call <= int(told.get("times", 1_000_000))
        prefix = messages[-1]["content"] if messages[-1]["role"] == "assistant" else ""
        if faulty and "status" in told:
            extra = f"retry-after: {told['ra']}\r\n" if "ra" in told else ""
            error = self.wire.error(f"injected {told['status']}", told.get("code", ""))
            self.whole(int(told["status"]), error, extra, seen)
        elif self.provider.out or seen.body.get("model") == told.get("down"):
            self.whole(503, self.wire.error("injected outage", ""), seen=seen)
        elif call > 1 and "then" in told:
            self.whole(int(told["then"]), self.wire.error("injected later", told.get("code", "")), seen=seen)
        elif prefix and told.get("refuses"):
            self.whole(400, self.wire.error("cannot continue", ""), seen=seen)
        elif faulty and told.get("how") == "drop":
            self.sever(seen, "fin")
        else:
            flavour = f"c{call}-" if told.get("varies") else "w"
            pieces = [f"{' ' if number else ''}{flavour}{number}" for number in range(int(told.get("n", 8)))]
            before = len(prefix.split())
            seen.asked = sum(len(m["content"].split()) for m in messages) - before if "counts" in told else 12
            continues = told.get("continues") != "0" and self.wire.continues(seen.body)
            if seen.body.get("stream", self.wire.streams):
                await self.stream(seen, seen.limited(pieces[before if continues else 0 :]), told, faulty, before)
            else:
                pieces = seen.limited(pieces)
                await asyncio.sleep(float(told.get("whole", 0)))
                self.whole(200, self.wire.whole("".join(pieces), seen.asked, len(pieces), seen.why), seen=seen, ended="done")

    async def stream(self, seen: Seen, pieces: list[str], told: dict[str, str], faulty: bool, before: int) -> None:
        if faulty and "first" in told:
            await asyncio.sleep(float(told["first"]))
        self.begin()
        for number, piece in enumerate(pieces):
            if faulty and told.get("cut") == str(number):
                await self.broken(seen, told)
                return
            self.chunk(self.wire.word(piece))
            seen.sent += 1
            await asyncio.sleep(float(told.get("every", 0)))
        if faulty and told.get("cut") == str(len(pieces)):
            await self.broken(seen, told)
            return
        self.chunk(self.wire.finish if told.get("usage") == "0" else self.wire.end(seen.asked + before, len(pieces), seen.why))
        if told.get("tail"):
            await self.broken(seen, {**told, "how": told["tail"]})
        self.out.write(b"0\r\n\r\n")
        seen.ended = "done"

    async def broken(self, seen: Seen, told: dict[str, str]) -> None:
        await asyncio.sleep(0.02)  # What was written must arrive before a reset throws it away.
        seen.ended = how = told["how"]
        if how == "stall":
            await asyncio.sleep(3600)
        while how in ("drip", "ping"):
            for data in (b" ",) if how == "drip" else self.wire.pings:
                self.chunk(data)
            await asyncio.sleep(0.05)
        if how == "error":
            self.chunk(self.wire.in_band("injected in band", told.get("code", "")))
        if how in self.wire.ODD:
            self.chunk(self.wire.ODD[how])
        if how in ("rst", "fin"):
            self.sever(seen, how)
        else:
            self.out.write(b"0\r\n\r\n")

    def sever(self, seen: Seen, how: str) -> None:
        seen.ended = how
        if how == "rst":
            self.out.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
            self.out.abort()
        self.out.close()

    def begin(self) -> None:
        head = f"HTTP/1.1 200 OK\r\ncontent-type: {self.wire.media_type}\r\ntransfer-encoding: chunked\r\n\r\n"
        self.out.write(head.encode())
        if self.wire.begin:
            self.chunk(self.wire.begin)

    def chunk(self, data: bytes) -> None:
        self.out.write(b"%x\r\n%s\r\n" % (len(data), data))

    def whole(
        self, status: int, content: dict[str, Any], extra: str = "", seen: Seen | None = None, ended: str = "refused"
    ) -> None:
        if seen:
            # Before the app can know: it may wait from the first byte on, while this thread still waits for its turn.
            seen.ended, seen.ended_at = ended, time.monotonic()
        body = json.dumps(content).encode()
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n{extra}\r\n"
        self.out.write(head.encode() + body)


def url_of(listener: Any) -> str:
    return "http://{}:{}".format(*listener.getsockname()[:2])


def serve_provider(api: str, kind: type[Connection] = Connection) -> tuple[Provider, Callable[[], None]]:
    """The provider on a free port, in a thread with its own loop; and what ends it."""
    provider, loop = Provider(api), asyncio.new_event_loop()
    listening = loop.create_server(lambda: kind(provider), "127.0.0.1", 0, backlog=512)
    provider.url = url_of(loop.run_until_complete(listening).sockets[0]) + WIRES[api].root
    (thread := threading.Thread(target=loop.run_forever, daemon=True)).start()

    def stop() -> None:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(WAIT_S)

    return provider, stop
