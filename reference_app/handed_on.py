"""For a feature that has to wait before a call, and need not look at its chunks."""

from collections.abc import Awaitable, Callable
from typing import Any, Self, cast

from langchain_core.outputs import ChatGenerationChunk

from reference_app.call import Call, Chunks, Next


class _HandedOn:
    """The inner iterator's own awaitables: no step more a token."""

    def __init__(self, before: Awaitable[None], call: Call, next: Next) -> None:
        self._before, self._call, self._next = before, call, next
        self._chunks: Chunks | None = None
        self._step: Callable[[], Awaitable[ChatGenerationChunk]] = self._begin

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Awaitable[ChatGenerationChunk]:
        return self._step()

    async def aclose(self) -> None:
        if self._chunks is not None:
            await self._chunks.aclose()
        else:
            close: Any = getattr(self._before, "close", None)
            if close is not None:
                close()

    async def _begin(self) -> ChatGenerationChunk:
        await self._before
        self._chunks = chunks = self._next(self._call)
        self._step = chunks.__anext__
        return await chunks.__anext__()


def handed_on(before: Awaitable[None], call: Call, next: Next) -> Chunks:
    """What `next` yields, after `before`."""
    return cast(Chunks, cast(Any, _HandedOn(before, call, next)))
