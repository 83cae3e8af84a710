"""Providers for the articles' snippets, by what they ask: Ollama's chats, its prompts, OpenAI's chats. The published app."""

import gc
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from langchain_community.llms.ollama import Ollama
from langchain_core.globals import get_llm_cache
from langchain_ollama import ChatOllama
from langchain_openai import ChatOpenAI

from reference_app.settings import Settings
from tests.reference_app.conftest import App, serve_app
from tests.reference_app.stub import Provider, serve_provider

# Which waits are theirs is told by count, not by clock.
QUICK = {"initial": 0.01, "max": 0.02, "jitter": 0.01}


@dataclass
class Asked:
    """A model of LangChain's, and how often the provider was called for it."""

    model: Any
    provider: Provider
    name: str

    @property
    def calls(self) -> int:
        return len(self.provider.of(self.name))

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [seen.body for seen in self.provider.of(self.name)]


def _served(api: str) -> Iterator[Provider]:
    provider, stop = serve_provider(api)
    yield provider
    stop()


@pytest.fixture(scope="session")
def chats() -> Iterator[Provider]:
    yield from _served("ollama")


@pytest.fixture(scope="session")
def prompts() -> Iterator[Provider]:
    yield from _served("generate")


@pytest.fixture(scope="session")
def completions() -> Iterator[Provider]:
    yield from _served("openai")


@pytest.fixture
def chat_ollama(chats: Provider) -> Callable[..., Asked]:
    """chat_ollama(temperature=0.7): langchain-ollama's, each with an id of its own."""

    def make(**fields: Any) -> Asked:
        name = uuid.uuid4().hex
        told = {"headers": {"x-request-id": name}}
        return Asked(ChatOllama(**{"model": "m", "base_url": chats.url, "client_kwargs": told, **fields}), chats, name)

    return make


@pytest.fixture
def community_ollama(prompts: Provider) -> Callable[..., Asked]:
    """community_ollama(): the class the articles use."""

    def make(kind: type[Ollama] = Ollama, **fields: Any) -> Asked:
        name = uuid.uuid4().hex
        given = {"model": "m", "base_url": prompts.url, "headers": {"x-request-id": name}, **fields}
        return Asked(kind(**given), prompts, name)

    return make


@pytest.fixture
def chat_openai(completions: Provider) -> Callable[..., Asked]:
    def make(**fields: Any) -> Asked:
        name = uuid.uuid4().hex
        given = {"model": "m", "base_url": completions.url, "api_key": "none", "default_headers": {"x-request-id": name}}
        return Asked(ChatOpenAI(**{**given, **fields}), completions, name)

    return make


@pytest.fixture
def published(prompts: Provider, tmp_path: Any) -> Iterator[Callable[..., App]]:
    """published(published_calls="threads"): the articles' app behind uvicorn. Nothing of it is left in the process."""
    stops, ids, run = [], (f"p-{number:06}" for number in count(1)), uuid.uuid4().hex[:6]

    def serve(**settings: Any) -> App:
        told = {"provider_url": prompts.url, "features": "as_published", "log_path": str(tmp_path / f"app-{len(stops)}.jsonl")}
        app, stop = serve_app(Settings(**{**told, **settings}), (f"{run}-{one}" for one in ids))
        stops.append(stop)
        return app

    yield serve
    for stop in stops:
        stop()
    # The published __del__ raises where no loop runs; pytest is to hear of it here, where it is filtered.
    gc.collect()
    assert get_llm_cache() is None


@pytest.fixture
def app_of_ours(chats: Provider, tmp_path: Any) -> Iterator[App]:
    """The app without optimizations."""
    told = {**chats.settings, "features": "none", "log_path": str(tmp_path / "ours.jsonl")}
    app, stop = serve_app(Settings(**told), (f"o-{uuid.uuid4().hex}" for _ in count()))
    yield app
    stop()
