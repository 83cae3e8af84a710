"""The wire of Ollama: its routes. What is asked and what is answered are in ollama_parse.py and ollama_wire.py."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from model_server.answers import Prompt, tokens
from model_server.embeddings import CONTEXT, embed
from model_server.generation import Engine, Generation, asker
from model_server.keep_alive import Loaded
from model_server.ollama_listed import described, listed, running
from model_server.ollama_parse import (
    Refused,
    parse_body,
    parse_chat,
    parse_dimensions,
    parse_generate,
    parse_inputs,
    parse_keep_s,
    parse_model,
    typed,
)
from model_server.ollama_wire import OllamaWire, nanoseconds
from model_server.replies import json_reply, vectors

VERSION = "0.12.6"
"""Whose API this is."""
MODIFIED_AT = "2024-07-23T15:00:00Z"


class Ollama:
    """Ollama's API on `engine`; `wall` tells the time of day that created_at shows."""

    def __init__(self, engine: Engine, loaded: Mapping[str, Loaded], wall: Callable[[], datetime]) -> None:
        """`loaded`: of each model by its name."""
        self._engine, self._loaded, self._wall = engine, loaded, wall
        self._known = engine.models

    def routes(self) -> list[Route]:
        return [
            Route("/api/chat", self._chat, methods=["POST"]),
            Route("/api/generate", self._generate, methods=["POST"]),
            Route("/api/embed", self._embed, methods=["POST"]),
            Route("/api/embeddings", self._embed_one, methods=["POST"]),
            Route("/api/show", self._show, methods=["POST"]),
            Route("/api/tags", self._tags),
            Route("/api/ps", self._running),
            Route("/api/version", self._version),
            Route("/", self._greet),
        ]

    async def _chat(self, request: Request) -> Any:
        return await self._generation(request, parse_chat)

    async def _generate(self, request: Request) -> Any:
        return await self._generation(request, parse_generate)

    async def _generation(self, request: Request, parse: Callable[[Mapping[str, Any]], Prompt]) -> Any:
        raw = await request.body()
        body = parse_body(raw)
        name, model = parse_model(body, self._known, "chat" if parse is parse_chat else "generate")
        prompt, keep_s, loaded = parse(body), parse_keep_s(body), self._loaded[model.name]
        who = asker(request.headers, raw)
        call_id = "call_" + blake2b(f"{who.key}|{who.attempt}".encode(), digest_size=4).hexdigest()
        streams = typed(body, "stream", bool, True)
        wire = OllamaWire(name, streams, parse is parse_chat, self._wall, prompt.tool, call_id)
        if any(prompt.texts):
            return loaded.during(Generation(self._engine, model, prompt, who, wire), keep_s)
        loaded.use(keep_s)
        unloads = keep_s is not None and keep_s < 1
        return Response(wire.empty("unload" if unloads else "load"), media_type=wire.media_type.decode())

    async def _embed(self, request: Request) -> Response:
        begun = self._now()
        body = parse_body(await request.body())
        (name, model), keep_s = parse_model(body, self._known), parse_keep_s(body)
        texts, dimensions = parse_inputs(body), parse_dimensions(body)
        self._loaded[model.name].use(keep_s)
        told: dict[str, Any] = {"model": name, "embeddings": await vectors(texts, dimensions)}
        if texts:
            counted = sum(min(tokens(text), CONTEXT) for text in texts)
            told |= {"total_duration": nanoseconds(self._now() - begun), "load_duration": 0, "prompt_eval_count": counted}
        return _json(told)

    async def _embed_one(self, request: Request) -> Response:
        """The older form: one text, and no figures."""
        body = parse_body(await request.body())
        _, model = parse_model(body, self._known)
        text = typed(body, "prompt", str, "")
        self._loaded[model.name].use(parse_keep_s(body))
        return _json({"embedding": embed(text) if text else []})

    async def _show(self, request: Request) -> Response:
        _, model = parse_model(parse_body(await request.body()), self._known)
        told = {"modelfile": "", "parameters": "", "template": "{{ .Prompt }}", "modified_at": MODIFIED_AT}
        return _json({**told, **described(model)})

    async def _tags(self, _: Request) -> Response:
        return _json({"models": [{**listed(one), "modified_at": MODIFIED_AT} for one in self._known]})

    async def _running(self, _: Request) -> Response:
        """The models in memory."""
        ends = [(one, self._loaded[one.name].expires_at) for one in self._known]
        return _json({"models": [running(one, expires_at) for one, expires_at in ends if expires_at]})

    async def _version(self, _: Request) -> Response:
        return _json({"version": VERSION})

    async def _greet(self, _: Request) -> Response:
        return PlainTextResponse("Ollama is running")

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


async def refuse(_: Request, refused: Exception) -> Response:
    assert isinstance(refused, Refused)
    return _json({"error": str(refused)}, refused.status)


def _json(value: object, status: int = 200) -> Response:
    return json_reply(value, status, "application/json; charset=utf-8")
