"""Asks for short answers as fast as they come, over raw connections: a client's own work would be most of what is measured."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

WHOLE_STREAM = b"\r\n0\r\n\r\n"


@dataclass(frozen=True)
class Knocks:
    """Bodies to post to a URL in turn, over so many connections that are kept; each answer must contain `wanted`."""

    url: str
    bodies: Sequence[dict[str, object]]
    wanted: bytes
    count: int = 1500
    at_once: int = 8

    async def ask(self, first: int) -> None:
        where = urlsplit(self.url)
        requests = [_request(where.path, where.netloc, body) for body in self.bodies]
        numbers, loop = iter(range(first, first + self.count)), asyncio.get_running_loop()
        made = [
            await loop.create_connection(
                lambda: _Connection(requests, numbers, self.wanted), where.hostname or "127.0.0.1", where.port or 80
            )
            for _ in range(self.at_once)
        ]
        await asyncio.gather(*(connection.ended for _, connection in made))


class _Connection(asyncio.Protocol):
    """One request after the other, until there are none left."""

    def __init__(self, requests: Sequence[bytes], numbers: Iterator[int], wanted: bytes) -> None:
        self.requests, self.numbers, self.wanted = requests, numbers, wanted
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._told = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._told += data
        if not _is_whole(self._told):
            return
        if not self._told.startswith(b"HTTP/1.1 200") or self.wanted not in self._told:
            self._fail(f"an answer without {self.wanted!r}: {self._told[:500]!r}")
            return
        self._told = b""
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(f"the connection was lost: {error}")

    def _next(self) -> None:
        number = next(self.numbers, None)
        if number is not None:
            self._transport.write(self.requests[number % len(self.requests)])
        else:
            self.ended.set_result(None)
            self._transport.close()

    def _fail(self, why: str) -> None:
        if not self.ended.done():
            self.ended.set_exception(SystemExit(why))
            self._transport.close()


def _request(path: str, host: str, body: dict[str, object]) -> bytes:
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    return head.encode() + content


def _is_whole(told: bytes) -> bool:
    """Of a length that was told, or in chunks up to the last."""
    head, found, body = told.partition(b"\r\n\r\n")
    if not found or b"\r\ntransfer-encoding: chunked" in head.lower():
        return bool(found) and told.endswith(WHOLE_STREAM)
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    return len(body) >= int(length)
