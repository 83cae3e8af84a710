"""The wire of Ollama: its routes, its JSON and its errors. Physics, answers and slots are elsewhere."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from model_server.answers import Prompt
from model_server.generation import Asker, Engine, Generation
from records.rows import GenerationRow

VERSION = "0.12.6"
"""Whose API this is."""
# The other options of Ollama (num_ctx, num_thread, ...) choose where it runs, not what it says.
SAMPLING: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("temperature", "top_p", "min_p", "typical_p", "tfs_z", "repeat_penalty"), (int, float)),
    **dict.fromkeys(("presence_penalty", "frequency_penalty", "mirostat_tau", "mirostat_eta"), (int, float)),
    **dict.fromkeys(("seed", "num_predict", "top_k", "repeat_last_n", "mirostat"), int),
    "stop": list,
}
_DETAILS = {"parent_model": "", "format": "gguf", "family": "llama", "families": ["llama"]}
_DETAILS_8B = {**_DETAILS, "parameter_size": "8.0B", "quantization_level": "Q4_K_M"}
# Two blanks, as in Ollama's own source.
_BUSY = b'{"error":"server busy, please try again.  maximum pending requests exceeded"}'


class Refused(Exception):
    """What Ollama answers with a status and an error."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status


@dataclass(frozen=True)
class OllamaWire:
    """NDJSON lines, or one JSON object."""

    model: str
    streams: bool
    chats: bool
    """Whether text stands in `message.content`, as /api/chat has it, or in `response`."""
    wall: Callable[[], datetime]
    busy: bytes = _BUSY

    @property
    def media_type(self) -> bytes:
        return b"application/x-ndjson" if self.streams else b"application/json; charset=utf-8"

    def token(self, text: str) -> bytes:
        return self._line(text, done=False)

    def end(self, text: str, done_reason: str, row: GenerationRow) -> bytes:
        return self._line(text, done=True, done_reason=done_reason, **_usage(row))

    def load(self) -> bytes:
        """The answer to an empty prompt, which only loads the model."""
        return self._line("", done=True, done_reason="load")

    def _line(self, text: str, **more: object) -> bytes:
        said: dict[str, object] = {"message": {"role": "assistant", "content": text}} if self.chats else {"response": text}
        line = {"model": self.model, "created_at": self.wall(), **said, **more}
        return orjson.dumps(line, option=orjson.OPT_UTC_Z | (orjson.OPT_APPEND_NEWLINE if self.streams else 0))


def _usage(row: GenerationRow) -> dict[str, int]:
    """Ollama's figures, in nanoseconds; waiting for a slot is part of its load_duration."""
    started = row.started_s or row.queued_s
    first = row.first_token_s or row.finished_s
    return {
        "total_duration": _ns(row.finished_s - row.queued_s),
        "load_duration": _ns(started - row.queued_s),
        "prompt_eval_count": row.tokens_in,
        "prompt_eval_duration": _ns(first - started),
        "eval_count": row.tokens_out,
        "eval_duration": _ns(row.finished_s - first),
    }


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)


def parse_chat(body: Mapping[str, Any]) -> Prompt:
    """What POST /api/chat asks; a last message of the assistant is an answer to be continued."""
    messages = _typed(body, "messages", list, [])
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("content", ""), str):
            raise Refused(400, "messages must be objects with a content that is a text")
    asked = [message.get("content", "") for message in messages if message.get("role") == "user"]
    unfinished = messages and messages[-1].get("role") == "assistant"
    texts = [message.get("content", "") for message in messages]
    return _prompt(body, asked[-1] if asked else "", texts, len(asked), texts[-1] if unfinished else "")


def parse_generate(body: Mapping[str, Any]) -> Prompt:
    """What POST /api/generate asks."""
    question, system = _typed(body, "prompt", str, ""), _typed(body, "system", str, "")
    return _prompt(body, question, [text for text in (system, question) if text], turn=1, so_far="")


