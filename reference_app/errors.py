"""What can go wrong with a call to the provider, told apart by what helps against it."""

import asyncio
import json

import aiohttp
import httpx
import ollama

RETRYABLE_STATUSES = frozenset({408, 429, 500, 502, 503, 504, 529})


class StreamBroken(Exception):
    """The provider said 200, and then not the whole answer."""


class TruncatedStream(StreamBroken):
    """The stream ended in good order, but without saying that the answer is finished."""


class UnreadableAnswer(StreamBroken):
    """The provider said 200, and then something its own client cannot make sense of."""


class StalledStream(StreamBroken):
    """No content for longer than we are willing to wait."""


class DeadlineExceeded(Exception):
    """The time for this request is used up."""


def status_of(error: BaseException) -> int | None:
    """The HTTP status the provider answered with; None where none came (an error inside a stream has -1)."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) and status > 0 else None


def is_transport(error: BaseException) -> bool:
    """The connection failed, or what came over it was no answer of this API."""
    unreadable = isinstance(error, json.JSONDecodeError) or "No generation chunks" in str(error)
    in_band = isinstance(error, ollama.ResponseError) and status_of(error) is None
    return unreadable or in_band or isinstance(error, httpx.TransportError | aiohttp.ClientError | ConnectionError)


def is_retryable(error: BaseException) -> bool:
    """Whether the same call may succeed when it is made again."""
    status = status_of(error)
    if status is not None:
        return status in RETRYABLE_STATUSES
    return isinstance(error, StreamBroken) or is_transport(error)


def is_known(error: BaseException) -> bool:
    """False for what nobody expected: a bug of ours, or an answer so odd that the client stumbles over it."""
    return status_of(error) is not None or isinstance(error, DeadlineExceeded) or is_retryable(error)


def outcome_of(error: BaseException, answered: int) -> str:
    """The word for it in the log; `answered` is the status that came before the error, or 0."""
    for kind, word in _WORDS:
        if isinstance(error, kind):
            return word
    if status_of(error) is not None:
        return "http_error"
    return "cut" if answered == 200 and isinstance(error, httpx.TransportError | aiohttp.ClientError) else "error"


_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (StalledStream, "stalled"),
    (TruncatedStream, "truncated"),
    (DeadlineExceeded, "timeout"),
    (httpx.TimeoutException, "timeout"),
    (asyncio.CancelledError, "cancelled"),
    (GeneratorExit, "cancelled"),
)


def told_as(error: Exception, answered: int = 0) -> tuple[int, str]:
    """The status and the sentence our own user gets; 500 is a bug of ours. `answered` is the provider's last status, or 0."""
    status = status_of(error)
    if isinstance(error, DeadlineExceeded):
        return 504, str(error)
    if status is not None:
        sentence = f"The model provider answered {status}: {getattr(error, 'error', '') or error}"
        return (status if 400 <= status < 500 else 503), sentence
    if is_retryable(error) or answered == 200:
        return 503, f"The model provider gave no usable answer: {type(error).__name__} {error}".rstrip()
    return 500, f"{type(error).__name__}: {error}"
