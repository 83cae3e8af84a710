"""cache: the same question with the same parameters is answered from a store; only complete answers are stored."""

import asyncio
from contextlib import aclosing
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING

import orjson
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from pydantic import BaseModel

from reference_app.call import Account, Call, Chunks, Next, finish_of, is_reset, is_text
from reference_app.features.cache_store import Store
from reference_app.features.outage import Cooldown, Tolerant
from reference_app.provider import sent

if TYPE_CHECKING:
    from reference_app.means import Means

COMPLETE = frozenset({"stop", "length"})


class Cache:
    """A hit is one chunk with the whole text, whether the user asked for a stream or not. An outage of the store is a miss."""

    def __init__(self, means: "Means") -> None:
        settings = means.settings
        self.store: Store = means.answers
        # A file apart for either: on a full disk it can still be read.
        shared = means.redis_cooldown if settings.cache == "redis" else None
        self.reading, self.writing = (
            Tolerant("cache_outage", settings.cache_timeout_s, shared or Cooldown(settings.cache_cooldown_s)) for _ in range(2)
        )
        self.hits = self.misses = 0

    def counters(self) -> dict[str, float]:
        return {"hits": self.hits, "misses": self.misses, "outages": self.reading.outages + self.writing.outages}

    async def __call__(self, call: Call, next: Next) -> Chunks:
        key, account = key_of(call), call.account
        known = await self.reading(partial(self.store.get, key), account) if key else None
        if known is not None:
            self.hits += 1
            yield served(known, account, "cache")
            return
        self.misses += 1
        answer = Answer()
        async with aclosing(next(call)) as chunks:
            async for chunk in chunks:
                answer.note(chunk)
                yield chunk
        if key and answer.is_complete and is_own(account):
            await self.writing(partial(self.store.put, key, answer.packed()), account)


def is_own(account: Account) -> bool:
    """Whether the answer is what the model that was asked says, and not known to be stored by somebody else."""
    return not account.served and not account.degraded


def served(known: bytes, account: Account, by: str) -> ChatGenerationChunk:
    """An answer that was kept, as one chunk."""
    account.served = by
    account.first_token_s = account.first_token_s or asyncio.get_running_loop().time()
    kept = orjson.loads(known)
    message = AIMessageChunk(content=kept["text"], response_metadata={"served_by": by}, chunk_position="last")
    chunk = ChatGenerationChunk(message=message, generation_info=kept["info"])
    account.finish = finish_of(chunk) or account.finish
    return chunk


class Answer:
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
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def is_complete(self) -> bool:
        return bool(self.pieces) and self.only_text and self.last is not None and finish_of(self.last) in COMPLETE

    def packed(self) -> bytes:
        return packed(self.text, self.last.generation_info if self.last else None)


def packed(text: str, info: object) -> bytes:
    return orjson.dumps({"text": text, "info": info}, default=_plain)


def key_of(call: Call) -> str | None:
    """The call in canonical form: all that reaches the provider and can change its answer. None if that cannot be told.

    Made from what is sent, not from LangChain's own key, which for ChatOllama does not even hold the model's name.
    """
    # Several features ask for it, and it is not for nothing. A call that is changed is another object.
    known: dict[str, str | None] = vars(call)
    if "_key" not in known:
        known["_key"] = digest_of(sent(call))
    return known["_key"]


def digest_of(content: object) -> str | None:
    try:
        canonical = orjson.dumps(content, default=_plain, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        return None
    return blake2b(canonical, digest_size=20).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump()
    raise TypeError(type(value).__name__)
