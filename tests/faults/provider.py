"""A provider inside the test's own process, whose answers are the same to the byte every time, in each wire format."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

WORDS = ["Zwölf", "Boxkämpfer", "jagen", "Viktor", "quer", "über", "den", "großen", "Sylter", "Deich."]
TOOL = '{"city": "Zürich", "unit": "celsius"}'
USAGE = {"prompt_tokens": 5, "completion_tokens": 10, "total_tokens": 15}


@dataclass
class Answer:
    """The head of a response as it goes over the wire, and its body piece by piece."""

    content_type: bytes
    pieces: list[bytes]
    status: bytes = b"200 OK"
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    gap_s: float = 0.004

    @property
    def head(self) -> bytes:
        if self.content_type == b"application/json":
            framing = (b"content-length", b"%d" % len(b"".join(self.pieces)))
        else:
            framing = (b"transfer-encoding", b"chunked")
        headers = [(b"content-type", self.content_type), framing, *self.headers]
        return b"HTTP/1.1 %s\r\n%s\r\n" % (self.status, b"".join(b"%s: %s\r\n" % header for header in headers))


def answer(path: str, body: bytes) -> Answer:
    """What a model says to this request: a text, or the call of a tool if it is given any; streamed unless told otherwise."""
    asked = json.loads(body)
    said = (_ollama if path.startswith("/api/") else _openai)(bool(asked.get("tools")), asked.get("stream", True))
    if not asked.get("stream", True):
        return Answer(b"application/json", [json.dumps(said[0]).encode()])
    if path.startswith("/api/"):
        return Answer(b"application/x-ndjson", [json.dumps(one).encode() + b"\n" for one in said])
    frames = [b"data: " + json.dumps(one).encode() + b"\n\n" for one in said]
    return Answer(b"text/event-stream; charset=utf-8", [*frames, b"data: [DONE]\n\n"])


def _ollama(tools: bool, stream: bool) -> list[dict[str, Any]]:
    call = {"function": {"name": "weather", "arguments": json.loads(TOOL)}}
    words = [f"{word} " for word in WORDS] if stream else [" ".join(WORDS)]
    messages = [{"content": "", "tool_calls": [call]}] if tools else [{"content": word} for word in words]
    fixed = {"model": "m", "created_at": "2025-01-01T00:00:00.000000Z"}
    said = [{**fixed, "message": {"role": "assistant", **message}, "done": False} for message in messages]
    end = {"done": True, "done_reason": "stop", "total_duration": 5_000_000, "prompt_eval_count": 5, "eval_count": 10}
    if not stream:
        return [{**said[0], **end}]
    return [*said, {**fixed, "message": {"role": "assistant", "content": ""}, **end}]


def _openai(tools: bool, stream: bool) -> list[dict[str, Any]]:
    fixed = {"id": "chatcmpl-1", "created": 1_735_689_600, "model": "m"}
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "" if stream else TOOL}}
    finish = "tool_calls" if tools else "stop"
    if not stream:
        message = {"content": None, "tool_calls": [call]} if tools else {"content": " ".join(WORDS)}
        choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
        return [{**fixed, "object": "chat.completion", "choices": [choice], "usage": USAGE}]
    parts = [TOOL[n : n + 9] for n in range(0, len(TOOL), 9)]
    arguments = [{"tool_calls": [{"index": 0, "function": {"arguments": part}}]} for part in parts]
    first: dict[str, Any] = {"role": "assistant", "content": None if tools else ""}
    first |= {"tool_calls": [{"index": 0, **call}]} if tools else {}
    deltas = [first, *(arguments if tools else [{"content": f"{word} "} for word in WORDS])]
    told = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    chunk = {**fixed, "object": "chat.completion.chunk"}
    said = [{**chunk, "choices": [one]} for one in [*told, {"index": 0, "delta": {}, "finish_reason": finish}]]
    return [*said, {**chunk, "choices": [], "usage": USAGE}]


@dataclass
class Provider:
    """async with Provider() as provider: it answers at `provider.url`, and keeps what it was asked, byte by byte."""

    respond: Callable[[str, bytes], Answer] = answer
    asked: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Head and body of every request."""
    url: str = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**20)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
                body = await reader.readexactly(int(fields.get(b"content-length", 0)))
                self.asked.append((head, body))
                await self._answer(self.respond(head.split(b" ")[1].decode("latin-1"), body), writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, said: Answer, writer: asyncio.StreamWriter) -> None:
        writer.write(said.head)
        chunked = b"chunked" in said.head
        for piece in said.pieces:
            await asyncio.sleep(said.gap_s)
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            await writer.drain()
        if chunked:
            writer.write(b"0\r\n\r\n")
