"""The wire of OpenAI: its routes. What is asked and what is answered are in openai_parse.py and openai_wire.py."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from model_server.answers import Prompt, tokens
from model_server.embeddings import Vector
from model_server.generation import Asker, Engine, Generation, asker
from model_server.keep_alive import Loaded
from model_server.openai_fields import Refused
from model_server.openai_parse import (
    parse_body,
    parse_chat,
    parse_completion,
    parse_form,
    parse_inputs,
    parse_model,
    parse_streaming,
)
from model_server.openai_wire import OpenAIWire
from model_server.replies import json_reply, vectors

PREFIX = "/v1/"
CREATED = 1_721_746_800
"""When the model was made: 2024-07-23T15:00:00Z, as Ollama's API tells too."""


class OpenAI:
    """OpenAI's API on `engine`; `wall` tells the time of day that `created` shows."""

    def __init__(self, engine: Engine, loaded: Mapping[str, Loaded], wall: Callable[[], datetime]) -> None:
        """`loaded`: of each model by its name."""
        self._engine, self._loaded, self._wall = engine, loaded, wall
        self._known = engine.models

    def routes(self) -> list[Route]:
        return [
            Route("/v1/chat/completions", self._chat, methods=["POST"]),
            Route("/v1/completions", self._complete, methods=["POST"]),
            Route("/v1/embeddings", self._embed, methods=["POST"]),
            Route("/v1/models", self._models),
            Route("/v1/models/{model:path}", self._model),
        ]

    async def _chat(self, request: Request) -> Any:
        return await self._generation(request, parse_chat, "chatcmpl")

    async def _complete(self, request: Request) -> Any:
        return await self._generation(request, parse_completion, "cmpl")

    async def _generation(self, request: Request, parse: Callable[[Mapping[str, Any]], Prompt], sort: str) -> Any:
        raw = await request.body()
        body = parse_body(raw)
        name, model = parse_model(body, self._known, request.url.path.lstrip("/"))
        prompt, (streams, usage) = parse(body), parse_streaming(body)
        who = asker(request.headers, raw)
        chats, created = parse is parse_chat, int(self._wall().timestamp())
        wire = OpenAIWire(_answer_id(sort, who), name, created, streams=streams, chats=chats, usage=usage, tool=prompt.tool)
        return self._loaded[model.name].during(Generation(self._engine, model, prompt, who, wire), None)

    async def _embed(self, request: Request) -> Response:
        body = parse_body(await request.body())
        (name, model), inputs, (dimensions, base64) = parse_model(body, self._known), parse_inputs(body), parse_form(body)
        self._loaded[model.name].use(None)
        told = [
            {"object": "embedding", "index": at, "embedding": _base64(vector) if base64 else vector}
            for at, vector in enumerate(await vectors(inputs, dimensions))
        ]
        counted = sum(map(tokens, inputs))
        usage = {"prompt_tokens": counted, "total_tokens": counted}
        return json_reply({"object": "list", "data": told, "model": name, "usage": usage})

    async def _models(self, _: Request) -> Response:
        return json_reply({"object": "list", "data": [_listed(one.name) for one in self._known]})

    async def _model(self, request: Request) -> Response:
        return json_reply(_listed(parse_model(request.path_params, self._known)[0]))


def _answer_id(sort: str, who: Asker) -> str:
    return f"{sort}-{blake2b(f'{who.key}|{who.attempt}'.encode(), digest_size=12).hexdigest()}"


def _base64(vector: Vector) -> str:
    return b64encode(vector.astype("<f4").tobytes()).decode()


def _listed(model: str) -> dict[str, object]:
    return {"id": model, "object": "model", "created": CREATED, "owned_by": "library"}


async def refuse(_: Request, refused: Exception) -> Response:
    assert isinstance(refused, Refused)
    return json_reply({"error": refused.error}, refused.status)


async def no_route(request: Request, status: int) -> Response:
    """What OpenAI says of an address that it does not have, or not for this method."""
    told = f"Invalid URL ({request.method} {request.url.path})"
    if status == 405:
        told = f"Not allowed to {request.method} on {request.url.path}."
    return await refuse(request, Refused(told, status=status))
