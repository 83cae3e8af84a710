"""A provider that speaks Ollama's NDJSON over TCP and breaks as the question asks, and the app behind uvicorn before it."""

import asyncio
import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from reference_app.app import create_app
from reference_app.settings import Settings

WAIT_S = 5
ODD = {"halfline": b'{"model": "m", "mess', "junk": b"{not json\n", "list": b"[]\n", "shape": b'{"message": 7}\n'}
RST = struct.pack("ii", 1, 0)


@dataclass
class Seen:
    """One request the provider got."""

    request_id: str
    attempt: str
    at: float
    body: dict[str, Any]
    sent: int = 0
    ended: str = "running"
    ended_at: float = 0.0


@dataclass
class Provider:
    """Answers a question made of settings: "n=8 cut=3 how=rst times=1", faults strike the first `times` calls of a request id.

    n words · every seconds between them · first seconds before the first · status, ra Retry-After ·
    cut before word k, or tail after done, how: rst, fin, clean (no done), drip (no content), stall, error (in band), or ODD ·
    continues 0 (starts again), refuses 1 (400 to an unfinished answer), varies 1 (other words each time).
    """

    seen: list[Seen] = field(default_factory=list)
    calls_of: Counter[str] = field(default_factory=Counter)
    url: str = ""

    def of(self, request_id: str) -> list[Seen]:
        return [one for one in self.seen if one.request_id == request_id]

    @staticmethod
    def words(count: int, flavour: str = "w") -> str:
        """The whole answer to "n=count"."""
        return " ".join(f"{flavour}{number}" for number in range(count))


class Connection(asyncio.Protocol):
    def __init__(self, provider: Provider) -> None:
        self.provider, self.buffer = provider, b""
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.out: Any = transport

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
        if path == "/api/version":
            return self.whole(200, {"version": "0.99"})
        asked = json.loads(body)
        seen = Seen(headers.get("x-request-id", ""), headers.get("x-attempt", ""), time.monotonic(), asked)
        self.provider.seen.append(seen)
        self.provider.calls_of[seen.request_id] += 1
        try:
            await self.answer(seen, asked["messages"])
        except asyncio.CancelledError:
            seen.ended = "left"
        finally:
            seen.ended_at = time.monotonic()

    async def answer(self, seen: Seen, messages: list[dict[str, Any]]) -> None:
        question = next(m["content"] for m in reversed(messages) if m["role"] == "user")
        told = dict(pair.split("=", 1) for pair in question.split() if "=" in pair)
        call = self.provider.calls_of[seen.request_id]
        faulty = call <= int(told.get("times", 1_000_000))
        prefix = messages[-1]["content"] if messages[-1]["role"] == "assistant" else ""
        if faulty and "status" in told:
            extra = f"retry-after: {told['ra']}\r\n" if "ra" in told else ""
            self.whole(int(told["status"]), {"error": f"injected {told['status']}"}, extra, seen)
        elif prefix and told.get("refuses"):
            self.whole(400, {"error": "cannot continue"}, seen=seen)
        elif faulty and told.get("how") == "drop":
            self.sever(seen, "fin")
        else:
            flavour = f"c{call}-" if told.get("varies") else "w"
            pieces = [f"{' ' if number else ''}{flavour}{number}" for number in range(int(told.get("n", 8)))]
            before = len(prefix.split())
            await self.stream(seen, pieces[0 if told.get("continues") == "0" else before :], told, faulty, before)

    async def stream(self, seen: Seen, pieces: list[str], told: dict[str, str], faulty: bool, before: int) -> None:
        if faulty and "first" in told:
            await asyncio.sleep(float(told["first"]))
        self.out.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n")
        for number, piece in enumerate(pieces):
            if faulty and told.get("cut") == str(number) and await self.broken(seen, told["how"], piece):
                return
            self.line({"message": {"role": "assistant", "content": piece}, "done": False})
            seen.sent += 1
            await asyncio.sleep(float(told.get("every", 0)))
        if faulty and told.get("cut") == str(len(pieces)) and await self.broken(seen, told["how"], "late"):
            return
        usage = {"prompt_eval_count": 12 + before, "eval_count": len(pieces)}
        self.line({"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop", **usage})
        if told.get("tail"):
            await self.broken(seen, told["tail"], "")
        self.out.write(b"0\r\n\r\n")
        seen.ended = "done"

    async def broken(self, seen: Seen, how: str, piece: str) -> bool:
        await asyncio.sleep(0.02)  # What was written must arrive before a reset throws it away.
        seen.ended = how
        if how == "stall":
            await asyncio.sleep(3600)
        while how == "drip":
            self.chunk(b" ")
            await asyncio.sleep(0.05)
        if how == "error":
            self.line({"error": "injected in band"})
        if how in ODD:
            self.chunk(ODD[how])
        if how in ("rst", "fin"):
            self.sever(seen, how)
        else:
            self.out.write(b"0\r\n\r\n")
        return True

    def sever(self, seen: Seen, how: str) -> None:
        seen.ended = how
        if how == "rst":
            self.out.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
            self.out.abort()
        self.out.close()

    def line(self, content: dict[str, Any]) -> None:
        self.chunk(json.dumps({"model": "m", "created_at": "2026-01-01T00:00:00Z", **content}).encode() + b"\n")

    def chunk(self, data: bytes) -> None:
        self.out.write(b"%x\r\n%s\r\n" % (len(data), data))

    def whole(self, status: int, content: dict[str, Any], extra: str = "", seen: Seen | None = None) -> None:
        if seen:
            seen.ended = "refused"
        body = json.dumps(content).encode()
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n{extra}\r\n"
        self.out.write(head.encode() + body)


