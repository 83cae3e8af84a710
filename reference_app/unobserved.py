"""A call to our model that nobody follows: without the books that LangChain keeps of each run.

They are an eighth of a stream's CPU, and a third of a cached answer's. The answer is the same, but for the id of its run.
"""

from collections.abc import AsyncIterator, Iterable
from typing import Any, cast

from langchain_core.callbacks import AsyncCallbackManager
from langchain_core.globals import get_llm_cache
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration
from langchain_core.runnables.config import var_child_runnable_config

LANGCHAINS = frozenset(
    {"callbacks", "tags", "metadata", "run_name", "run_id", "stream", "ls_structured_output_format", "structured_output_format"}
)
"""Parameters of a call that LangChain takes for itself, or refuses: none of them is the provider's."""


def is_unobserved(model: BaseChatModel, asked: object, config: object, named: Iterable[str] = ()) -> bool:
    """Whether LangChain would only keep books: words go in, and there is no chain, callback, tracer or cache of its own."""
    words = isinstance(asked, list) and all(isinstance(one, BaseMessage) and isinstance(one.content, str) for one in asked)
    if not words or config is not None or var_child_runnable_config.get() is not None or not LANGCHAINS.isdisjoint(named):
        return False
    # A cache may be false while it is empty.
    if model.cache not in (None, False) or get_llm_cache() is not None:
        return False
    if model.rate_limiter is not None or model.output_version or model.disable_streaming:
        return False
    return not AsyncCallbackManager.configure(None, model.callbacks, model.verbose).handlers


async def whole(model: BaseChatModel, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]) -> AIMessage:
    """What `ainvoke` returns."""
    (answer, *_) = (await model._agenerate(messages, stop=stop, **kwargs)).generations
    return cast(AIMessage, _with_info(answer))


async def chunks(
    model: BaseChatModel, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]
) -> AsyncIterator[AIMessageChunk]:
    """What `astream` yields."""
    message: AIMessageChunk | None = None
    async for chunk in model._astream(messages, stop=stop, **kwargs):
        message = cast(AIMessageChunk, _with_info(chunk))
        yield message
    if message is None:
        raise ValueError("No generation chunks were returned")
    if not message.chunk_position:
        yield AIMessageChunk(content="", chunk_position="last")


def _with_info(answer: ChatGeneration) -> BaseMessage:
    """The message, which tells how it came about."""
    message = answer.message
    if answer.generation_info:
        message.response_metadata = {**answer.generation_info, **message.response_metadata}
    return message
