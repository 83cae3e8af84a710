"""One attempt over HTTP, timed to the token: server-sent events or JSON, on the connection of Locust's FastHttpUser."""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

import gevent
import orjson
from geventhttpclient._parser import HTTPParseError
from geventhttpclient.response import HTTPSocketPoolResponse
from geventhttpclient.url import URL
from locust.contrib.fasthttp import FastHttpSession

from scenarios.answers import Seen
from scenarios.workload import Arrival

ROUTES = {"stream": "/chat/stream", "chat": "/chat"}
IDLE_S = 2.0
"""Connections idle for longer are not used again: servers close them (uvicorn after 5 s), and a request that meets
that very moment would count as the app's failure."""
_TOKEN = b"event: token\ndata: "
_SAID = 300
"""Characters of an error's body that a row keeps."""


class Connection:
    """One user's connection to the app, kept alive between requests."""

    def __init__(self, session: FastHttpSession, headers: Mapping[str, str] | None = None) -> None:
        self._pool = session.client.clientpool
        self._urls = {task: URL(session._build_url(route)) for task, route in ROUTES.items()}
        self._headers = {"content-type": "application/json", **(headers or {})}
        if session.auth_header:
            self._headers["authorization"] = session.auth_header
        self._used_s = 0.0

    def post(self, arrival: Arrival) -> HTTPSocketPoolResponse:
        """Sends it; comes back with the response's head."""
        if monotonic() - self._used_s > IDLE_S:
            self._pool.close()
        url = self._urls[arrival.task]
        warmth = {} if arrival.temperature is None else {"temperature": arrival.temperature}
        body = orjson.dumps({"question": arrival.question, **warmth})
        headers = {**self._headers, "x-request-id": arrival.request_id}
        # Not through urlopen: it turns our gevent.Timeout into a RetriesExceeded and every status but 200 into an exception.
        return self._pool.get_client(url).request("POST", url.quoted_uri, body=body, headers=headers)

    def rest(self) -> None:
        self._used_s = monotonic()


def attempt(connection: Connection, arrival: Arrival, seen: Seen, deadline_s: float) -> None:
    """Asks, and fills `seen` with what came until `deadline_s` on the clock; raises nothing but the end of the test."""
    seen.sent_s = monotonic()
    timer = gevent.Timeout(max(0.0, deadline_s - seen.sent_s))
    try:
        if seen.sent_s >= deadline_s:
            seen.end("late", "not sent: no user of the pool was free before the deadline")
            return
        timer.start()
        _exchange(connection, arrival, seen)
    except gevent.Timeout as hit:
        if hit is not timer:
            raise
        seen.end("late", "no complete answer before the deadline")
    except (OSError, HTTPParseError) as error:
        seen.end("broken", _sentence(error))
    except Exception as error:
        seen.end("unreadable", _sentence(error))
    finally:
        timer.close()
        _close(seen, deadline_s)
        connection.rest()


def _close(seen: Seen, deadline_s: float) -> None:
    seen.finished_s = seen.finished_s or monotonic()
    # The timer fires late when this process is busy; the deadline holds all the same.
    if seen.ended == "complete" and seen.finished_s > deadline_s:
        seen.ended, seen.error = "late", "the answer came after the deadline"


def _sentence(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_SAID]


def _exchange(connection: Connection, arrival: Arrival, seen: Seen) -> None:
    response = connection.post(arrival)
    seen.status = response.status_code
    if seen.status != 200:
        _read_error(response, seen)
    elif arrival.task == "stream":
        _read_stream(response.readline, seen)
    else:
        _read_json(response, seen)


def _read_error(response: HTTPSocketPoolResponse, seen: Seen) -> None:
    body = response.read()
    seen.bytes = len(body)
    try:
        said = str(orjson.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        said = body.decode(errors="replace")
    seen.end("orderly", said[:_SAID] or None)


def _read_json(response: HTTPSocketPoolResponse, seen: Seen) -> None:
    body = response.read()
    seen.finished_s, seen.bytes = monotonic(), len(body)
    told = orjson.loads(body)
    seen.texts.append(_text(told["answer"]))
    _credits(told, seen)
    usage = told.get("usage") or {}
    seen.tokens = max(0, usage.get("output_tokens", 1) - usage.get("wasted_output_tokens", 0))
    seen.end("complete")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise TypeError(f"a text was expected, got {value!r}")


def _credits(told: dict[str, Any], seen: Seen) -> None:
    served_by = told.get("served_by")
    seen.served_by, seen.degraded = None if served_by is None else _text(served_by), bool(told.get("degraded"))


def _read_stream(readline: Callable[[bytes], bytes], seen: Seen) -> None:
    """Reads events up to the end of the body, past `done` too: only then may the connection be used again."""
    texts, arrivals_s = seen.texts, seen.arrivals_s
    # readline gives an event as soon as it is there; iter_lines would wait for 1,024 bytes.
    first = readline(b"\n")
    end = b"\r\n\r\n" if first.endswith(b"\r\n") else b"\n\n"
    event = first + readline(end) if first.strip() else first
    while event:
        now_s = monotonic()
        seen.bytes += len(event)
        if not event.startswith(_TOKEN):
            _hear(event, seen, now_s)
        elif text := _text(orjson.loads(event[len(_TOKEN) :])["text"]):
            texts.append(text)
            arrivals_s.append(now_s)
        event = readline(end)
    seen.end("orderly", "the stream ended without its last event")


def _hear(event: bytes, seen: Seen, now_s: float) -> None:
    """Any event but a token in its usual spelling."""
    fields = dict(line.partition(b":")[::2] for line in event.splitlines())
    name, data = fields.get(b"event", b"").strip(), fields.get(b"data", b"")
    if name == b"token" and (text := _text(orjson.loads(data)["text"])):
        seen.texts.append(text)
        seen.arrivals_s.append(now_s)
    elif name == b"reset":
        seen.texts.clear()
    elif name == b"done":
        _credits(orjson.loads(data), seen)
        seen.finished_s = now_s
        seen.end("complete")
    elif name == b"error":
        told = orjson.loads(data)
        seen.finished_s, seen.error_status = now_s, told.get("status", 0)
        seen.end("error_event", str(told.get("error"))[:_SAID])
