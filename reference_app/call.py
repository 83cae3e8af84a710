"""A call to the model on its way through the features, and the account of the request it belongs to."""

import uuid
from collections.abc import AsyncGenerator, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

import httpx
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk

from reference_app.log import Log, silent

if TYPE_CHECKING:
    from reference_app.prices import Prices

Chunks = AsyncGenerator[ChatGenerationChunk, None]
Next = Callable[["Call"], Chunks]
Feature = Callable[["Call", Next], Chunks]
"""A feature gets the call and what comes after it, and yields the chunks of the answer."""
Observer = Callable[["Attempt", BaseException | None], None]
"""Is told how an attempt ended, and by which error: so that who only counts need not stand between the chunks."""


@dataclass(slots=True)
class Attempt:
    """One request to the provider; times in seconds of the event loop's clock."""

    request_id: str
    number: int
    reason: str
    model: str
    started_s: float
    messages: list[BaseMessage]
    said_tokens: int = 0
    """Tokens of an unfinished answer that are sent along with the prompt."""
    status: int = 0
    retry_after_s: float | None = None
    first_token_s: float | None = None
    finished_s: float = 0.0
    outcome: str = "error"
    chunks: int = 0
    """Chunks with content that came."""
    tokens_in: int | None = None
    tokens_out: int | None = None
    """As the provider told; None where the attempt ended before it did."""
    finished: bool = False
    finish: str = ""
    """Why the model stopped, in its provider's words: "stop", "length"; "" where it did not come to tell."""
    abandoned: bool = False
    """Nobody waited for its end: another call at the same time was faster."""
    response: httpx.Response | None = None


@dataclass
class Account:
    """What one request of a user may spend, and what it has spent, however many calls it makes."""

    started_s: float
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    log: Log = silent
    max_attempts: int = 8
    deadline_at: float = inf
    attempts: list[Attempt] = field(default_factory=list)
    next_reason: str = "first"
    first_token_s: float | None = None
    dropped: int = 0
    """Tokens that came and are not in the answer."""
    user: str = ""
    """Who asks, as the header x-user-id, or APP_USER_HEADER, says; "" is nobody in particular."""
    client: str = ""
    """The address the request came from."""
    served: str = ""
    """What answered, where it was not the provider's own model: "cache", "semantic cache", "shared call", "other model", "stale
    cache", "default"."""
    degraded: bool = False
    """The answer is of lesser quality than was asked for, and its user is told."""
    headers: dict[str, str] = field(default_factory=dict)
    """Beside the answer, or the refusal: what is left of a user's rate, why it is degraded."""
    finish: str = ""
    """Why the answer ended: "length" where a limit of tokens cut it short."""
    prices: "Prices | None" = None
    """What its calls are paid by; None where there is no price list."""
    answered: bool = False
    outcome: str = ""
    counted: bool = False
    """The retry budget has grown by this request."""
    stream: Chunks | None = None
    held: list[Callable[[], None]] = field(default_factory=list)
    """What to call when the request has ended, however it did: it lets go of what was held for it."""

    @property
    def served_by(self) -> str:
        """In one word: "hedge" where the second of two calls at once won, "recovery" and "retry" where these were needed."""
        if self.served:
            return self.served
        reasons = {attempt.reason for attempt in self.attempts if not attempt.abandoned}
        return next((reason for reason in ("hedge", "recovery", "retry") if reason in reasons), "model")

    @property
    def last(self) -> Attempt:
        """The last of those whose end mattered."""
        return next((one for one in reversed(self.attempts) if not one.abandoned), self.attempts[-1])

    @property
    def exhausted(self) -> bool:
        return len(self.attempts) >= self.max_attempts

    def begin(self, call: "Call", now_s: float) -> Attempt:
        """The next attempt, with its ordinal and its reason."""
        number = len(self.attempts) + 1
        attempt = Attempt(self.request_id, number, self.next_reason, call.model_name, now_s, call.messages, call.said_tokens)
        self.attempts.append(attempt)
        self.next_reason = "first"
        return attempt

    async def aclose(self) -> None:
        """Ends a stream that nobody reads to its end, at once rather than when it is garbage."""
        try:
            if self.stream is not None:
                await self.stream.aclose()
        finally:
            while self.held:
                self.held.pop()()


@dataclass(frozen=True)
class Call:
    """What is asked of the model, and the limits that features hand down to each attempt."""

    account: Account
    model: BaseChatModel
    messages: list[BaseMessage]
    stop: list[str] | None = None
    params: dict[str, Any] = field(default_factory=dict)
    first_token_s: float = inf
    stall_s: float = inf
    demand_finish: bool = False
    said_tokens: int = 0
    whole: bool = False
    """The answer is asked for in one piece rather than as a stream."""
    observers: tuple[Observer, ...] = ()

    @property
    def model_name(self) -> str:
        return str(getattr(self.model, "model_name", None) or getattr(self.model, "model", ""))


current_account: ContextVar[Account] = ContextVar("current_account")
current_attempt: ContextVar[Attempt] = ContextVar("current_attempt")


def finish_of(chunk: ChatGenerationChunk) -> str | None:
    """Why the model stopped, as its last chunk tells; None on every other chunk."""
    return finish_in(chunk.generation_info) if chunk.generation_info else None


def finish_in(told: Mapping[str, Any]) -> str | None:
    """The same of what is told along with an answer, by Ollama's word for it or OpenAI's."""
    return told.get("done_reason") or told.get("finish_reason")


def is_text(chunk: ChatGenerationChunk) -> bool:
    """False where a chunk carries what is no text: tool calls, thoughts."""
    message = chunk.message
    return not (message.additional_kwargs or (isinstance(message, AIMessageChunk) and message.tool_call_chunks))


def reset() -> ChatGenerationChunk:
    """The chunk that voids what was said so far: the answer begins again."""
    return ChatGenerationChunk(message=AIMessageChunk(content="", additional_kwargs={"reset": True}))


def is_reset(chunk: ChatGenerationChunk) -> bool:
    return "reset" in chunk.message.additional_kwargs
