"""async_calls: the provider is awaited. Off, it is called synchronously within the async handler, and everybody else waits."""

from collections.abc import AsyncGenerator
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import httpx
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.outputs import ChatGenerationChunk

from reference_app.call import Call, Chunks, Next, current_attempt
from reference_app.provider import with_sync_client
from reference_app.retry_after import retry_after_s

if TYPE_CHECKING:
    from reference_app.means import Means


def async_calls(_: "Means") -> None:
    """The app awaits the provider already."""


class BlockingCalls:
    """What is done where async_calls is off: LangChain's own stream(), on the event loop. Nothing can interrupt it."""

    def __init__(self, means: "Means") -> None:
        self.settings = means.settings
        self._transport = _Transport()

    def __call__(self, call: Call, next: Next) -> Chunks:
        model = with_sync_client(call.model, self._transport)
        return next(replace(call, whole=False, model=cast(BaseChatModel, _Blocking(model))))

    async def aclose(self) -> None:
        self._transport.close()


class _Blocking:
    """The model, whose stream is not awaited."""

    def __init__(self, model: BaseChatModel) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncGenerator[ChatGenerationChunk, None]:
        with closing(cast(Any, self._model._stream(*args, **kwargs))) as chunks:
            for chunk in chunks:
                yield chunk


class _Transport(httpx.HTTPTransport):
    """Tells what ProviderTransport tells."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        attempt = current_attempt.get(None)
        if attempt is None:
            return super().handle_request(request)
        request.headers["x-request-id"], request.headers["x-attempt"] = attempt.request_id, str(attempt.number)
        response = super().handle_request(request)
        # Without the response, which only what is awaited could close.
        attempt.status, attempt.retry_after_s = response.status_code, retry_after_s(response.headers)
        return response
