"""Two users, two conversations of each, all at once, 10,000 turns: not one in the wrong thread.

Most of them go through the whole app, within this process, to a model that answers with a digest of all it was given: whatever
comes from another conversation, or is missing, or stands elsewhere, changes every answer after it. 1,200 go over TCP through
two processes of the app and a real Redis to a provider that notes what it was sent.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from hashlib import blake2b
from itertools import count

import httpx
import pytest
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from reference_app.app import create_app
from reference_app.model import ResilientChatModel
from reference_app.settings import Settings
from tests.reference_app.conversation.talk import Talk
from tests.reference_app.stub import serve_provider

KEPT = 8
"""Messages; the oldest of a long conversation leave, in whole turns."""
CONVERSATIONS = [("ann", 0), ("ann", 1), ("bob", 0), ("bob", 1)]
IN_PROCESS, OVER_TCP = 8_800, 1_200


def digest(said: list[str]) -> str:
    return blake2b("\x00".join(said).encode(), digest_size=8).hexdigest()


class Digesting(BaseChatModel):
    """Says in two words which messages it was given, after a moment in which others may be asked."""

    @property
    def _llm_type(self) -> str:
        return "digesting"

    async def _astream(self, messages: list[BaseMessage], *_, **__) -> AsyncIterator[ChatGenerationChunk]:
        said = digest([str(message.content) for message in messages])
        await asyncio.sleep(int(said[0], 16) / 10_000)
        yield ChatGenerationChunk(message=AIMessageChunk(content=said[:8]))
        ended = {"finish_reason": "stop"}
        yield ChatGenerationChunk(message=AIMessageChunk(content=said[8:]), generation_info=ended)

    def _generate(self, *_, **__) -> ChatResult:
        raise NotImplementedError


class InProcess:
    """The app, asked as a server asks it, without a socket."""

    def __init__(self, **settings):
        self.app = create_app(Settings(features="none", provider_url="http://127.0.0.1:9", **settings))
        self.app.state.model = ResilientChatModel(provider=Digesting())

    async def ask(self, user: str, session: str | None, question: str, stream: bool = False, route: str = "session") -> dict:
        named = {"session": session} if session else {}
        body = json.dumps({"question": question, **named}).encode()
        path, sent, left = "/".join(["/chat", *filter(None, [route, "stream" * stream])]), [], asyncio.Event()
        scope = {
            "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
            "headers": [(b"content-type", b"application/json"), (b"x-user-id", user.encode())],
            "client": ("127.0.0.1", 1), "server": ("app", 80), "scheme": "http", "http_version": "1.1",
        }  # fmt: skip
        bodies = iter([{"type": "http.request", "body": body}])

        async def receive():
            if more := next(bodies, None):
                return more
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        await self.app(scope, receive, send)
        assert sent[0]["status"] == 200, sent
        whole = b"".join(message.get("body", b"") for message in sent)
        return _end_of(whole) if stream else json.loads(whole)

    async def aclose(self):
        await self.app.state.means.aclose()


def _end_of(events: bytes) -> dict:
    told = [event.partition(b"\ndata: ") for event in events.split(b"\n\n") if event]
    text = "".join(json.loads(data)["text"] for name, _, data in told if name == b"event: token")
    assert told[-1][0] == b"event: done"
    return {**json.loads(told[-1][2]), "answer": text}


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store(request, tmp_path):
    """The name of a store, and its settings: patient, on a machine that has others to serve."""
    settings = {"sessions": "memory" if request.param == "memory" else f"sqlite:{tmp_path / 'sessions.db'}"}
    if request.param == "redis":
        url = request.getfixturevalue("redis_server").url
        settings = {"sessions": "redis", "redis_url": url, "redis_timeout_s": 5.0}
    log = str(tmp_path / "app.jsonl")
    return request.param, {**settings, "session_max_messages": KEPT, "session_timeout_s": 20.0, "log_path": log}


def test_no_turn_is_in_the_wrong_conversation(store):
    """All questions but the first are the same in all four: only the history tells them apart."""
    name, settings = store
    turns = {"memory": IN_PROCESS - 1_600, "sqlite": 800, "redis": 800}[name]

    async def converse(app, user, tab):
        history, session, wrong = [], None, 0
        for turn in range(turns // len(CONVERSATIONS)):
            # The first words alone differ: from there on a mix would go on and on.
            question = f"and now, {turn}?" if turn else f"I am {user}, in tab {tab}"
            expected = digest([*history[-KEPT:], question])
            told = await app.ask(user, session, question, stream=bool(turn % 2))
            wrong += told["answer"] != expected or not told["saved"] or session not in (None, told["session"])
            history += [question, told["answer"]]
            session = told["session"]
        return turn + 1, wrong

    async def work():
        app = InProcess(**settings)
        try:
            return await asyncio.gather(*(converse(app, user, tab) for user, tab in CONVERSATIONS))
        finally:
            await app.aclose()

    told = asyncio.run(work())
    count, wrong = (sum(column) for column in zip(*told, strict=True))
    print(f"{name}: {count} turns of two users in two conversations each, {wrong} wrong")
    assert (count, wrong) == (turns, 0)


def test_what_a_history_costs(store):
    """CPU time of a turn, beside the same question to /chat; the model's own is next to nothing here."""
    name, settings = store

    async def work():
        app, took_s = InProcess(**settings), {}
        try:
            for route in ("", "session"):
                session, best_s = None, []
                for _ in range(4):
                    began = time.process_time()
                    for turn in range(25):
                        told = await app.ask("ann", session, f"and now, {turn}?", route=route)
                        session = told.get("session")
                    best_s.append((time.process_time() - began) / 25)
                took_s[route] = min(best_s)
        finally:
            await app.aclose()
        return took_s

    took_s = asyncio.run(work())
    print(f"{name}: {took_s['session'] * 1e3:.2f} ms CPU a turn, {took_s[''] * 1e3:.2f} ms without a history")
    assert took_s["session"] < took_s[""] * 10


