"""The articles' retrying client: a subclass of the model with an HTTP client of its own and fixed waits.

Nothing ever calls its `_acall`: LangChain's Ollama answers through `_generate` and `_stream`. So it retries nothing.
"""

import asyncio
from typing import Any

import httpx
from pydantic import PrivateAttr

from reference_app.as_published.recorded import RecordedOllama


class RetryingOllama(RecordedOllama):
    """After a timeout and a 5xx the same again, at once with all others who met it; a 429 is given up."""

    attempts: int = 3
    wait_s: float = 1.0
    # Repair 3: a model of pydantic's takes no other attribute in its __init__.
    _client: httpx.AsyncClient = PrivateAttr()

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        self._client = httpx.AsyncClient(base_url=self.base_url, timeout=30)

    async def _acall(self, prompt: str, stop: list[str] | None = None, **kwargs: Any) -> str:
        body = {"model": self.model, "prompt": prompt, "stream": False, "options": {"stop": stop, **kwargs}}
        for attempt in range(1, self.attempts + 1):
            try:
                told = await self._client.post("/api/generate", json=body)
                told.raise_for_status()
                return str(told.json()["response"])
            except (httpx.ReadTimeout, httpx.HTTPStatusError) as error:
                refused = isinstance(error, httpx.HTTPStatusError) and error.response.status_code < 500
                if refused or attempt == self.attempts:
                    raise
            await asyncio.sleep(self.wait_s)
        raise AssertionError("unreachable")

    def __del__(self) -> None:
        # As published: outside a running loop it raises RuntimeError, which nobody hears, and nothing is closed.
        asyncio.create_task(self._client.aclose())  # noqa: RUF006
