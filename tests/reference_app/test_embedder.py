"""The making of an embedding: told whose request it is for, and taken for no attempt at its answer."""

import asyncio
from typing import Any

import httpx
import pytest

from reference_app.call import Account, Attempt, current_account, current_attempt
from reference_app.provider import embedder
from reference_app.settings import Settings
from reference_app.transport import ProviderTransport

TOLD = {"embeddings": [[1.0, 0.0]], "data": [{"embedding": [1.0, 0.0]}]}


@pytest.mark.parametrize(("provider", "path"), [("ollama", "/api/embed"), ("openai", "/v1/embeddings")])
def test_it_bears_the_id_of_the_request_and_leaves_its_attempt_alone(provider: Any, path: str):
    """It is made after the answer, out of the task in which the attempt was made."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(404 if len(seen) > 1 else 200, json=TOLD)

    async def scene() -> tuple[Any, Any]:
        root = "http://provider/v1" if provider == "openai" else "http://provider"
        embed = embedder(Settings(provider=provider, provider_url=root), ProviderTransport(httpx.MockTransport(answer)))
        account = Account(0.0, request_id="p01-000417")
        attempt = Attempt(account.request_id, 1, "first", "llama3.1", 0.0, [])
        attempt.status = 200
        current_account.set(account)
        current_attempt.set(attempt)
        made = await embed(["river"])
        with pytest.raises(httpx.HTTPStatusError):
            await embed(["river"])
        return made, attempt

    made, attempt = asyncio.run(scene())
    assert made == [[1.0, 0.0]] and [one.url.path for one in seen] == [path] * 2
    assert {(one.headers["x-request-id"], one.headers["x-attempt"]) for one in seen} == {("p01-000417", "1")}
    assert (attempt.number, attempt.status, attempt.response) == (1, 200, None)


def test_without_a_request_it_bears_none():
    def answer(request: httpx.Request) -> httpx.Response:
        assert "x-request-id" not in request.headers
        return httpx.Response(200, json=TOLD)

    embed = embedder(Settings(), ProviderTransport(httpx.MockTransport(answer)))
    assert asyncio.run(embed(["river"])) == [[1.0, 0.0]]
