"""The route for many questions at once: /chat/batch. Each is a request of its own, so that none can sink the others."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from langchain_core.messages import HumanMessage
from pydantic import BaseModel, FailFast, Field, ValidationError
from starlette.responses import Response

from reference_app.call import Account, current_account
from reference_app.described import REFUSALS, Answer, Refusal, Spent
from reference_app.model import ResilientChatModel
from reference_app.record import outcome_of, record
from reference_app.replies import answered, json_reply
from reference_app.routes import Question, Sampling
from reference_app.usage import usage_of

router = APIRouter()
ROUTE = "/chat/batch"
ONE = "/chat/batch/question"
"""Under this name /metrics counts the questions, apart from the batches."""
OF_ALL = {status: told for status, told in REFUSALS.items() if status in (400, 413, 422, "4XX", 500)}
"""What is wrong with the batch itself; what the provider or a limit refuses is told in the answer of each question."""


class Batch(Sampling):
    """What is asked at once, and how all of it is answered."""

    # The first that is no text is enough: to list a quarter of a million would hold up all others for seconds.
    questions: Annotated[list[str], FailFast()] = Field(
        min_length=1, description="Each as in /chat; at most APP_BATCH_MAX of them."
    )


class Answered(Answer):
    """As /chat would have answered."""

    request_id: str = Field(examples=["a1.1"])
    status: int = Field(examples=[200])


class Unanswered(Refusal):
    """As /chat would have refused it."""

    request_id: str = Field(examples=["a1.2"])
    status: int = Field(examples=[503])
    retry_after_s: float | None = None


class Answers(BaseModel):
    """One for each question, in their order; `usage` is of all together."""

    answers: list[Answered | Unanswered]
    failed: int
    usage: Spent


@router.post(ROUTE, response_model=Answers, responses=OF_ALL)
async def chat_batch(batch: Batch, request: Request) -> Response:
    """Many questions at once: 200 as soon as the batch itself can be read; each answer has its own status."""
    state, whole = request.app.state, current_account.get()
    settings, count = state.means.settings, len(batch.questions)
    if count > settings.batch_max:
        raise RequestValidationError([_too_many(settings.batch_max, count)])
    accounts = [_account_of(whole, number, state.model) for number in range(1, count + 1)]
    replies = await _replies(batch, accounts, state, min(settings.batch_concurrency, count))
    failed = sum(reply["status"] >= 400 for reply in replies)
    if failed == count:
        # Whoever looks for answers in the log or in /metrics is not to find one here.
        whole.outcome = outcome_of(max(reply["status"] for reply in replies))
    spent = summed([usage_of(account).as_dict() for account in accounts])
    return json_reply({"answers": replies, "failed": failed, "usage": spent})


async def _replies(batch: Batch, accounts: Sequence[Account], state: Any, at_once: int) -> list[dict[str, Any]]:
    replies: list[dict[str, Any]] = [{}] * len(accounts)
    waiting = iter(enumerate(accounts))

    async def work() -> None:
        for place, account in waiting:
            replies[place] = await _turn(batch, batch.questions[place], account, state)

    # Who leaves cancels this task, and the group all others with it.
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())
    return replies


async def _turn(batch: Batch, question: str, account: Account, state: Any) -> dict[str, Any]:
    """One question as if it had come by itself: its account, its time, its line in the log."""
    account.started_s, status = asyncio.get_running_loop().time(), 0
    current_account.set(account)
    state.metrics.begin()
    try:
        status, told = await _reply(batch, question, account, state.model)
    except asyncio.CancelledError:
        account.outcome = "cancelled"
        raise
    finally:
        try:
            await account.aclose()
        finally:
            record(account, state.metrics, list(state.model.features), ONE, ROUTE, status)
    return {"request_id": account.request_id, "status": status, **told}


async def _reply(batch: Batch, question: str, account: Account, model: ResilientChatModel) -> tuple[int, dict[str, Any]]:
    params = batch.params()
    try:
        asked = Question(question=question, **params)
    except ValidationError as wrong:
        return 422, {"error": f"The question cannot be asked: {wrong.errors()[0]['msg']}."}
    reply = await answered(model.ainvoke([HumanMessage(asked.question)], **params), account)
    again = reply.headers.get("retry-after")
    told: dict[str, Any] = orjson.loads(reply.body)
    return reply.status_code, told | ({"retry_after_s": float(again)} if again else {})


def summed(usages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All together: numbers are added up; what is not known of one is not known of all, and what is true of one is told."""
    return {name: _sum([usage[name] for usage in usages]) for name in usages[0]}


def _sum(values: Sequence[Any]) -> Any:
    if any(value is None for value in values):
        return None
    if isinstance(values[0], bool):
        return any(values)
    return values[0] if isinstance(values[0], str) else sum(values)


def _account_of(whole: Account, number: int, model: ResilientChatModel) -> Account:
    """Of one question; its user and its client are those of the batch, so that a batch is no way around their limits."""
    return Account(
        whole.started_s,
        request_id=f"{whole.request_id}.{number}",
        log=whole.log,
        max_attempts=whole.max_attempts,
        user=whole.user,
        client=whole.client,
        prices=model.prices,
    )


def _too_many(most: int, given: int) -> dict[str, Any]:
    message = f"A batch has at most {most} questions, got {given}"
    return {"type": "too_long", "loc": ("body", "questions"), "msg": message}