def _prompt(body: Mapping[str, Any], question: str, texts: list[str], turn: int, so_far: str) -> Prompt:
    options = _typed(body, "options", dict, {})
    params = {name: value for name in SAMPLING if (value := _typed(options, name, SAMPLING[name], None)) is not None}
    limit = params.get("num_predict", 0)
    stop = tuple(sequence for sequence in params.get("stop", ()) if isinstance(sequence, str))
    return Prompt(question, texts, params, max(turn, 1), so_far, limit if limit > 0 else None, stop)


def _typed(values: Mapping[str, Any], name: str, kind: type | tuple[type, ...], default: Any) -> Any:
    """A field of JSON; null is as good as absent."""
    value = values.get(name)
    if value is None:
        return default
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise Refused(400, f"{name} is of the wrong type: {type(value).__name__}")
    return value


def _parse_body(raw: bytes) -> dict[str, Any]:
    if not raw:
        raise Refused(400, "missing request body")
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Refused(400, f"invalid JSON: {error}") from None
    if not isinstance(body, dict):
        raise Refused(400, "the request body must be a JSON object")
    return body


def _parse_model(body: Mapping[str, Any], known: str) -> str:
    """The name as it was asked for; one without a tag means `:latest`."""
    model: str = _typed(body, "model", str, "") or _typed(body, "name", str, "")
    if not model:
        raise Refused(400, "model is required")
    if model.removesuffix(":latest") != known.removesuffix(":latest"):
        raise Refused(404, f"model '{model}' not found")
    return model


def _asker(request: Request, raw: bytes) -> Asker:
    request_id, attempt = request.headers.get("x-request-id", ""), request.headers.get("x-attempt", "")
    key = request_id or blake2b(raw, digest_size=8).hexdigest()
    return Asker(request_id, int(attempt) if attempt.isdecimal() else 1, key)


def _json(status: int, value: object) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json; charset=utf-8")


def app(engine: Engine, wall: Callable[[], datetime]) -> ASGIApp:
    """Ollama's API on `engine`; `wall` tells the time of day that created_at shows."""
    known = engine.physics.model

    async def generation(request: Request, parse: Callable[[Mapping[str, Any]], Prompt]) -> Any:
        raw = await request.body()
        body = _parse_body(raw)
        model, prompt = _parse_model(body, known), parse(body)
        wire = OllamaWire(model, _typed(body, "stream", bool, True), parse is parse_chat, wall)
        if not any(prompt.texts):
            return Response(wire.load(), media_type=wire.media_type.decode())
        return Generation(engine, prompt, _asker(request, raw), wire)

    async def chat(request: Request) -> Any:
        return await generation(request, parse_chat)

    async def generate(request: Request) -> Any:
        return await generation(request, parse_generate)

    async def show(request: Request) -> Response:
        _parse_model(_parse_body(await request.body()), known)
        return _json(200, {"details": _DETAILS_8B, "model_info": {}, "capabilities": ["completion"]})

    async def tags(_: Request) -> Response:
        return _json(200, {"models": [_listed(known)]})

    async def version(_: Request) -> Response:
        return _json(200, {"version": VERSION})

    async def running(_: Request) -> Response:
        return PlainTextResponse("Ollama is running")

    async def refuse(_: Request, refused: Exception) -> Response:
        assert isinstance(refused, Refused)
        return _json(refused.status, {"error": str(refused)})

    routes = [
        Route("/", running),
        Route("/api/chat", chat, methods=["POST"]),
        Route("/api/generate", generate, methods=["POST"]),
        Route("/api/show", show, methods=["POST"]),
        Route("/api/tags", tags),
        Route("/api/version", version),
    ]
    return Starlette(routes=routes, exception_handlers={Refused: refuse})


def _listed(model: str) -> dict[str, object]:
    name = model if ":" in model else f"{model}:latest"
    digest = blake2b(name.encode(), digest_size=32).hexdigest()
    told = {"modified_at": "2024-07-23T15:00:00Z", "size": 4_920_753_328, "digest": digest}
    return {"name": name, "model": name, **told, "details": _DETAILS_8B}
