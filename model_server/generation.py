"""One generation, from the queue to its row: waits and sends. Knows no wire format; a wire says what the bytes are."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Protocol

from model_server.answers import Answer, Prompt, answer, tokens_in
from model_server.models import Model, Models
from model_server.physics import offsets_s
from model_server.slots import Busy
from records.jsonl import RowFile
from records.prompts import Prompts
from records.rows import GenerationRow

Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]


class Wire(Protocol):
    """A provider's format for one request."""

    @property
    def streams(self) -> bool: ...

    @property
    def media_type(self) -> bytes: ...

    @property
    def busy(self) -> bytes:
        """Body of the 503 when the queue is full."""

    @property
    def begin(self) -> bytes:
        """What a stream says before its first token; may be empty."""

    def token(self, text: str) -> bytes:
        """One message of a stream; empty where the wire keeps a token back."""

    def end(self, text: str, done_reason: str, row: GenerationRow) -> bytes:
        """The last of a stream, or all of an answer that is not streamed; `text` is all that was said."""


@dataclass(frozen=True)
class Engine:
    """What all generations of a server share."""

    models: Models
    rows: RowFile | None = None
    prompts: Prompts | None = None
    """Told where an app may wrap its users' questions in a prompt of its own."""

    def asked(self, prompt: Prompt, model: Model) -> Prompt:
        """The prompt, as the proof shall tell it: by the user's question that it holds, and by the model, if not the first."""
        if not model.is_first:
            # So that it says other words, too: they are drawn by the parameters.
            prompt = replace(prompt, params={**prompt.params, "model": model.name})
        question = self.prompts.question_in(prompt.texts) if self.prompts else None
        # Whatever turns the app puts before it are not the user's.
        return replace(prompt, question=question, turn=1) if question else prompt


@dataclass(frozen=True)
class Asker:
    """Whose generation it is."""

    request_id: str
    attempt: int
    key: str
    """Chance is keyed by it: the request id, or a digest of the body where there is none."""


def asker(headers: Mapping[str, str], body: bytes) -> Asker:
    """Who asks, by headers; where only OpenAI's client tells of its retries, they count as attempts."""
    request_id = headers.get("x-request-id", "")
    attempt, retries = _whole(headers.get("x-attempt", "")), _whole(headers.get("x-stainless-retry-count", ""))
    return Asker(
        request_id,
        attempt if attempt is not None else (retries or 0) + 1,
        request_id or blake2b(body, digest_size=8).hexdigest(),
    )


def _whole(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 10 else None


class Generation:
    """An ASGI response that is produced token by token, and leaves a row, also when nobody waits for it any more."""

    def __init__(self, engine: Engine, model: Model, prompt: Prompt, asker: Asker, wire: Wire) -> None:
        self._engine, self._model, self._prompt, self._asker, self._wire = engine, model, prompt, asker, wire
        # The loop's clock is time.monotonic(), and virtual where a simulation's loop is.
        self._now = asyncio.get_running_loop().time
        self._row = GenerationRow(
            request_id=asker.request_id,
            attempt=asker.attempt,
            model=model.name,
            tokens_in=0,
            tokens_out=0,
            queued_s=self._now(),
            started_s=None,
            finished_s=0.0,
            cancelled=False,
        )

    async def __call__(self, scope: object, receive: Receive, send: Send) -> None:
        """Generate until all is said or the client has left, whichever comes first."""
        work, gone = asyncio.create_task(self._work(send)), asyncio.create_task(_left(receive))
        try:
            await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            work.cancel()
            await work  # until its row is written

    async def _work(self, send: Send) -> None:
        try:
            async with self._model.slots:
                await self._generate(send)
        except Busy:  # no generation, so no row
            return await _answer(send, 503, b"application/json; charset=utf-8", self._wire.busy)
        except asyncio.CancelledError:
            self._row.cancelled = True
        self._row.finished_s = self._now()
        if self._engine.rows:
            self._engine.rows.write(vars(self._row))
        return None

    async def _generate(self, send: Send) -> None:
        physics, asker = self._model.physics, self._asker
        self._row.started_s = self._now()
        self._row.tokens_in = tokens_in(self._prompt)
        asked = self._engine.asked(self._prompt, self._model)
        said = answer(asked, physics.words, physics.seed, asker.key, asker.attempt)
        await (self._stream(send, said) if self._wire.streams else self._whole(send, said))

    async def _stream(self, send: Send, said: Answer) -> None:
        """The status goes out with the first token, as Ollama's does: until then a failure can still be told by status."""
        async for piece in self._spoken(said):
            if not self._row.tokens_out:
                await self._begin(send)
            if message := self._wire.token(piece):
                await send({"type": "http.response.body", "body": message, "more_body": True})
        if not said.pieces:
            await self._begin(send)
        await send({"type": "http.response.body", "body": self._end("".join(said.pieces), said)})

    async def _begin(self, send: Send) -> None:
        await send(_beginning(200, self._wire.media_type))
        if self._wire.begin:
            await send({"type": "http.response.body", "body": self._wire.begin, "more_body": True})

    async def _whole(self, send: Send, said: Answer) -> None:
        text = "".join([piece async for piece in self._spoken(said)])
        await _answer(send, 200, self._wire.media_type, self._end(text, said))

    async def _spoken(self, said: Answer) -> AsyncIterator[str]:
        """The tokens, each at its absolute time: what is late does not delay what follows."""
        offsets = offsets_s(self._model.physics, self._asker.key, self._asker.attempt)
        for piece in said.pieces:
            await self._until(next(offsets))
            if self._row.first_token_s is None:
                self._row.first_token_s = self._now()
            yield piece
            self._row.tokens_out += 1
        if said.done_reason == "stop":  # a model finds out that it has finished by producing one more token
            await self._until(next(offsets))

    async def _until(self, offset_s: float) -> None:
        """Sleeps at least once round the loop, so that a client that left is noticed even without gaps."""
        assert self._row.started_s is not None
        await asyncio.sleep(max(0.0, self._row.started_s + offset_s - self._now()))

    def _end(self, text: str, said: Answer) -> bytes:
        self._row.finished_s = self._now()
        return self._wire.end(text, said.done_reason, self._row)


async def _left(receive: Receive) -> None:
    """Returns when the client has hung up."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _beginning(status: int, media_type: bytes, *more: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": [(b"content-type", media_type), *more]}


async def _answer(send: Send, status: int, media_type: bytes, body: bytes) -> None:
    await send(_beginning(status, media_type, (b"content-length", b"%d" % len(body))))
    await send({"type": "http.response.body", "body": body})
