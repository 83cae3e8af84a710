"""A turn that its process did not survive is finished when its thread is asked again: once, and without asking twice."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import httpx
import pytest

from reference_app.conversation.graph import build
from reference_app.conversation.talk import Found, way_of
from reference_app.conversation.threads import thread_of
from tests.reference_app.conftest import App, until
from tests.reference_app.conversation.outage import back
from tests.reference_app.conversation.talk import Talk, sent

pytestmark = pytest.mark.parametrize("api", ["ollama"], indirect=True)
numbers = count()


def asked(question="why?", request_id="r-2", resumed=0, **params):
    return {"question": question, "params": params, "request_id": request_id, "resumed": resumed}


def test_what_is_done_with_a_question(api):
    """By what its thread holds: nothing, a turn that was cut, or the answer to this very request."""
    human, machine = type("M", (), {"text": "why?"}), type("M", (), {"text": "so"})
    settled = Found(True, [human, machine], "r-1")
    assert way_of(Found(), asked()) == way_of(settled, asked()) == "begin"
    assert way_of(settled, asked(request_id="r-1")) == "told already"
    assert way_of(settled, asked("and?", request_id="r-1")) == "begin", "a request id that is used for everything"

    cut = Found(True, left=asked(request_id="r-1"))
    assert way_of(cut, asked()) == "resume"
    assert way_of(cut, asked("another")) == way_of(cut, asked(temperature=0.5)) == "finish first"
    # What was gone on with twice in vain is not tried for the sake of something else; but an answer that is there is kept.
    poison = asked(request_id="r-1", resumed=2)
    assert way_of(Found(True, left=poison), asked("another")) == "begin"
    assert way_of(Found(True, left=poison), asked()) == "resume"
    assert way_of(Found(True, left=poison, answer="so"), asked("another")) == "finish first"


class Cut:
    """The app as a process that is killed in the middle of an answer, and started again over the same store."""

    def __init__(self, start, provider, where, tmp_path, **environment):
        self.log = tmp_path / "rows.jsonl"
        flags = ("--provider-url", provider.url, "--features", "none", "--log-path", self.log)
        self._start = lambda: start("reference_app", *flags, APP_CHECKPOINTS=where, **environment)
        self.process = self._start()
        self.ids = (f"cut-{next(numbers)}" for _ in count())

    @property
    def app(self):
        return App(self.process.url, self.log, self.ids)

    def killed(self):
        self.process.process.kill()
        self.process.process.wait()
        self.process = self._start()


@pytest.fixture(params=["sqlite", "postgres"])
def where(request, tmp_path):
    """Where checkpoints survive their process."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'checkpoints.db'}"
    return request.getfixturevalue("postgres_server").url


def cut_in_the_second_turn(cut, question, saved=True):
    """A user whose second question is cut as soon as it is written down."""
    talk = Talk(cut.app, "ann", kind="graph")
    assert talk.ask("n=2 first").status == 200
    with pytest.raises(httpx.TransportError), talk.streamed(question) as pieces:
        next(pieces)
        assert not saved or until(lambda: talk.get().json()["unfinished"] == question)
        cut.killed()
        list(pieces)
    talk.app = cut.app
    return talk


@pytest.mark.parametrize("durability", ["async", "sync", "exit"])
def test_the_same_question_is_finished_and_not_doubled(start, provider, where, tmp_path, durability):
    """Killed while the model spoke: one more call, one turn. With "exit" nothing is known of it, and it is simply asked."""
    cut = Cut(start, provider, where, tmp_path, APP_DURABILITY=durability)
    question = f"n=15 every=0.1 {next(numbers)}"
    talk = cut_in_the_second_turn(cut, question, saved=durability != "exit")
    assert talk.get().json()["unfinished"] == (None if durability == "exit" else question)
    assert talk.said == ["n=2 first", "w0 w1"], "nothing half"

    told = talk.ask(question)
    assert (told.status, told.text, told.end["resumed"]) == (200, provider.words(15), durability != "exit")
    assert talk.said == ["n=2 first", "w0 w1", question, provider.words(15)] and talk.get().json()["unfinished"] is None


def test_another_question_comes_after_the_one_that_was_cut(start, provider, where, tmp_path):
    """The turn is finished first, so that the model knows of it; its user reads it with GET. The cost: a call more."""
    cut = Cut(start, provider, where, tmp_path)
    question = f"n=15 every=0.1 {next(numbers)}"
    talk = cut_in_the_second_turn(cut, question)
    told = talk.ask("n=3 and then?")

    turns = ["n=2 first", "w0 w1", question, provider.words(15)]
    assert told.status == 200 and [one.body["messages"][-1]["content"] for one in provider.of(told.request_id)] == [
        question,
        "n=3 and then?",
    ]
    assert sent(provider, told) == [*turns, "n=3 and then?"]
    assert talk.said == [*turns, "n=3 and then?", provider.words(3)] and told.end["usage"]["attempts"] == 2


def test_a_turn_that_cannot_be_finished_is_not_in_the_way(start, provider, where, tmp_path):
    """It is dropped, which the log tells, and the thread goes on."""
    cut = Cut(start, provider, where, tmp_path)
    # Refused by whoever is asked a second time within a request.
    talk = cut_in_the_second_turn(cut, f"n=15 every=0.1 then=422 {next(numbers)}")
    provider.calls_of["poisoned"] = 1
    told = talk.ask("n=2 and then?", request_id="poisoned")

    assert told.status == 200 and talk.said == ["n=2 first", "w0 w1", "n=2 and then?", "w0 w1"]
    assert cut.app.rows("graph_turn_dropped", "poisoned") and talk.get().json()["unfinished"] is None


