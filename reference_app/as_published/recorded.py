"""LangChain-community's Ollama, with what the harness asks of every arm: ids on the wire, and an attempt in the log."""

import re
import warnings
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, cast

import orjson
import requests
from langchain_core.messages import HumanMessage

from reference_app.attempt import tell
from reference_app.call import Account, Attempt, Call, current_account

with warnings.catch_warnings():
    # It warns of its own end; that it is used here all the same is what this arm is about.
    warnings.simplefilter("ignore", DeprecationWarning)
    from langchain_community.llms.ollama import Ollama

clock: ContextVar[Callable[[], float]] = ContextVar("clock", default=lambda: 0.0)
"""The event loop's, for calls that run in a thread of their own."""
_DONE = re.compile(r'"done": ?true')
_STATUS = re.compile(r"status code (\d{3})")


class RecordedOllama(Ollama):
    """Synchronous calls only; those answer as the class itself does, fault by fault."""

    def _create_stream(self, api_url: str, payload: Any, stop: list[str] | None = None, **kwargs: Any) -> Iterator[str]:
        account = current_account.get(None) or Account(started_s=clock.get()())
        this = _begin(account, self, payload["prompt"])
        try:
            headers = {"x-request-id": this.request_id, "x-attempt": str(this.number)}
            # Unbound: the class has headers, but the same for all requests.
            lines = Ollama._create_stream(cast(Ollama, _Telling(self, headers)), api_url, payload, stop, **kwargs)
            this.status = 200
            for line in lines:
                _note(this, line)
                yield line
            this.outcome = "ok" if this.finished else "truncated"
        except BaseException as error:
            told = _STATUS.search(str(error))
            this.status = int(told[1]) if told else this.status
            this.outcome = _outcome_of(error, this.status)
            raise
        finally:
            this.finished_s = clock.get()()
            tell(account, this)


class _Telling:
    """The model, but for its headers."""

    def __init__(self, model: Ollama, headers: dict[str, str]) -> None:
        self._model, self.headers = model, headers

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def _begin(account: Account, model: Any, prompt: str) -> Attempt:
    if account.attempts:
        account.next_reason = "retry"
    return account.begin(Call(account, model, [HumanMessage(prompt)]), clock.get()())


def _note(this: Attempt, line: str) -> None:
    if not line:
        return
    if not this.chunks:
        this.first_token_s = clock.get()()
    this.chunks += 1
    if _DONE.search(line):
        told = orjson.loads(line)
        this.chunks, this.finished = this.chunks - 1, True
        this.tokens_in, this.tokens_out = told.get("prompt_eval_count"), told.get("eval_count")


def _outcome_of(error: BaseException, status: int) -> str:
    if isinstance(error, GeneratorExit):
        return "cancelled"
    if isinstance(error, requests.RequestException) and status == 200:
        return "cut"
    return "error" if status in (0, 200) else "http_error"
