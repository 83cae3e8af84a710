"""cache: the same question with the same parameters is answered from memory or SQLite; only complete answers are stored."""

import asyncio
from collections.abc import Awaitable
from contextlib import aclosing
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from pydantic import BaseModel

from reference_app.call import Account, Call, Chunks, Next, finish_of, is_reset, is_text
from reference_app.features.cache_store import Store
from reference_app.provider import sent

if TYPE_CHECKING:
    from reference_app.means import Means

COMPLETE = frozenset({"stop", "length"})


class Cache:
    """A hit is one chunk with the whole text, whether the user asked for a stream or not. An outage of the store is a miss."""

    def __init__(self, means: "Means") -> None:
        self.store: Store = means.answers
        self.timeout_s = means.settings.cache_timeout_s

    async def __call__(self, call: Call, next: Next) -> Chunks:
        key = key_of(call)
        known = await self._safely(self.store.get(key), call.account) if key else None
        if known is not None:
            call.account.served = "cache"
            call.account.first_token_s = asyncio.get_running_loop().time()
            yield _unpacked(known)
            return
        answer = _Answer()
        async with aclosing(next(call)) as chunks:
            async for chunk in chunks:
                answer.note(chunk)
                yield chunk
        if key and answer.is_complete:
            await self._safely(self.store.put(key, answer.packed()), call.account)

    async def _safely(self, work: Awaitable[Any], account: Account) -> Any:
        try:
            async with asyncio.timeout(self.timeout_s):
                return await work
        except Exception as error:
            account.log("cache_outage", request_id=account.request_id, error=f"{type(error).__name__}: {error}")
            return None


class _Answer:
    """The text of an answer as it comes, and how it ended."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.only_text = True
        self.last: ChatGenerationChunk | None = None

    def note(self, chunk: ChatGenerationChunk) -> None:
        if chunk.text:
            self.pieces.append(chunk.text)
        elif is_reset(chunk):
            self.pieces.clear()
        elif not is_text(chunk):
            self.only_text = False
        if chunk.generation_info:
            self.last = chunk

    @property
    def is_complete(self) -> bool:
        return bool(self.pieces) and self.only_text and self.last is not None and finish_of(self.last) in COMPLETE

    def packed(self) -> bytes:
        info = self.last.generation_info if self.last else None
        return orjson.dumps({"text": "".join(self.pieces), "info": info}, default=_plain)


def _unpacked(packed: bytes) -> ChatGenerationChunk:
    kept = orjson.loads(packed)
    message = AIMessageChunk(content=kept["text"], response_metadata={"served_by": "cache"})
    return ChatGenerationChunk(message=message, generation_info=kept["info"])


def key_of(call: Call) -> str | None:
    """The call in canonical form: all that reaches the provider and can change its answer. None if that cannot be told.

    Made from what is sent, not from LangChain's own key, which for ChatOllama does not even hold the model's name.
    """
    try:
        canonical = orjson.dumps(sent(call), default=_plain, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        return None
    return blake2b(canonical, digest_size=20).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump()
    raise TypeError(type(value).__name__)
