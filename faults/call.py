"""What the proxy knows of one call, and the row that becomes of it."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import orjson

from faults.actions import Request
from faults.places import Places, Ready
from faults.script import Script, where_it_broke
from records.prompts import Prompts, texts_of
from records.rows import BODY_KEYED, CallRow

ATTEMPTS_REMEMBERED = 100_000
_NUMBER = re.compile(r"[0-9]{1,9}")
"""An attempt; what is longer, no row could hold."""


@dataclass(eq=False)
class Call:
    """One request from the app to the provider, from its headers to its row."""

    connection: str
    """Which connection of the app it came by."""
    started_s: float
    request: Request
    script: Script | None = None
    """None where no fault is to strike."""
    status: int = 0
    """As sent to the app; 0 until a response began."""
    sent: int = 0
    """Bytes of the response's body."""
    passed_on: bool = False
    also_struck: list[dict[str, Any]] = field(default_factory=list)
    """Beside what its script says: faults of other calls, and bugs of ours."""
    wake: asyncio.Event | None = None
    """Set when what the call waits for is here, or the app has left; there only while it waits."""
    holding: list[tuple[Places, Ready]] = field(default_factory=list)
    """Places it has, or waits for."""
    prompt_key: str = ""
    """Which known prompt its body holds."""

    def count(self, data: bytes) -> bytes:
        """Pass a piece of the body on as it is, counted."""
        self.sent += len(data)
        return data

    def give_back(self) -> None:
        """Leave all places: the call has ended."""
        while self.holding:
            places, ready = self.holding.pop()
            places.leave(ready)

    def bug(self, error: Exception, at_s: float) -> None:
        """Something of ours went wrong: the row says where, as a fault that nobody planned."""
        fact = {"fault": "bug", "kind": "bug", "at_s": at_s, "message": 0, "byte": self.sent, "params": {}}
        self.also_struck.append({**fact, "bug": where_it_broke(error)})

    def broken_by(self, struck: Mapping[str, Any], at_s: float) -> None:
        """A fault that struck another call has ended this one too; a second one of its name finds it ended."""
        if struck["fault"] in [one["fault"] for one in self.struck]:
            return
        message = self.script.index if self.script else 0
        self.also_struck.append({**struck, "at_s": at_s, "message": message, "byte": self.sent})

    @property
    def struck(self) -> list[dict[str, Any]]:
        """All that struck it, its own faults first."""
        return (self.script.struck if self.script else []) + self.also_struck

    def row(self, finished_s: float) -> CallRow:
        script, struck = self.script, self.struck
        told = [one["fault"] for one in struck]
        return CallRow(
            request_id=self.request.id,
            attempt=self.request.attempt or 1,
            path=self.request.path,
            model=self.request.model,
            started_s=self.started_s,
            finished_s=finished_s,
            status=self.status,
            bytes=self.sent,
            planned=[fault.name for fault in script.faults] if script else [],
            struck=struck,
            missed=[name for name in script.missed if name not in told] if script else [],
            prompt_key=self.prompt_key,
        )


class Reader:
    """Makes a `Request` of what HTTP carries; counts attempts of apps that do not tell them."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def request(self, announced: Request, body: bytes, at_s: float) -> Request:
        """A call without an id is known by its body; equal prompts of different users then meet the same fate."""
        id_ = announced.id or BODY_KEYED + blake2b(body, digest_size=8).hexdigest()
        attempt = announced.attempt or self._counted(id_)
        return announced._replace(id=id_, attempt=attempt, at_s=at_s, model=_model(body), body=body)

    def _counted(self, id_: str) -> int:
        self._seen[id_] = attempt = self._seen.pop(id_, 0) + 1
        if len(self._seen) > ATTEMPTS_REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return attempt


def announced(path: str, headers: Mapping[str, str]) -> Request:
    """What is known of a call before its body is here; if it never comes, this is what its row says. Attempt 0 is not told."""
    id_ = _legible(headers.get("x-request-id", ""))
    return Request(id_, _told_attempt(headers), path=_legible(path.split("?")[0]), headers=headers)


def plain(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """As faults read them: names in lower case; what is not UTF-8 survives."""
    return {
        name.decode("utf-8", "surrogateescape").lower(): value.decode("utf-8", "surrogateescape") for name, value in headers
    }


def _legible(text: str) -> str:
    # Rows and keys of chance must be UTF-8, whatever an app sends.
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _told_attempt(headers: Mapping[str, str]) -> int:
    told = headers.get("x-attempt", "")
    if _NUMBER.fullmatch(told):
        return int(told)
    # The OpenAI SDK numbers its own retries, from 0.
    told = headers.get("x-stainless-retry-count", "")
    return int(told) + 1 if _NUMBER.fullmatch(told) else 0


def prompt_key_of(body: bytes, prompts: Prompts) -> str:
    """The key of the known prompt that the messages in this body hold; empty where they hold none."""
    try:
        return prompts.key_in(texts_of(orjson.loads(body)))
    except ValueError:
        return ""


def _model(body: bytes) -> str:
    try:
        model = orjson.loads(body)["model"]
    except (ValueError, LookupError, TypeError):
        return ""
    return model if isinstance(model, str) else ""