def test_an_answer_that_was_saved_is_not_asked_for_again(start, provider, where, tmp_path):
    """Killed between the nodes: what `ask` got is there, and only `settle` runs."""
    cut = Cut(start, provider, where, tmp_path)
    talk = Talk(cut.app, "ann", kind="graph")
    talk.ask("n=2 first")
    asyncio.run(_stop_before_settle(where, thread_of("ann", "graph", talk.session), "n=3 second"))
    assert talk.get().json()["unfinished"] == "n=3 second"

    told = talk.ask("n=3 second")
    assert (told.text, told.end["resumed"], told.end["saved"]) == ("as it was saved", True, True)
    assert provider.of(told.request_id) == [] and talk.said[2:] == ["n=3 second", "as it was saved"]


async def _stop_before_settle(where, thread, question):
    from langchain_core.language_models.fake_chat_models import FakeListChatModel

    from reference_app.conversation.checkpoints import _maker_of
    from reference_app.settings import Settings

    class Model(FakeListChatModel):
        async def _astream(self, *args, **how):
            async for chunk in super()._astream(*args, **how):
                chunk.generation_info = {"finish_reason": "stop"}
                yield chunk

    store = _maker_of(where)(Settings(checkpoints=where))
    try:
        await store.open()
        graph = build(Model(responses=["as it was saved"]), store.saver, 1000, 100)
        how = {"configurable": {"thread_id": thread}}
        await graph.ainvoke({"asked": asked(question), "answer": None}, how, interrupt_before=["settle"])
    finally:
        await store.aclose()


USERS, KILLS, TURNS = 6, 2, 24
"""How many turns are confirmed before each kill, and after the last."""


class Load:
    """Users who ask without a pause, each in a thread of its own, and ask again what failed, by the same request id."""

    def __init__(self, cut):
        self.cut, self.over, self.name = cut, threading.Event(), f"load-{next(numbers)}"
        self.talks = [Talk(cut.app, f"user-{number}", kind="graph") for number in range(USERS)]
        self.told = [[] for _ in self.talks]
        self.pool = ThreadPoolExecutor(USERS)
        self.running = [self.pool.submit(self._user, *one) for one in zip(self.talks, self.told, strict=True)]

    def _user(self, talk, told):
        # One client, without certificates: to make one costs more than a turn.
        with httpx.Client(timeout=20, verify=False) as http:
            while not self.over.wait(0.05):
                try:
                    self._ask(http, talk, told)
                except httpx.TransportError:
                    self.over.wait(0.3)

    def _ask(self, http, talk, told):
        question = f"n=3 every=0.02 {talk.user} {len(told) // 2}"
        headers = {"x-user-id": talk.user, "x-request-id": f"{self.name}-{talk.user}-{len(told)}"}
        named = {"thread": talk.session} if talk.session else {}
        answer = http.post(f"{self.cut.process.url}/chat/graph", json={"question": question, **named}, headers=headers)
        if answer.status_code == 200:
            talk.session = answer.headers["x-thread"]
            told += [question, answer.json()["answer"]]

    @property
    def confirmed(self):
        return sum(map(len, self.told)) // 2

    def until(self, confirmed):
        until(lambda: self.confirmed >= confirmed, within_s=80)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        self.pool.shutdown()
        for user in self.running:
            user.result()


@pytest.mark.timeout(300)
def test_no_confirmed_turn_is_lost_when_the_app_is_killed_under_load(start, provider, where, tmp_path):
    """What was told 200 is there afterwards, in order, and no text that nobody was told or that is not whole."""
    cut = Cut(start, provider, where, tmp_path, APP_GRAPH_MAX_MESSAGES="1000")
    with Load(cut) as load:
        for kill in range(1, KILLS + 1):
            load.until(kill * TURNS)
            cut.killed()
        load.until((KILLS + 1) * TURNS)
    resumed = cut.log.read_text().count('"graph_turn_resumed"')
    lost, doubled = lost_and_doubled(load, provider)
    print(f"killed {KILLS} times: {load.confirmed} turns confirmed, {lost} lost, {doubled} doubled, {resumed} gone on with")
    assert lost == doubled == 0


def lost_and_doubled(load, provider):
    """Of what was told 200; and nothing else may be there."""
    lost = doubled = 0
    for talk, told in zip(load.talks, load.told, strict=True):
        talk.app = load.cut.app
        said = talk.said
        lost += sum(one not in said for one in told)
        doubled += len(said[::2]) - len(set(said[::2]))
        assert set(said[1::2]) == {provider.words(3)}, "a wrong text"
        assert said[: len(told)] == told, "in the order of asking"
        assert all(f" {talk.user} " in question for question in said[::2]), "somebody else's"
    return lost, doubled


@pytest.mark.timeout(300)
def test_no_confirmed_turn_is_lost_when_postgres_is_killed_under_load(start, provider, postgres_server, tmp_path):
    """Its users are refused meanwhile; the app is not restarted, and what was told 200 is there."""
    cut = Cut(start, provider, postgres_server.url, tmp_path, APP_GRAPH_MAX_MESSAGES="1000")
    with Load(cut) as load:
        for kill in range(1, KILLS + 1):
            load.until(kill * TURNS)
            postgres_server.kill()
            back(postgres_server)
        load.until((KILLS + 1) * TURNS)
    lost, doubled = lost_and_doubled(load, provider)
    print(f"PostgreSQL killed {KILLS} times: {load.confirmed} turns confirmed, {lost} lost, {doubled} doubled")
    assert lost == doubled == 0 and cut.process.process.poll() is None
