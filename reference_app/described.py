"""What the routes answer, for whoever reads /openapi.json: it describes, and checks nothing."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Spent(BaseModel):
    """Tokens over all calls to the provider; `estimated` where one of them told nothing. What else is known is there, too."""

    model_config = ConfigDict(extra="allow")

    input_tokens: int
    output_tokens: int
    wasted_output_tokens: int
    attempts: int
    estimated: bool


class Done(BaseModel):
    """How the answer came about. What features add is there, too."""

    model_config = ConfigDict(extra="allow")

    served_by: str = Field(examples=["model", "retry", "recovery", "cache"])
    degraded: bool
    usage: Spent


class Answer(Done):
    """The whole answer."""

    answer: str


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
