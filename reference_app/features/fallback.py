"""fallback: where the model fails, another one answers, or an answer kept too long, or an honest sentence: each is marked."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from reference_app import features
from reference_app.call import Call, Chunks, Next, is_reset, is_text, reset
from reference_app.errors import DeadlineExceeded, Refused, is_retryable, is_spent, status_of
from reference_app.features.cache import key_of, served
from reference_app.provider import named

if TYPE_CHECKING:
    from reference_app.features.cache_store import Store
    from reference_app.means import Means

STORE_TIMEOUT_S = 0.3
"""For an answer that was kept: whoever has waited for a model is not to wait for a store, too."""


def fallback(means: "Means") -> "Fallback | None":
    """None where there is nothing to fall back on."""
    settings = means.settings
    store = means.answers if "cache" in features.parse(settings.features) else None
    if store is None and not settings.fallback_model and not settings.fallback_text:
        return None
    return Fallback(settings.fallback_model, store, settings.fallback_text)


def is_no_fault_of_the_user(error: Exception) -> bool:
    """The provider failed, or we could not ask it; what is wrong with a question stays wrong."""
    if isinstance(error, Refused):
        return error.status >= 500
    failed = isinstance(error, DeadlineExceeded) or is_retryable(error) or is_spent(error)
    return failed or (status_of(error) or 0) >= 500


class Fallback:
    """The next best is tried in turn; where none has an answer, the model's own error is passed on."""

    def __init__(self, model: str, store: "Store | None", text: str) -> None:
        self.model, self.store, self.text = model, store, text
        self.counts = Counter({"other_model": 0, "stale_cache": 0, "default": 0, "nothing": 0})

    def counters(self) -> dict[str, float]:
        return dict(self.counts)

    async def __call__(self, call: Call, next: Next) -> Chunks:
        told = _Told()
        try:
            async with aclosing(next(call)) as chunks:
                async for chunk in chunks:
                    told.note(chunk)
                    yield chunk
            return
        except Exception as error:
            if not is_no_fault_of_the_user(error):
                raise
            # Inside the handler: should nothing help, this is the error to pass on.
            async with aclosing(self._instead(call, next, told, error)) as chunks:
                async for chunk in chunks:
                    yield chunk
            self.counts[told.instead.replace(" ", "_") or "nothing"] += 1
            if not told.instead:
                raise

    async def _instead(self, call: Call, next: Next, told: "_Told", error: Exception) -> Chunks:
        account = call.account
        ways: tuple[tuple[str, Callable[[Call, Next], Chunks]], ...]
        ways = ("other model", self._other_model), ("stale cache", self._stale), ("default", self._default)
        for way, answer in ways:
            try:
                async with aclosing(answer(call, next)) as chunks:
                    async for chunk in chunks:
                        if not told.instead:
                            told.instead = way
                            _mark(call, way, error)
                            for void in told.void(call):
                                yield void
                        told.note(chunk)
                        yield chunk
            except Exception as failed:
                # What it was marked with was not to be.
                account.served, account.degraded, told.instead = "", False, ""
                account.headers.pop("x-degraded", None)
                _log(call, "fallback_failed", way, failed)
            if told.instead:
                return

    async def _other_model(self, call: Call, next: Next) -> Chunks:
        account = call.account
        if not self.model or self.model == call.model_name or account.exhausted:
            return
        account.next_reason = "fallback"
        async with aclosing(next(replace(call, model=named(call.model, self.model)))) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _stale(self, call: Call, _: Next) -> Chunks:
        key = key_of(call) if self.store else None
        if key and self.store:
            async with asyncio.timeout(STORE_TIMEOUT_S):
                kept = await self.store.get_stale(key)
            if kept is not None:
                yield served(kept, call.account, "stale cache")

    async def _default(self, call: Call, _: Next) -> Chunks:
        if self.text:
            account = call.account
            account.first_token_s = account.first_token_s or asyncio.get_running_loop().time()
            message = AIMessageChunk(content=self.text, response_metadata={"served_by": "default"})
            yield ChatGenerationChunk(message=message, generation_info={"finish_reason": "default"})


def _mark(call: Call, way: str, error: Exception) -> None:
    account = call.account
    account.served, account.degraded, account.headers["x-degraded"] = way, True, way
    _log(call, "fallback", way, error)


def _log(call: Call, event: str, way: str, error: Exception) -> None:
    call.account.log(event, request_id=call.account.request_id, way=way, error=f"{type(error).__name__}: {error}")


class _Told:
    """What was said and would have to be taken back."""

    def __init__(self) -> None:
        self.instead = ""
        """Which way an answer came that was not the model's own."""
        self.tokens = 0
        self.anything = False

    def note(self, chunk: ChatGenerationChunk) -> None:
        if chunk.text:
            self.tokens += 1
            self.anything = True
        elif is_reset(chunk):
            self.tokens, self.anything = 0, False
        elif not is_text(chunk):
            self.anything = True

    def void(self, call: Call) -> list[ChatGenerationChunk]:
        """What to say before another answer."""
        call.account.dropped += self.tokens
        said, self.tokens, self.anything = self.anything, 0, False
        return [reset()] if said else []