@pytest.mark.timeout(240)
def test_no_turn_is_in_the_wrong_conversation_over_tcp(start, redis_server, tmp_path):
    """Through two processes in turn, each answer of a length that only one conversation asks for."""
    provider, stop = serve_provider("ollama")
    environment = {"APP_SESSIONS": "redis", "APP_REDIS_URL": redis_server.url, "APP_REDIS_TIMEOUT_S": "5"}
    names = (f"tcp-{number}" for number in count())
    try:
        apps = [
            start(
                "reference_app", "--features", "all", "--provider-url", provider.url, "--log-path", tmp_path / f"{name}.jsonl",
                APP_SESSION_MAX_MESSAGES=str(KEPT), APP_SESSION_TIMEOUT_S="20", APP_BREAKER_CALLS="100000", **environment,
            )
            for name in "ab"
        ]  # fmt: skip

        async def converse(http, user, tab, words):
            history, session, wrong = [], None, 0
            for turn in range(OVER_TCP // len(CONVERSATIONS)):
                question, name = f"n={words} and now, {turn}? {user if not turn else ''}", next(names)
                body = {"question": question, **({"session": session} if session else {})}
                headers = {"x-user-id": user, "x-request-id": name}
                url = apps[(turn + tab) % 2].url + "/chat/session" + "/stream" * (turn % 2)
                told = await http.post(url, json=body, headers=headers)
                end = _end_of(told.content) if turn % 2 else told.json()
                expected = [*history[-KEPT:], question]
                # A second call, where the first was slow, is given the same.
                seen = [[message["content"] for message in one.body["messages"]] for one in provider.of(name)]
                wrong += any(asked[: len(expected)] != expected for asked in seen) or not seen
                wrong += end["answer"] != provider.words(words) or not end["saved"]
                history += [question, end["answer"]]
                session = end["session"]
            return turn + 1, wrong

        async def work():
            async with httpx.AsyncClient(timeout=60) as http:
                return await asyncio.gather(
                    *(converse(http, user, tab, 2 + words) for words, (user, tab) in enumerate(CONVERSATIONS))
                )

        told = asyncio.run(work())
    finally:
        stop()
    turns, wrong = (sum(column) for column in zip(*told, strict=True))
    print(f"over TCP, two processes and Redis: {turns} turns of two users in two conversations each, {wrong} wrong")
    assert (turns, wrong) == (OVER_TCP, 0)


@pytest.mark.parametrize("api", ["ollama"], indirect=True)
def test_with_the_user_s_name_as_the_thread_conversations_mix(app_with, provider):
    """What is done most often, for comparison: one history a user, whichever tab they ask in."""
    app = app_with("none")
    for composite in (False, True):
        tabs = [Talk(app, "ann"), Talk(app, "ann")]
        mixed = 0
        for turn in range(10):
            for number, talk in enumerate(tabs):
                told = talk.ask(f"n=1 tab {number} turn {turn}")
                if not composite:
                    tabs[0].session = tabs[1].session = talk.session
                said = [message["content"] for message in provider.of(told.request_id)[0].body["messages"]]
                mixed += any(f"tab {1 - number}" in one for one in said)
        name = "composite thread ids" if composite else "the user as thread id"
        print(f"{name}: {mixed} of 20 turns saw another conversation")
        assert mixed == (0 if composite else 19)
