"""A model provider for the tests, as a process: paced streams, stamps, and what became of each call.

POST /api/… streams NDJSON, POST /v1/… SSE; headers say how: x-n messages, x-gap-s between them, x-first-s before the first,
x-shape: stream | json | together (all messages in one write) | break (cut off after them), or, as a real provider says them,
said | said-call | said-json. GET /seen tells what was met.
"""

import asyncio
import hashlib
import json
import time

from tests.faults.wires import SAID

SEEN: dict[str, dict[str, object]] = {}


def message(path: str, n: int) -> bytes:
    text = json.dumps({"n": n, "at_s": time.monotonic(), "text": "wörd " * (n % 3)}).encode()
    return b"data: " + text + b"\n\n" if path.startswith("/v1/") else text + b"\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def read_request(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
    return method, path, headers, await reader.readexactly(int(headers.get("content-length", 0)))


def with_length(body: bytes, content_type: str = "application/json") -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def stream(path: str, headers: dict[str, str], writer: asyncio.StreamWriter, seen: dict[str, object]) -> None:
    count, gap_s, shape = int(headers.get("x-n", 10)), float(headers.get("x-gap-s", 0)), headers.get("x-shape", "stream")
    await asyncio.sleep(float(headers.get("x-first-s", 0)))
    if shape == "json":
        writer.write(with_length(b"".join(message(path, n) for n in range(count))))
        return
    if shape == "said-json":
        writer.write(with_length(b"".join(SAID[shape][path])))
        return
    sort = "text/event-stream" if path.startswith("/v1/") else "application/x-ndjson"
    writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: {sort}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
    if shape == "together":
        writer.write(b"".join(chunk(message(path, n)) for n in range(count)))
    digest = hashlib.sha256()
    numbered = (message(path, n) for n in range(count if shape != "together" else 0))
    for text in SAID.get(shape, {}).get(path, numbered):
        digest.update(text)
        writer.write(chunk(text))
        await asyncio.sleep(gap_s)
    seen["sha256"] = digest.hexdigest()
    if shape == "break":
        raise ConnectionAbortedError
    writer.write(chunk(b""))


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            method, path, headers, body = await read_request(reader)
            if method == "GET":
                writer.write(with_length(json.dumps(SEEN).encode()))
                continue
            seen: dict[str, object] = {"headers": headers, "body": body.decode(), "left": False, "began_s": time.monotonic()}
            SEEN[headers.get("x-request-id", "?")] = seen
            answer = asyncio.ensure_future(stream(path, headers, writer, seen))
            answer.add_done_callback(lambda _, seen=seen: seen.update(ended_s=time.monotonic()))
            gone = asyncio.ensure_future(reader.read(1))  # nobody sends ahead: this returns when the proxy hangs up
            await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
            if gone.done() and not gone.cancelled():
                seen["left"] = True
                answer.cancel()
                return
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
            await answer
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
