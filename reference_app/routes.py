"""The routes for users: /chat and /chat/stream."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from langchain_core.messages import HumanMessage
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from reference_app.call import current_account
from reference_app.described import REFUSALS, STREAM, Answer
from reference_app.model import ResilientChatModel
from reference_app.replies import answered, streamed

router = APIRouter()
MOST_PROBLEMS = 10
MOST_INTEGER = 2**63 - 1
"""What a provider and a checkpoint can hold."""


class Sampling(BaseModel):
    """How an answer is made; parameters left out are the provider's own."""

    model_config = ConfigDict(extra="forbid", strict=True)

    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=0, le=1)
    max_tokens: int | None = Field(None, ge=1, le=MOST_INTEGER)
    seed: int | None = Field(None, ge=-MOST_INTEGER, le=MOST_INTEGER)

    def params(self) -> dict[str, Any]:
        """What the model is given beside the question."""
        return self.model_dump(include=PARAMS, exclude_none=True)


PARAMS = set(Sampling.model_fields)


class Question(Sampling):
    """What a user asks."""

    question: Annotated[str, StringConstraints(max_length=32_000, pattern=r"\S")]


async def refuse(_: Request, error: Exception) -> Response:
    """What is wrong, and where. Without what was given, as FastAPI does it: that may be long, or nothing JSON can say."""
    problems = error.errors()[:MOST_PROBLEMS] if isinstance(error, RequestValidationError) else []
    told = [{key: problem[key] for key in ("type", "loc", "msg")} for problem in problems]
    # A name may hold half a character, which orjson refuses to write.
    return Response(json.dumps({"detail": told}), 422, media_type="application/json")


@router.post("/chat", response_model=Answer, responses=REFUSALS)
async def chat(question: Question, request: Request) -> Response:
    """The whole answer as JSON."""
    model: ResilientChatModel = request.app.state.model
    return await answered(model.ainvoke([HumanMessage(question.question)], **question.params()), current_account.get())


@router.post("/chat/stream", response_class=Response, responses=STREAM)
async def chat_stream(question: Question, request: Request) -> Response:
    """The answer as events, one a chunk."""
    model: ResilientChatModel = request.app.state.model
    return await streamed(model.astream([HumanMessage(question.question)], **question.params()), current_account.get())
