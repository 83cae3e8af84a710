"""The articles' parts put together: what answers a question in one piece, and what answers one that wants a stream."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from langchain_core.caches import InMemoryCache
from langchain_core.globals import get_llm_cache, set_llm_cache
from langchain_core.runnables import Runnable, RunnableLambda

from reference_app.as_published.cached import CachedCalls
from reference_app.as_published.retrying import RetryingOllama
from reference_app.as_published.streamed import streamed

if TYPE_CHECKING:
    from reference_app.settings import Settings


class Answers:
    """Synchronous throughout, as published; who calls it decides what that blocks."""

    def __init__(self, settings: "Settings") -> None:
        self.llm = RetryingOllama(model=settings.model, base_url=settings.provider_url, temperature=settings.temperature)
        self.calls = CachedCalls(insisting(self.llm))
        # Repair 1: both were in the package langchain. The cache is the process's own, for every model in it.
        self._global = InMemoryCache() if settings.published_cache == "set_llm_cache" else None
        if self._global:
            set_llm_cache(self._global)

    def whole(self, question: str, params: dict[str, Any]) -> str:
        return self.calls.llm.invoke(question, **params) if self._global else self.calls.invoke(question, **params)

    def stream(self, question: str, params: dict[str, Any]) -> str:
        return streamed(self.llm, question, **params)

    def close(self) -> None:
        if self._global and get_llm_cache() is self._global:
            set_llm_cache(None)
        del self.llm, self.calls.llm


def insisting(llm: RetryingOllama) -> Runnable[Any, str]:
    """Three attempts whatever went wrong, with growing waits; then an answer that was laid by, if there is one."""
    fallback: Runnable[Any, str] = RunnableLambda(cast(Callable[[Any], str], laid_by))
    # Repair 5: the parameter for the waits had another name.
    return llm.with_retry(stop_after_attempt=3, wait_exponential_jitter=True).with_fallbacks([fallback])


def laid_by(asked: dict[str, str]) -> str:
    """As published it expects a chain's dictionary, and gets the text that the model was asked: it has never answered yet."""
    return f"No answer to {asked['question']} at the moment."
