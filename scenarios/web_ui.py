"""Keeps other web sites out of Locust's web UI, which allows every origin to read from it and to start tests."""

from typing import Any
from urllib.parse import urlsplit

from flask import Response, request

_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})


def refuse_cross_origin(app: Any) -> None:
    """Answers 403 to any request that could change something and comes from a page of another origin."""
    app.before_request(_refusal)


def _refusal() -> Response | None:
    origin = request.headers.get("Origin")
    # Browsers send the origin with every such request; what sends none (curl, a script) is not a web site's doing.
    if request.method in _HARMLESS or origin is None or urlsplit(origin).netloc == request.host:
        return None
    return Response(f"Requests from {origin} are refused: the page and this server must have the same origin.\n", 403)
