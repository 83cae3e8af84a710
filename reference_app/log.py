"""The app's log: JSON events, each a single write, so that several processes may share one file."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import orjson
import structlog

from reference_app.redact import Blot

Log = Callable[..., Any]
"""log("request", status=200): one event with its fields."""


def silent(_event: str, **_fields: Any) -> None:
    """For a model that is used outside the app."""


class _Lines:
    """Where structlog's lines end: a file opened with O_APPEND, or standard output."""

    def __init__(self, path: str, secrets: Sequence[str] = ()) -> None:
        self._blot = Blot(secrets)
        self._file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644) if path else 1

    def info(self, line: bytes) -> None:
        os.write(self._file, self._blot(line) + b"\n")


def open_log(path: str, secrets: Sequence[str] = ()) -> Log:
    """The log at `path`; an empty path is standard output. `secrets` are blotted out, wherever they turn up."""
    logger = structlog.wrap_logger(
        _Lines(path, secrets),
        processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_json)],
        wrapper_class=structlog.make_filtering_bound_logger(0),
    )
    write: Log = logger.info
    return write


def _json(row: dict[str, Any], **_: Any) -> bytes:
    return orjson.dumps({"event": row.pop("event"), **row}, default=str)
