"""Both APIs in one application, on one engine, with the same models in memory."""

from collections.abc import Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp

from model_server import ollama, ollama_parse, openai, openai_fields
from model_server.generation import Engine
from model_server.keep_alive import Loaded


def app(engine: Engine, wall: Callable[[], datetime]) -> ASGIApp:
    """Ollama's API and OpenAI's; `wall` tells the time of day."""
    loaded = {model.name: Loaded(wall) for model in engine.models}
    routes = ollama.Ollama(engine, loaded, wall).routes() + openai.OpenAI(engine, loaded, wall).routes()
    refusals = {
        ollama_parse.Refused: ollama.refuse,
        openai_fields.Refused: openai.refuse,
        HTTPException: _no_route,
    }
    return Starlette(routes=routes, exception_handlers=refusals)


async def _no_route(request: Request, missed: Exception) -> Response:
    """The provider's own words, by the address."""
    assert isinstance(missed, HTTPException)
    if request.url.path.startswith(openai.PREFIX):
        return await openai.no_route(request, missed.status_code)
    # Gin's words, on which Ollama is built.
    told = "404 page not found" if missed.status_code == 404 else "405 method not allowed"
    return PlainTextResponse(told, missed.status_code)
