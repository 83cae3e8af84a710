"""Five callers, each as its documentation shows it, with the provider's address, a timeout and a header added."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import ollama
import openai
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk
from langchain_ollama import ChatOllama
from langchain_openai import ChatOpenAI

from harness.callers.seen import Seen

MODEL = "llama3.1"
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
        },
    },
}
PATIENCE_S = 2.0
"""The timeout that each caller is given; by default ollama's clients have none, and openai's wait 10 minutes."""


@dataclass(frozen=True)
class Question:
    """What is asked, and where."""

    url: str
    headers: Mapping[str, str]
    text: str
    tools: bool
    """Whether the tool is offered."""

    @property
    def body(self) -> dict[str, Any]:
        """As both APIs take it."""
        asked: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": self.text}], "stream": True}
        return asked | ({"tools": [TOOL]} if self.tools else {})


class Told:
    """What a caller is told, piece by piece: an exception does not take away what came before it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._began_s = clock, clock()
        self._first_s: float | None = None
        self.text = ""
        self.calls: list[object] = []

    def say(self, text: str) -> None:
        if text and self._first_s is None:
            self._first_s = self._clock() - self._began_s
        self.text += text

    def seen(self, error: BaseException | None) -> Seen:
        took_s = self._clock() - self._began_s
        return Seen(self.text, error, took_s, self._first_s, _judged(self.calls) if self.calls else None)


def _judged(calls: list[object]) -> str:
    """Whether every tool call has arguments that fit the tool."""
    for arguments in calls:
        try:
            given = json.loads(arguments) if isinstance(arguments, str) else arguments
        except ValueError:
            return "tool call with broken arguments, no error"
        if not isinstance(given, dict) or not {"city", "days"} <= given.keys():
            return "tool call with arguments missing, no error"
    return "good"


async def plain_httpx(told: Told, asked: Question) -> None:
    async with (
        httpx.AsyncClient(timeout=PATIENCE_S) as client,
        client.stream("POST", f"{asked.url}/api/chat", json=asked.body, headers=dict(asked.headers)) as response,
    ):
        response.raise_for_status()
        async for line in response.aiter_lines():
            message = json.loads(line)["message"]
            told.say(message["content"])
            told.calls += [call["function"]["arguments"] for call in message.get("tool_calls") or ()]


async def ollama_client(told: Told, asked: Question) -> None:
    client = ollama.AsyncClient(asked.url, headers=dict(asked.headers), timeout=PATIENCE_S)
    async for part in await client.chat(**asked.body):
        told.say(part.message.content or "")
        told.calls += [dict(call.function.arguments) for call in part.message.tool_calls or ()]


async def openai_client(told: Told, asked: Question) -> None:
    common: Any = {"base_url": f"{asked.url}/v1", "api_key": "none", "max_retries": 0, "timeout": PATIENCE_S}
    arguments: dict[int, str] = {}
    try:
        async with openai.AsyncOpenAI(default_headers=asked.headers, **common) as client:
            async for chunk in await client.chat.completions.create(**asked.body):
                for choice in chunk.choices:
                    told.say(choice.delta.content or "")
                    for call in choice.delta.tool_calls or ():
                        said = call.function and call.function.arguments
                        arguments[call.index] = arguments.get(call.index, "") + (said or "")
    finally:
        told.calls += arguments.values()


async def langchain_ollama(told: Told, asked: Question) -> None:
    kwargs = {"headers": dict(asked.headers), "timeout": PATIENCE_S}
    await _langchain(told, ChatOllama(model=MODEL, base_url=asked.url, client_kwargs=kwargs), asked)


async def langchain_openai(told: Told, asked: Question) -> None:
    common: Any = {"base_url": f"{asked.url}/v1", "api_key": "none", "max_retries": 0, "timeout": PATIENCE_S}
    await _langchain(told, ChatOpenAI(model=MODEL, default_headers=asked.headers, **common), asked)


async def _langchain(told: Told, model: BaseChatModel, asked: Question) -> None:
    offered: Any = model.bind_tools([TOOL]) if asked.tools else model
    whole: AIMessageChunk | None = None
    async for chunk in offered.astream(asked.text):
        told.say(chunk.text)
        whole = chunk if whole is None else whole + chunk
    if whole is not None:
        told.calls += [call["args"] for call in (*whole.tool_calls, *whole.invalid_tool_calls)]


CALLERS: dict[str, Callable[[Told, Question], Awaitable[None]]] = {
    "plain httpx": plain_httpx,
    "ollama client": ollama_client,
    "langchain-ollama": langchain_ollama,
    "openai client": openai_client,
    "langchain-openai": langchain_openai,
}