def url_of(listener: Any) -> str:
    return "http://{}:{}".format(*listener.getsockname()[:2])


def serve_provider() -> tuple[Provider, Callable[[], None]]:
    """The provider on a free port, in a thread with its own loop; and what ends it."""
    provider, loop = Provider(), asyncio.new_event_loop()
    listening = loop.create_server(lambda: Connection(provider), "127.0.0.1", 0, backlog=512)
    provider.url = url_of(loop.run_until_complete(listening).sockets[0])
    (thread := threading.Thread(target=loop.run_forever, daemon=True)).start()

    def stop() -> None:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(WAIT_S)

    return provider, stop


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    provider, stop = serve_provider()
    yield provider
    stop()


def until(true: Callable[[], Any], within_s: float = WAIT_S) -> Any:
    """What `true` returns as soon as it is true; a failure if that never happens."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.005)
    raise AssertionError(f"still false after {within_s} s")


@dataclass
class Told:
    """What a user got: the status, and the events of a stream or the JSON of an answer."""

    request_id: str
    status: int
    headers: httpx.Headers
    events: list[tuple[str, dict[str, Any]]]
    json: dict[str, Any]

    @property
    def text(self) -> str:
        """What a user reads at the end: after a reset, the answer begins again."""
        text = str(self.json.get("answer", ""))
        for name, data in self.events:
            text = text + data["text"] if name == "token" else "" if name == "reset" else text
        return text

    @property
    def end(self) -> dict[str, Any]:
        """The JSON answer, or the data of the last event."""
        return self.events[-1][1] if self.events else self.json

    @property
    def ended(self) -> str:
        return self.events[-1][0] if self.events else "json"


@dataclass
class App:
    """The app behind uvicorn, over TCP."""

    url: str
    log: Path
    ids: Iterator[str]

    def ask(self, question: str, route: str = "/chat/stream", request_id: str = "", **params: Any) -> Told:
        request_id = request_id or next(self.ids)
        headers = {"x-request-id": request_id}
        response = httpx.post(self.url + route, json={"question": question, **params}, headers=headers, timeout=20)
        is_stream = response.headers.get("content-type", "").startswith("text/event-stream")
        events = [_parsed(event) for event in response.text.split("\n\n") if event] if is_stream else []
        return Told(request_id, response.status_code, response.headers, events, {} if is_stream else response.json())

    def rows(self, event: str, request_id: str) -> list[dict[str, Any]]:
        lines = map(json.loads, self.log.read_bytes().splitlines())
        return [row for row in lines if row["event"] == event and row.get("request_id") == request_id]

    def request_row(self, request_id: str) -> dict[str, Any]:
        """The one row about a request, once it is written."""
        (row,) = until(lambda: self.rows("request", request_id))
        return row


def _parsed(event: str) -> tuple[str, dict[str, Any]]:
    name, data = event.split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def serve_app(settings: Settings, ids: Iterator[str]) -> tuple[App, Callable[[], None]]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    server = uvicorn.Server(uvicorn.Config(create_app(settings), loop="asyncio", http="httptools", log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    until(lambda: server.started)

    def stop() -> None:
        server.should_exit = True
        thread.join(WAIT_S)

    return App(url_of(listener), Path(settings.log_path), ids), stop


@pytest.fixture(scope="session")
def app_with(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., App]]:
    """app_with("retry", retry_attempts=2): the app with these features and settings; the same one for the same arguments."""
    apps: dict[str, tuple[App, Callable[[], None]]] = {}
    folder, ids = tmp_path_factory.mktemp("apps"), (f"t-{number:06}" for number in count(1))

    def run(features: str = "all", **settings: Any) -> App:
        key = f"{features} {sorted(settings.items())}"
        if key not in apps:
            log_path = str(folder / f"app-{len(apps)}.jsonl")
            made = Settings(**{"provider_url": provider.url, "features": features, "log_path": log_path, **settings})
            apps[key] = serve_app(made, ids)
        return apps[key][0]

    yield run
    for _, stop in apps.values():
        stop()
