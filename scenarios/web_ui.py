"""What Locust's web UI refuses: other web sites, which it would let start tests, and a form that cannot be used."""

import logging
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Response, jsonify, request

from records.bad_input import BadInput

Check = Callable[[Mapping[str, str]], None]
"""Raises BadInput for a form that cannot be used."""
_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})


def refuse_cross_origin(app: Any) -> None:
    """Answers 403 to any request that could change something and comes from a page of another origin."""
    app.before_request(_refusal)


def _refusal() -> Response | None:
    origin = foreign_origin()
    if request.method in _HARMLESS or origin is None:
        return None
    return Response(f"Requests from {origin} are refused: the page and this server must have the same origin.\n", 403)


def foreign_origin() -> str | None:
    """The origin of the page that sends this request, where it is not ours."""
    origin = request.headers.get("Origin")
    # Browsers send the origin with all that could change something; what sends none (curl, a script) is no web site's doing.
    return None if origin is None or urlsplit(origin).netloc == request.host else origin


def refuse_bad_forms(app: Any, check: Check) -> None:
    """Answers a start that cannot come to anything as Locust answers its own refusals: the page shows the sentence."""

    def refusal() -> Response | None:
        if request.endpoint != "locust.swarm":
            return None
        try:
            check(request.form)
        except BadInput as error:
            logging.getLogger(__name__).error("%s", error)
            return jsonify({"success": False, "message": str(error)})
        return None

    app.before_request(refusal)
