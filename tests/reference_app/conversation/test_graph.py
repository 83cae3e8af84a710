"""/chat/graph: whole turns, of one user, in one thread, kept as checkpoints; what broke off leaves nothing behind."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count

import httpx
import pytest

from tests.reference_app.conftest import until
from tests.reference_app.conversation.talk import Talk, sent

Talk = partial(Talk, kind="graph")
numbers = count()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def kept(request, tmp_path_factory):
    """The settings of each store."""
    if request.param == "postgres":
        return {"checkpoints": request.getfixturevalue("postgres_server").url}
    path = tmp_path_factory.getbasetemp() / "checkpoints.db"
    return {"checkpoints": "memory" if request.param == "memory" else f"sqlite:{path}"}


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize("features", ["none", "all"])
def test_the_model_knows_what_was_said_before(app_with, provider, kept, features, stream):
    """The win: the first question is sent as /chat sends it, the second with the first turn."""
    talk = Talk(app_with(features, **kept), stream=stream)
    first, second = talk.ask(f"n=2 first {features} {next(numbers)}"), talk.ask("n=3 and then?")

    assert (first.status, second.status) == (200, 200) and (first.text, second.text) == (provider.words(2), provider.words(3))
    asked = sent(provider, first)
    assert len(asked) == 1 and sent(provider, second) == [*asked, first.text, "n=3 and then?"]
    roles = [message["role"] for message in provider.of(second.request_id)[0].body["messages"]]
    assert roles == ["user", "assistant", "user"]
    for told in (first, second):
        assert told.end["thread"] == talk.session == told.headers["x-thread"]
        assert (told.end["saved"], told.end["resumed"]) == (True, False)
    assert talk.said == [*asked, first.text, "n=3 and then?", second.text] and talk.get().json()["unfinished"] is None


def test_parameters_reach_the_model(app_with, provider):
    """Through the graph as around it."""
    told = Talk(app_with("none")).ask("n=2", temperature=0.25, max_tokens=77, seed=5)
    assert provider.of(told.request_id)[0].sampling == {"temperature": 0.25, "max_tokens": 77, "seed": 5}


def test_another_user_has_no_such_thread(app_with, provider, kept):
    """Neither to read, nor to ask in, nor to delete; and nobody learns that it exists."""
    app = app_with("none", **kept)
    ann = Talk(app, "ann")
    ann.ask("n=2 a secret")
    calls, sentences = len(provider.seen), set()
    for other in (Talk(app, "bob", ann.session), Talk(app, "", ann.session), Talk(app, "ann", "0" * 32)):
        for refused in (other.get(), other.delete()):
            sentences.add((refused.status_code, refused.json()["error"]))
        for other.stream in (False, True):
            told = other.ask("n=2 what did she say?")
            sentences.add((told.status, told.json["error"]))
    ((status, sentence),) = sentences
    assert status == 404 and "No such conversation" in sentence and "begin" in sentence
    assert len(provider.seen) == calls and len(ann.said) == 2


@pytest.mark.parametrize("name", ["", "0" * 31, "0" * 33, "G" * 32, "0" * 32 + "\r\nx-a: b", "../" + "0" * 29, 7, ["0" * 32]])
def test_what_is_no_thread_is_refused_in_one_sentence(app_with, name):
    """Too short, too long, other signs, the end of a header, a way up, another type."""
    app = app_with("none")
    told = httpx.post(app.url + "/chat/graph", json={"question": "n=1", "thread": name}, timeout=10)
    assert told.status_code == 422 and told.json()["detail"][0]["loc"] == ["body", "thread"]
    if isinstance(name, str) and name:
        path = httpx.URL(app.url).copy_with(raw_path=b"/chat/graph/" + "".join(f"%{ord(sign):02x}" for sign in name).encode())
        for method in ("GET", "DELETE"):
            assert httpx.request(method, path).status_code in (404, 422)


def test_what_is_deleted_is_gone(app_with, kept):
    """Asked again, it is unknown, and does not come back by an answer."""
    talk = Talk(app_with("none", **kept))
    talk.ask("n=2 forget me")

    assert (talk.delete().status_code, talk.delete().status_code, talk.get().status_code) == (204, 404, 404)
    assert talk.ask("n=2 again").status == 404


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize("features", ["none", "all"])
@pytest.mark.parametrize(
    "fault",
    ["status=422", "status=503", "cut=2 how=rst", "cut=2 how=fin", "cut=2 how=clean", "cut=2 how=error", "cut=0 how=clean"],
)
def test_what_broke_off_is_no_part_of_the_conversation(app_with, provider, kept, features, fault, stream):
    """A cut without a word, too, which plain LangChain takes for an answer. No half turn is left, and none to finish."""
    quick = {"recovery_base_s": 0.001, "retry_base_s": 0.001, "breaker_calls": 1000}
    talk = Talk(app_with(features, **quick, **kept), stream=stream)
    first = talk.ask("n=2 first")
    told = talk.ask(f"n=4 {fault}")

    assert told.status >= 400 or told.ended == "error"
    assert len(talk.said) == 2 and talk.get().json()["unfinished"] is None
    calls = len(provider.seen)
    again = talk.ask(f"n=4 whole {next(numbers)}")
    assert again.text == provider.words(4) and again.end["resumed"] is False and len(provider.seen) == calls + 1
    assert sent(provider, again)[:2] == ["n=2 first", first.text] and len(sent(provider, again)) == 3


def test_a_failed_first_turn_leaves_no_thread(app_with, kept, tmp_path):
    """Its id is told to nobody, so nobody could ever delete it."""
    app = app_with("none", **kept)
    told = Talk(app).ask("n=2 status=422")
    assert told.status == 422 and "x-thread" not in told.headers

    begun = Talk(app, stream=True)
    assert begun.ask("n=4 cut=2 how=rst").ended == "error" and begun.session
    assert begun.get().status_code == 404


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
def test_a_recovered_answer_is_kept_once_and_whole(app_with, provider, stream):
    """What the user read in the end, not what was said on the way."""
    talk = Talk(app_with("all", recovery="restart", recovery_base_s=0.001, breaker_calls=1000), stream=stream)
    told = talk.ask(f"n=6 cut=3 how=rst times=1 varies=1 {next(numbers)}")

    assert told.status == 200 and talk.said[1] == told.text and len(told.text.split()) == 6


def test_an_apology_is_no_part_of_the_conversation(app_with):
    """The default of fallback is said, and marked, and the model never sees it as its own words; also where it is the first."""
    app = app_with("fallback", fallback_text="Sorry.")
    talk, sorry = Talk(app), Talk(app)
    talk.ask("n=2 first")
    told = talk.ask("n=2 status=503")
    assert (told.text, told.end["saved"], told.headers["x-degraded"]) == ("Sorry.", False, "default, history not saved")
    assert len(talk.said) == 2

    assert sorry.ask("n=2 status=503").text == "Sorry." and sorry.said == []
    assert sorry.ask("n=2 better").status == 200 and len(sorry.said) == 2


def test_done_is_said_after_the_turn_is_saved(app_with, kept):
    """Who looks as soon as it is said finds the turn."""
    talk = Talk(app_with("none", **kept))
    talk.ask("n=1 begin")
    with talk.streamed("n=2 every=0.02 x") as pieces:
        assert any(b"event: done" in piece and talk.said[2:] == ["n=2 every=0.02 x", "w0 w1"] for piece in pieces)


@pytest.mark.parametrize("leaves", [False, True], ids=["stays", "leaves"])
def test_two_questions_at_once_are_answered_one_after_the_other(app_with, provider, kept, leaves):
    """The second knows the first's answer; where the first user leaves, it is as if the first had never been asked."""
    talk = Talk(app_with("none", **kept))
    talk.ask("n=1 begin")
    slow = f"n=20 every=0.03 slow {next(numbers)}"
    with ThreadPoolExecutor(1) as other, talk.streamed(slow) as pieces:
        next(pieces)
        second = other.submit(talk.ask, "n=2 and?")
        if not leaves:
            assert b"event: done" in list(pieces)[-1]
    told = second.result()

    before = ["n=1 begin", provider.words(1)]
    turn = [] if leaves else [slow, provider.words(20)]
    assert sent(provider, told) == [*before, *turn, "n=2 and?"]
    assert talk.said == [*before, *turn, "n=2 and?", provider.words(2)]


