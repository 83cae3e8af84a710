"""The routes of sessions: a chat that knows what was said before."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import Field, StringConstraints
from starlette.responses import Response

from reference_app.call import current_account
from reference_app.conversation.threads import SESSION
from reference_app.described import SESSION_ANSWERS, SESSION_REFUSALS, SESSION_STREAM, Session, SessionAnswer
from reference_app.replies import answered, json_reply, refused, streamed
from reference_app.routes import Question

router = APIRouter()
Named = Annotated[str, Path(pattern=SESSION)]


class SessionQuestion(Question):
    """What a user asks, and in which session; in none, a new one begins."""

    session: Annotated[str, StringConstraints(pattern=SESSION)] | None = Field(None, description="As an answer told it.")


@router.post("/chat/session", response_model=SessionAnswer, responses=SESSION_ANSWERS)
async def chat_session(question: SessionQuestion, request: Request) -> Response:
    """The whole answer as JSON, after it is saved."""
    return await _answer(question, request, streams=False)


@router.post("/chat/session/stream", response_class=Response, responses=SESSION_STREAM)
async def chat_session_stream(question: SessionQuestion, request: Request) -> Response:
    """The answer as events; `done` comes after it is saved."""
    return await _answer(question, request, streams=True)


async def _answer(question: SessionQuestion, request: Request, streams: bool) -> Response:
    state, account, params = request.app.state, current_account.get(), question.params()
    try:
        asked = await state.means.histories.begin(question.session, question.question, account)
    except Exception as error:
        return refused(error, account)
    headers = {"x-session": asked.session}
    if streams:
        return await streamed(state.model.astream(asked.messages, **params), account, asked.end, headers)
    return await answered(state.model.ainvoke(asked.messages, **params), account, asked.end, headers)


@router.get("/chat/session/{session}", response_model=Session, responses=SESSION_REFUSALS)
async def history(session: Named, request: Request) -> Response:
    """What was said in it, as far as it is kept."""
    account = current_account.get()
    try:
        turns = await request.app.state.means.histories.read(session, account)
    except Exception as error:
        return refused(error, account)
    said = [(("user", turn.question), ("assistant", turn.answer)) for turn in turns]
    messages = [{"role": role, "content": content} for both in said for role, content in both]
    return json_reply({"session": session, "messages": messages}, headers={"cache-control": "no-store"})


@router.delete("/chat/session/{session}", status_code=204, response_class=Response, responses=SESSION_REFUSALS)
async def forget(session: Named, request: Request) -> Response:
    """Forgets it, for good."""
    account = current_account.get()
    try:
        await request.app.state.means.histories.forget(session, account)
    except Exception as error:
        return refused(error, account)
    return Response(status_code=204)
