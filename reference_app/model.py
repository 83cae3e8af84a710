"""A LangChain chat model that owns every feature, and so brings them to chains, graphs, streams and JSON answers alike."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import cached_property
from typing import Any, Self, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models.base import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.utils import message_chunk_to_message
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.outputs.chat_generation import merge_chat_generation_chunks
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.tools import BaseTool

from reference_app.attempt import attempt
from reference_app.call import Account, Call, Chunks, Feature, Next, current_account, is_reset
from reference_app.prices import Prices
from reference_app.provider import with_sampling
from reference_app.unobserved import chunks, is_unobserved, whole


class ResilientChatModel(BaseChatModel):
    """`provider` with `features` around it, the outermost first; without any it behaves like the provider. Async only."""

    provider: BaseChatModel
    features: Mapping[str, Feature] = {}
    prices: Prices | None = None

    @property
    def _llm_type(self) -> str:
        return "resilient"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"provider": self.provider._llm_type, **self.provider._get_invocation_params()}

    async def ainvoke(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, *, stop: list[str] | None = None, **kwargs: Any
    ) -> AIMessage:
        if is_unobserved(self, input, config, kwargs):
            return await whole(self, cast(list[BaseMessage], input), stop, kwargs)
        return await super().ainvoke(input, config, stop=stop, **kwargs)

    def astream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, *, stop: list[str] | None = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        if is_unobserved(self, input, config, kwargs):
            return chunks(self, cast(list[BaseMessage], input), stop, kwargs)
        return super().astream(input, config, stop=stop, **kwargs)

    # No generator itself: that would cost each chunk one more step.
    def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        return self._answer(messages, stop, kwargs)

    def _answer(self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]) -> Chunks:
        account = current_account.get(None) or Account(started_s=asyncio.get_running_loop().time())
        account.prices = self.prices
        model, params = with_sampling(self.provider, kwargs)
        account.stream = self._first(Call(account, model, messages, stop, params))
        return account.stream

    @cached_property
    def _first(self) -> Next:
        """The outermost feature, and within it all others: put together once, not once a request."""
        next: Next = attempt
        for feature in reversed(list(self.features.values())):
            next = _around(feature, next)
        return next

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Without what was put together, or a copy with other features would go on with those of this one."""
        made = super().model_copy(update=update, deep=deep)
        made.__dict__.pop("_first", None)
        return made

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        kept: list[ChatGenerationChunk] = []
        async with aclosing(self._answer(messages, stop, kwargs)) as chunks:
            async for chunk in chunks:
                if is_reset(chunk):
                    kept.clear()
                else:
                    kept.append(chunk)
        whole = merge_chat_generation_chunks(kept)
        if whole is None:
            raise ValueError("No generation chunks were returned")
        message = message_chunk_to_message(whole.message)
        return ChatResult(generations=[ChatGeneration(message=message, generation_info=whole.generation_info)])

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError("ResilientChatModel is async only: use ainvoke or astream")

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        bound: Any = self.provider.bind_tools(tools, tool_choice=tool_choice, **kwargs)
        return self.bind(**bound.kwargs)

    async def aclose(self) -> None:
        """Closes what the features hold open."""
        for feature in self.features.values():
            if hasattr(feature, "aclose"):
                await feature.aclose()


def _around(feature: Feature, next: Next) -> Next:
    return lambda call: feature(call, next)