def test_the_call_of_a_user_who_leaves_is_ended(app_with, provider, kept):
    """Through the graph, too: the provider sees it close, and nothing is left of the turn."""
    talk = Talk(app_with("none", **kept))
    talk.ask("n=1 begin")
    question = f"n=400 every=0.05 long {next(numbers)}"
    with talk.streamed(question) as pieces:
        next(pieces)
    (seen,) = until(lambda: [one for one in provider.seen if one.body["messages"][-1]["content"] == question and one.ended_at])
    assert seen.ended == "left" and seen.sent < 100
    assert until(lambda: talk.get().json()["unfinished"] is None) and len(talk.said) == 2


def test_who_has_waited_too_long_for_a_turn_is_told_so(app_with):
    """The cost of one at a time: a 409 with Retry-After while the first answer goes on. Other threads are not held up."""
    app = app_with("none", graph_wait_s=0.3)
    talk = Talk(app)
    talk.ask("n=1 begin")
    with talk.streamed("n=100 every=0.05 slow") as pieces:
        next(pieces)
        told, other = talk.ask("n=2 and?"), Talk(app).ask("n=2 other")

    assert (told.status, told.headers["retry-after"], other.status) == (409, "1", 200)
    assert "another question" in told.json["error"]


def test_the_same_request_again_is_told_the_same_answer(app_with, provider, kept):
    """A user whose 200 was lost on the way asks again with the same x-request-id: no second call, no second turn."""
    talk = Talk(app_with("none", **kept))
    first = talk.ask("n=3 varies=1 once", request_id=f"again-{next(numbers)}")
    again = talk.ask("n=3 varies=1 once", request_id=first.request_id)
    other = talk.ask("n=2 twice")

    assert (again.text, again.end["served_by"]) == (first.text, "checkpoint") and len(provider.of(first.request_id)) == 1
    assert talk.said == ["n=3 varies=1 once", first.text, "n=2 twice", other.text]


