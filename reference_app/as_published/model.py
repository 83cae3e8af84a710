"""The articles' app behind our routes: a chat in one piece through their cache, a streamed one through their fallback."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, get_buffer_string
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr
from starlette.concurrency import run_in_threadpool

from reference_app.as_published.answers import Answers
from reference_app.as_published.recorded import clock
from reference_app.call import Call, Chunks, Next, current_account
from reference_app.features.as_published import ALONE
from reference_app.model import ResilientChatModel

if TYPE_CHECKING:
    from reference_app.settings import Settings

Ask = Callable[[str, dict[str, Any]], str]


class PublishedModel(ResilientChatModel):
    """No feature of ours is around it. Its streams have one chunk, the whole text."""

    _answers: Answers = PrivateAttr()
    _in_threads: bool = PrivateAttr()

    @classmethod
    def of(cls, settings: "Settings", model: ResilientChatModel) -> "PublishedModel":
        """The arm with these settings; what else the app asks of a model is as that one's."""
        answers = Answers(settings)
        # The cache of the process is for their model; this one only stands before it.
        made = cls(**{**dict(model), "features": {ALONE: _Named(answers)}, "cache": False})
        made._answers, made._in_threads = answers, settings.published_calls == "threads"
        return made

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        text = await self._asked(self._answers.whole, messages, kwargs)
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        text = await self._asked(self._answers.stream, messages, kwargs)
        yield ChatGenerationChunk(message=AIMessageChunk(content=text))

    async def _asked(self, ask: Ask, messages: list[BaseMessage], params: dict[str, Any]) -> str:
        """In FastAPI's threads, as a `def` route would; or as published, within the handler, where everybody else waits."""
        clock.set(asyncio.get_running_loop().time)
        account = current_account.get(None)
        if account:
            account.prices = self.prices
        question = messages[0].text if len(messages) == 1 else get_buffer_string(messages)
        text = await run_in_threadpool(ask, question, params) if self._in_threads else ask(question, params)
        if account and not account.attempts:
            account.served = "cache"
        return text


class _Named:
    """Stands among the features for its name and its numbers; it is not on any call's way."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def __call__(self, call: Call, next: Next) -> Chunks:
        return next(call)

    def counters(self) -> dict[str, float]:
        return {"cache_hits": float(self._answers.calls.hits)}

    async def aclose(self) -> None:
        self._answers.close()
