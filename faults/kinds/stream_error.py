"""Errors that a provider tells inside an answer which began as a success; a JSON body becomes one as message 0."""

from typing import Annotated

from faults.actions import Actions, Count, Finish, Message
from faults.frames import frame, written
from faults.kinds.answer import usual_text
from faults.providers import error_of, provider_of

RUNNER_DIED = "an error was encountered while running the model: unexpected EOF"
"""ollama issue 8258."""


def stream_error(
    message: Message,
    at: Count = 0,
    status: Annotated[int, 400, 599] = 500,
    text: str = "",
    error_type: str = "",
    code: str = "",
) -> Actions:
    """Tell an error in message `at`'s place, then end: what a `status` would have told, but the status was 200."""
    if message.index == at and message.data and message.sort:
        path = message.request.path
        error = error_of(path, status, text or usual_text(path, status), error_type, code or None)
        yield frame(message, written(error), "error" if provider_of(path) == "anthropic" else "")
        yield Finish()
    else:
        yield message.data


def runner_death(message: Message, at: Count = 1) -> Actions:
    """Let Ollama's runner die before message `at`: its line of error, then the end."""
    yield from stream_error(message, at, 500, RUNNER_DIED)
