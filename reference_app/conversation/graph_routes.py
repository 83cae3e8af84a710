"""The routes of the graph: a chat whose conversations survive a crash, up to the turn that was under way."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from langchain_core.messages import HumanMessage
from pydantic import Field, StringConstraints
from starlette.responses import Response

from reference_app.call import current_account
from reference_app.conversation.talks import Begun, Talks
from reference_app.conversation.threads import SESSION
from reference_app.described import THREAD_ANSWERS, THREAD_REFUSALS, THREAD_STREAM, Thread, ThreadAnswer
from reference_app.replies import answered, json_reply, refused, streamed
from reference_app.routes import Question

router = APIRouter()
Named = Annotated[str, Path(pattern=SESSION)]


class ThreadQuestion(Question):
    """What a user asks, and in which thread; in none, a new one begins."""

    thread: Annotated[str, StringConstraints(pattern=SESSION)] | None = Field(None, description="As an answer told it.")


async def _begun(question: ThreadQuestion, request: Request) -> Begun:
    talks: Talks = request.app.state.talks
    return await talks.begin(question.thread, question.question, question.params(), current_account.get())


@router.post("/chat/graph", response_model=ThreadAnswer, responses=THREAD_ANSWERS)
async def chat_graph(question: ThreadQuestion, request: Request) -> Response:
    """The whole answer as JSON, after it is saved."""
    account = current_account.get()
    try:
        begun = await _begun(question, request)
    except Exception as error:
        return refused(error, account)
    return await answered(begun.whole(), account, begun.end, {"x-thread": begun.name})


@router.post("/chat/graph/stream", response_class=Response, responses=THREAD_STREAM)
async def chat_graph_stream(question: ThreadQuestion, request: Request) -> Response:
    """The answer as events; `done` comes after it is saved."""
    account = current_account.get()
    try:
        begun = await _begun(question, request)
    except Exception as error:
        return refused(error, account)
    return await streamed(begun.chunks(), account, begun.end, {"x-thread": begun.name})


@router.get("/chat/graph/{thread}", response_model=Thread, responses=THREAD_REFUSALS)
async def read(thread: Named, request: Request) -> Response:
    """What was said in it; `unfinished` is a question whose answer was cut, and which is answered when it is asked again."""
    account = current_account.get()
    try:
        found = await request.app.state.talks.read(thread, account)
    except Exception as error:
        return refused(error, account)
    roles = ["user" if isinstance(message, HumanMessage) else "assistant" for message in found.messages]
    messages = [{"role": role, "content": one.text} for role, one in zip(roles, found.messages, strict=True)]
    told: dict[str, Any] = {"thread": thread, "messages": messages, "unfinished": found.left and found.left["question"]}
    return json_reply(told, headers={"cache-control": "no-store"})


@router.delete("/chat/graph/{thread}", status_code=204, response_class=Response, responses=THREAD_REFUSALS)
async def forget(thread: Named, request: Request) -> Response:
    """Forgets it, for good."""
    account = current_account.get()
    try:
        await request.app.state.talks.forget(thread, account)
    except Exception as error:
        return refused(error, account)
    return Response(status_code=204)