def test_a_cached_answer_belongs_to_its_history(app_with, provider):
    """The same question is another one in another thread; in the same conversation, word for word, it is a hit."""
    app = app_with("cache")
    about, name = [Talk(app), Talk(app), Talk(app)], next(numbers)
    for talk, words in zip(about, (2, 3, 2), strict=True):
        talk.ask(f"n={words} we speak of {words} {name}", temperature=0.0)
    told = [talk.ask(f"n=4 and how many? {name}", temperature=0.0) for talk in about]

    assert [one.end["served_by"] for one in told] == ["model", "model", "cache"]
    assert [talk.said[-1] for talk in about] == [provider.words(4)] * 3


def test_only_what_fits_is_sent_and_kept(app_with, provider):
    """Whole turns: the newest that fit go to the model, and no more than the bound are kept."""
    talk = Talk(app_with("none", graph_max_tokens=60, graph_max_messages=7))
    told = [talk.ask(f"n=2 question {number}") for number in range(6)]
    lengths = [len(sent(provider, one)) for one in told]

    print(f"messages sent, turn by turn: {lengths}")
    assert lengths[:2] == [1, 3] and max(lengths) < 7 and all(length % 2 for length in lengths)
    assert sent(provider, told[-1])[-1] == "n=2 question 5"
    assert [one for one in talk.said if one.startswith("n=")] == [f"n=2 question {number}" for number in (3, 4, 5)]


@pytest.mark.parametrize("api", ["ollama"], indirect=True)
def test_the_memory_forgets_who_was_not_there_for_longest(app_with):
    """Bounded, where LangGraph's own saver grows without end."""
    app = app_with("none", checkpoints_max_threads=2)
    first, second, third = Talk(app), Talk(app), Talk(app)
    for talk in (first, second, first, third):
        assert talk.ask("n=1").status == 200

    assert [talk.get().status_code for talk in (first, second, third)] == [200, 404, 200]


def test_what_was_done_is_counted(app_with):
    """For /metrics."""
    app = app_with("none", graph_max_messages=88)
    talk = Talk(app)
    talk.ask("n=1 one"), talk.ask("n=1 two"), talk.ask("n=1 cut=1 how=clean")

    counted = {"turns": 2.0, "resumed": 0.0, "finished_first": 0.0, "told_again": 0.0, "outages": 0.0}
    assert app.counted("graph") == counted


_LOADS = """
import asyncio, sys
from reference_app.app import create_app
from reference_app.settings import Settings
app = create_app(Settings(features="none", log_path="/dev/null", checkpoints=sys.argv[1]))
async def run():
    async with app.router.lifespan_context(app):
        loaded = {name.partition(".")[0] for name in sys.modules} & {"langgraph", "psycopg", "psycopg_pool", "aiosqlite"}
        print(" ".join(sorted(loaded)) or "none")
asyncio.run(run())
"""


@pytest.mark.parametrize(
    ("checkpoints", "loaded"), [("memory", "none"), ("sqlite:{folder}/c.db", "aiosqlite langgraph")], ids=["unset", "sqlite"]
)
def test_only_who_keeps_checkpoints_pays_for_langgraph(tmp_path, checkpoints, loaded):
    """Where no graph is asked for, the app is as light as before."""
    command = [sys.executable, "-c", _LOADS, checkpoints.format(folder=tmp_path)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert told.stdout.split() == loaded.split(), told.stderr
