"""What the routes answer, for whoever reads /openapi.json: it describes, and checks nothing."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Spent(BaseModel):
    """Tokens over all calls to the provider; `estimated` where one of them told nothing. What else is known is there, too."""

    model_config = ConfigDict(extra="allow")

    input_tokens: int
    output_tokens: int
    wasted_output_tokens: int
    attempts: int
    estimated: bool
    cost: float | None = Field(None, description="Of all calls; null where one of them has no price, left out without a list.")
    cost_wasted: float | None = Field(None, description="Of that, what exceeds one prompt and the answer.")
    currency: str | None = None


class Done(BaseModel):
    """How the answer came about. What features add is there, too."""

    model_config = ConfigDict(extra="allow")

    served_by: str = Field(examples=["model", "retry", "recovery", "cache"])
    degraded: bool
    usage: Spent
    finish: str | None = Field(
        None, examples=["length"], description='Why it ends early: "length" at a limit of tokens. Left out of a whole answer.'
    )


class Answer(Done):
    """The whole answer."""

    answer: str


class SessionAnswer(Answer):
    """The whole answer, and the session it belongs to."""

    session: str = Field(description="To be sent with the next question.")
    saved: bool = Field(description="False: the next question will not know of this one.")


class Said(BaseModel):
    """One message."""

    role: Literal["user", "assistant"]
    content: str


class Session(BaseModel):
    """What was said in it, the oldest first."""

    session: str
    messages: list[Said]


class ThreadAnswer(Answer):
    """The whole answer, and the thread it belongs to, where it is saved by now."""

    thread: str = Field(description="To be sent with the next question.")
    saved: bool = Field(description="False of what was said instead of an answer: the next question will not know of it.")
    resumed: bool = Field(description="The same question had been cut before: its turn was gone on with.")


class Thread(BaseModel):
    """What was said in it, the oldest first."""

    thread: str
    messages: list[Said]
    unfinished: str | None = Field(description="A question whose answer was cut; it is answered when it is asked again.")


class Refusal(BaseModel):
    """Why there is no answer, in one sentence."""

    error: str


class Detail(BaseModel):
    """What is wrong with the request itself."""

    detail: str


class Problem(BaseModel):
    """One thing that is wrong, and where."""

    type: str
    loc: list[str | int]
    msg: str


class Problems(BaseModel):
    """All that is wrong with the request, ten at most."""

    detail: list[Problem]


REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": Detail, "description": "The body cannot be read as JSON in UTF-8."},
    413: {"model": Detail | Refusal, "description": "The body, or the question in tokens, is too long."},
    422: {"model": Problems, "description": "A field is missing, unknown, or not of its kind."},
    429: {
        "model": Refusal,
        "description": "Too many requests, here or at the provider.",
        "headers": {"retry-after": {"schema": {"type": "string"}, "description": "Seconds to stay away."}},
    },
    "4XX": {"model": Refusal | Detail, "description": "As the provider refused it, or no such route or method."},
    500: {"model": Refusal, "description": "Nobody expected this: a bug."},
    503: {
        "model": Refusal,
        "description": "The provider gives no usable answer, or is not asked for now.",
        "headers": {"retry-after": {"schema": {"type": "string"}, "description": "Seconds to stay away."}},
    },
    504: {"model": Refusal, "description": "No complete answer within the deadline."},
}
EVENTS = """Server-sent events, each of a name and a JSON object:

- `token` `{"text": "..."}`: more of the answer.
- `reset` `{}`: what was said so far is void, the answer begins again.
- `done`: the answer is complete; its data are those of `Done`. Always the last, and without it the answer is not whole.
- `error` `{"error": "...", "status": 503}`: instead of `done`, where the answer broke off."""
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer as it comes.",
        "content": {
            "text/event-stream": {
                # Of one event.
                "schema": {
                    "type": "object",
                    "description": EVENTS,
                    "required": ["event", "data"],
                    "properties": {
                        "event": {"enum": ["token", "reset", "done", "error"]},
                        "data": {"type": "string", "contentMediaType": "application/json"},
                    },
                },
                "example": 'event: token\ndata: {"text":"Hello"}\n\nevent: done\ndata: {"served_by":"model"}\n\n',
            }
        },
    },
    **REFUSALS,
}
_OF_SESSIONS: dict[int | str, dict[str, Any]] = {
    404: {"model": Refusal | Detail, "description": "The user has no such session."},
    409: {"model": Refusal, "description": "The session is still answering another question."},
}
_X_SESSION = {"x-session": {"schema": {"type": "string"}, "description": "The session, before the answer is complete."}}
SESSION_REFUSALS: dict[int | str, dict[str, Any]] = {**REFUSALS, **_OF_SESSIONS}
SESSION_ANSWERS: dict[int | str, dict[str, Any]] = {**SESSION_REFUSALS, 200: {"headers": _X_SESSION}}
SESSION_STREAM: dict[int | str, dict[str, Any]] = {
    **STREAM,
    **_OF_SESSIONS,
    200: {
        **STREAM[200],
        "description": "The answer as it comes. `done` tells its `session`, too, and whether it is `saved`.",
        "headers": _X_SESSION,
    },
}
_OF_THREADS: dict[int | str, dict[str, Any]] = {
    404: {"model": Refusal | Detail, "description": "The user has no such thread."},
    409: {"model": Refusal, "description": "The thread is still answering another question."},
}
_X_THREAD = {"x-thread": {"schema": {"type": "string"}, "description": "The thread, before the answer is complete."}}
THREAD_REFUSALS: dict[int | str, dict[str, Any]] = {**REFUSALS, **_OF_THREADS}
THREAD_ANSWERS: dict[int | str, dict[str, Any]] = {**THREAD_REFUSALS, 200: {"headers": _X_THREAD}}
THREAD_STREAM: dict[int | str, dict[str, Any]] = {
    **STREAM,
    **_OF_THREADS,
    200: {
        **STREAM[200],
        "description": "The answer as it comes. `done` comes after it is saved; it tells `thread` and `resumed`.",
        "headers": _X_THREAD,
    },
}
