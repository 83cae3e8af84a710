"""What can go wrong with a call to the provider, told apart by what helps against it."""

import asyncio
import json
import re

import aiohttp
import httpx

RETRYABLE_STATUSES = frozenset({408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529, 530})
"""529 is an overloaded Anthropic, the others above 504 Cloudflare's, before whatever provider."""

MOST_TOLD = 500
"""Characters of a provider's error that a user is told."""

_SPENT = re.compile(
    "insufficient_quota|credit_balance|billing_hard_limit|spend_limit|exceeded your current quota|credit balance|usage limit",
    re.IGNORECASE,
)
_COMES_BACK = re.compile(r"(retry|try again) in \d|hourly usage limit", re.IGNORECASE)
"""Gemini tells of a minute's quota in OpenAI's words for a month's; Ollama of an hour's in its words for a week's, with a
Retry-After."""


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


class Refused(Exception):
    """We ourselves do not even ask the provider: too much was asked for, or by too many. Calling again at once is of no use."""

    def __init__(self, status: int, sentence: str, retry_after_s: float | None = None) -> None:
        super().__init__(sentence)
        self.status, self.retry_after_s = status, retry_after_s


def status_of(error: BaseException) -> int | None:
    """The HTTP status the provider answered with; None where none came (an error inside a stream has -1, or has no status)."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) and status > 0 else None


def is_spent(error: BaseException) -> bool:
    """What was paid for is used up: a 429, or an error inside a stream, that calling again cannot help."""
    told = f"{error} {getattr(error, 'body', '')}"
    may_tell = status_of(error) == 429 or _is_in_band(error)
    return may_tell and bool(_SPENT.search(told)) and not _COMES_BACK.search(told)


def is_transport(error: BaseException) -> bool:
    """The connection failed, or what came over it was no answer of this API."""
    unreadable = isinstance(error, json.JSONDecodeError) or "No generation chunks" in str(error)
    return unreadable or isinstance(_met(error), httpx.TransportError | aiohttp.ClientError | ConnectionError)


def is_retryable(error: BaseException) -> bool:
    """Whether the same call may succeed when it is made again."""
    if is_spent(error):
        return False
    status = status_of(error)
    if status is not None:
        return status in RETRYABLE_STATUSES
    return isinstance(error, StreamBroken) or _is_in_band(error) or is_transport(error)


def is_known(error: BaseException) -> bool:
    """False for what nobody expected: a bug of ours, or an answer so odd that the client stumbles over it."""
    told = status_of(error) is not None or _is_in_band(error)
    return told or isinstance(error, DeadlineExceeded | Refused) or is_retryable(error)


def outcome_of(error: BaseException, answered: int) -> str:
    """The word for it in the log; `answered` is the status that came before the error, or 0."""
    met = _met(error)
    for kind, word in _WORDS:
        if isinstance(met, kind):
            return word
    if status_of(error) is not None:
        return "http_error"
    return "cut" if answered == 200 and isinstance(met, httpx.TransportError | aiohttp.ClientError) else "error"


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
    if isinstance(error, Refused):
        return error.status, str(error)
    if status is not None:
        return (status if 400 <= status < 500 else 503), f"The model provider answered {status}: {_words_of(error)}"
    met = _met(error)
    if is_retryable(error) or answered == 200:
        return 503, f"The model provider gave no usable answer: {type(met).__name__} {met}".rstrip()
    return 500, f"{type(met).__name__}: {met}"


def _is(error: BaseException, name: str) -> bool:
    """By name: the client of the provider that is not in use is not imported."""
    return any(f"{kind.__module__.partition('.')[0]}.{kind.__name__}" == name for kind in type(error).__mro__)


def _is_in_band(error: BaseException) -> bool:
    """The provider told an error inside an answer that had begun as a success."""
    told = _is(error, "ollama.ResponseError") or (_is(error, "openai.APIError") and not _is(error, "openai.APIConnectionError"))
    return told and status_of(error) is None


def _met(error: BaseException) -> BaseException:
    """What happened to the connection: openai 2 wraps it before the headers come, openai 3 always."""
    while _is(error, "openai.APIConnectionError") and error.__cause__ is not None:
        error = error.__cause__
    return error


def _words_of(error: Exception) -> str:
    """The provider's own, without what its client puts around them, and not the whole page that an edge server may send."""
    body = getattr(error, "body", None)
    told = body.get("message") if isinstance(body, dict) else getattr(error, "error", None)
    return str(told or error)[:MOST_TOLD]
