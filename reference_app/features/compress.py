"""compress: a long prompt is made shorter before it is paid for: by sentences, or where LLMLingua is there by words."""

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from reference_app.call import Call, Chunks, Feature, Next
from reference_app.features.extract import question_of, shortened
from reference_app.tokens import tokens_of, tokens_of_all

if TYPE_CHECKING:
    from reference_app.features.lingua import Lingua
    from reference_app.means import Means

LEAST_TOKENS = 100
"""Shorter messages stay as they are: a turn of a conversation is no context."""
LEFT = "x-compressed"

Shorten = Callable[[str, float, str, bool], str]
"""A text, the share that is to be left, what is asked, and whether the text itself asks it."""


def compress(means: "Means") -> Feature | None:
    """None where APP_COMPRESS_ABOVE_TOKENS is 0: what is left out may have been what was asked for."""
    settings = means.settings
    if not settings.compress_above_tokens:
        return None
    lingua = None
    if settings.compress_model:
        # Torch, and seconds.
        from reference_app.features.lingua import Lingua

        lingua = Lingua(settings.compress_model, settings.compress_timeout_s)
    return Compress(settings.compress_above_tokens, settings.compress_share, lingua)


class Compress:
    """Long messages of user and model; never the system prompt, tools and their results, nor what the last message asks.

    It comes before routing and the caches: they see what the provider will.
    """

    def __init__(self, above_tokens: int, share: float, lingua: "Lingua | None" = None) -> None:
        self.above_tokens, self.share, self.lingua = above_tokens, share, lingua
        self.compressed = self.saved = self.failed = 0

    def counters(self) -> dict[str, float]:
        return {"compressed": self.compressed, "saved_tokens": self.saved, "failed": self.failed}

    def __call__(self, call: Call, next: Next) -> Chunks:
        if (tokens := tokens_of_all(call.messages)) <= self.above_tokens:
            return next(call)
        if self.lingua is not None:
            return self._by_model(self.lingua, tokens, call, next)
        return next(self._noted(call, tokens, shorter(call.messages, self.share, shortened)))

    async def _by_model(self, lingua: "Lingua", tokens: int, call: Call, next: Next) -> Chunks:
        try:
            call = self._noted(call, tokens, await lingua.run(shorter, call.messages, self.share, lingua.shortened))
        except Exception as error:
            # A long prompt is dearer than a short one, and better than none.
            self.failed += 1
            call.account.log("compress_failed", request_id=call.account.request_id, error=f"{type(error).__name__}: {error}")
        async with aclosing(next(call)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def aclose(self) -> None:
        if self.lingua is not None:
            self.lingua.close()

    def _noted(self, call: Call, tokens: int, messages: list[BaseMessage]) -> Call:
        left, account = tokens_of_all(messages), call.account
        if left >= tokens:
            return call
        self.compressed += 1
        self.saved += tokens - left
        account.headers[LEFT] = f"{left / tokens:.2f}"
        account.log("compressed", request_id=account.request_id, tokens=tokens, left=left)
        return replace(call, messages=messages)


def shorter(messages: list[BaseMessage], share: float, shorten: Shorten) -> list[BaseMessage]:
    """The messages with their long texts made shorter."""
    last = max((number for number, one in enumerate(messages) if isinstance(one, HumanMessage)), default=-1)
    asked = question_of(messages[last].text) if last >= 0 else ""

    def made(number: int, message: BaseMessage) -> BaseMessage:
        text = message.content
        if not _may_be_shorter(message) or not isinstance(text, str) or tokens_of(text) < LEAST_TOKENS:
            return message
        return message.model_copy(update={"content": shorten(text, share, asked, number == last)})

    return [made(number, message) for number, message in enumerate(messages)]


def _may_be_shorter(message: BaseMessage) -> bool:
    return isinstance(message, HumanMessage) or (isinstance(message, AIMessage) and not message.tool_calls)
