"""An app whose answers go wrong by the request's number: a real server, and it says what each request should come to."""

import asyncio
import json
import os
import socket
import struct
import sys
from time import monotonic

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from records.jsonl import RowFile
from records.proof import pieces

WORDS = [f"word{number}" for number in range(int(os.environ.get("WORDS", "6")))]
GAP_S = float(os.environ.get("GAP_S", "0.01"))
TOLD = RowFile(os.environ["TOLD"])
STREAM = {
    "good": "ok",
    "reset_by_peer": "cut",
    "closed_in_chunk": "cut",
    "no_done": "truncated",
    "stall": "timeout",
    "503": "http_error",
    "422": "rejected",
    "429": "http_error",
    "504": "timeout",
    "twice": "duplicated",
    "stranger": "wrong",
    "other_temperature": "wrong",
    "unreadable": "garbled",
    "error_event_504": "timeout",
    "error_event_503": "cut",
    "starts_again": "ok",
    "sorry": "degraded",
    "flagged": "degraded",
    "closed_at_once": "http_error",
    "other_spelling": "ok",
    "crlf": "ok",
    "no_text": "garbled",
    "broken_after_done": "ok",
}
CHAT = {
    "good": "ok",
    "503": "http_error",
    "422": "rejected",
    "stall": "timeout",
    "stranger": "wrong",
    "sorry": "degraded",
    "closed_in_chunk": "cut",
    "unreadable": "garbled",
    "closed_at_once": "http_error",
    "no_text": "garbled",
}
USAGE = {"input_tokens": 9, "output_tokens": len(WORDS) + 9, "wasted_output_tokens": 7, "attempts": 2, "estimated": False}


class Protocol(HttpToolsProtocol):
    """Hands its transport to the app, which has connections to break."""

    def on_message_begin(self):
        super().on_message_begin()
        self.scope["transport"] = self.transport


def event(name, data):
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def reset(transport):
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = b""
    while (message := await receive()).get("more_body"):
        body += message["body"]
    asked = json.loads(body + message["body"])
    request_id = dict(scope["headers"])[b"x-request-id"].decode()
    fates = STREAM if scope["path"] == "/chat/stream" else CHAT
    fate = os.environ.get("FATE") or list(fates)[int(request_id[-6:]) % len(fates)]
    TOLD.write({"request_id": request_id, "fate": fate, "outcome": fates[fate], "connection": scope["client"][1]})
    answer = asyncio.ensure_future(reply(fate, asked, request_id, scope, send))
    # A user who leaves ends the answer, as Starlette does it.
    gone = asyncio.ensure_future(until_gone(receive))
    await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
    answer.cancel()
    gone.cancel()


async def until_gone(receive):
    while (await receive())["type"] != "http.disconnect":
        pass


async def reply(fate, asked, request_id, scope, send):
    if fate == "closed_at_once":
        return scope["transport"].close()
    if fate.isdigit():
        return await whole(send, int(fate), {"error": f"no answer today ({fate})"})
    if scope["path"] == "/chat":
        return await chat(fate, asked, scope, send)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    return await stream(fate, asked, request_id, scope, send)


async def whole(send, status, answer):
    body = json.dumps(answer).encode()
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


def text_of(fate, asked):
    question = "Another question?" if fate == "stranger" else asked["question"]
    temperature = 1.9 if fate == "other_temperature" else asked["temperature"]
    return ["Sorry, we are busy."] if fate == "sorry" else pieces(question, {"temperature": temperature}, WORDS)


async def chat(fate, asked, scope, send):
    if fate == "stall":
        await asyncio.sleep(60)
    told = {"served_by": "model", "degraded": fate == "sorry", "usage": USAGE}
    answer = {"answer": "".join(text_of(fate, asked)), **told}
    if fate == "unreadable":
        return await whole(send, 200, ["not what was agreed"])
    if fate == "no_text":
        return await whole(send, 200, answer | {"answer": None})
    if fate == "closed_in_chunk":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5000")]})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode(), "more_body": True})
        return scope["transport"].close()
    return await whole(send, 200, answer)


async def stream(fate, asked, request_id, scope, send):
    async def say(data):
        if fate == "crlf":
            data = data.replace(b"\n", b"\r\n")
        await send({"type": "http.response.body", "body": data, "more_body": True})

    transport, tokens = scope["transport"], text_of(fate, asked)
    if fate == "starts_again":
        tokens = [*tokens[:3], None, *tokens]
    for number, text in enumerate(tokens):
        await asyncio.sleep(GAP_S if number else 3 * GAP_S)
        if number == 3:
            if fate == "stall":
                await asyncio.sleep(60)
            if fate == "reset_by_peer":
                return reset(transport)
            if fate == "closed_in_chunk":
                transport.write(b"40\r\nevent: token\n")
                return transport.close()
            if fate == "twice":
                await say(event("token", {"text": tokens[2]}))
            if fate == "unreadable":
                await say(b"event: token\ndata: {not json}\n\n")
            if fate == "no_text":
                await say(event("token", {"text": 5}))
            if fate.startswith("error_event"):
                await say(event("error", {"error": "the provider is gone", "status": int(fate[-3:])}))
                return await send({"type": "http.response.body", "body": b""})
        said_s = monotonic()
        if fate == "other_spelling":
            await say(b": a comment\n\n" + event("token", {"text": text}).replace(b": {", b":{").replace(b"event: ", b"event:"))
        else:
            await say(event("reset", {}) if text is None else event("token", {"text": text}))
        if number == 0:
            TOLD.write({"request_id": request_id, "first_token_s": said_s})
    if fate != "no_done":
        degraded = fate in ("sorry", "flagged")
        await say(event("done", {"served_by": "retry", "degraded": degraded, "usage": USAGE}))
    if fate == "broken_after_done":
        return reset(transport)
    return await send({"type": "http.response.body", "body": b""})


class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets=sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        print(f"listening on http://127.0.0.1:{port}", flush=True)


if __name__ == "__main__":
    Server(uvicorn.Config(app, port=0, http=Protocol, log_level="warning", timeout_graceful_shutdown=1)).run()
    sys.exit(0)
