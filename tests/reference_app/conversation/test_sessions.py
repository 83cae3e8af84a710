"""/chat/session: the model is told what was said before, by the same user, in the same session, in whole turns."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count

import httpx
import pytest

from tests.reference_app.conversation.talk import Talk, sent

numbers = count()


@pytest.fixture(params=["memory", "sqlite", "redis"])
def kept(request, tmp_path_factory):
    """The settings of each store; patient, on a machine that has others to serve."""
    if request.param == "memory":
        return {"sessions": "memory"}
    if request.param == "redis":
        url = request.getfixturevalue("redis_server").url
        return {"sessions": "redis", "redis_url": url, "redis_timeout_s": 5.0, "session_timeout_s": 10.0}
    return {"sessions": f"sqlite:{tmp_path_factory.getbasetemp() / 'sessions.db'}", "session_timeout_s": 10.0}


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize("features", ["none", "all"])
def test_the_model_knows_what_was_said_before(app_with, provider, kept, features, stream):
    """The win: a second question may refer to the first; the first of a session is sent as /chat sends it."""
    talk = Talk(app_with(features, **kept), stream=stream)
    first, second = talk.ask(f"n=2 first {features} {next(numbers)}"), talk.ask("n=3 and then?")

    assert (first.status, second.status) == (200, 200) and (first.text, second.text) == (provider.words(2), provider.words(3))
    asked = sent(provider, first)
    assert len(asked) == 1 and sent(provider, second) == [*asked, first.text, "n=3 and then?"]
    roles = [message["role"] for message in provider.of(second.request_id)[0].body["messages"]]
    assert roles == ["user", "assistant", "user"]
    for told in (first, second):
        assert told.end["session"] == talk.session == told.headers["x-session"] and told.end["saved"] is True
    assert talk.said == [*asked, first.text, "n=3 and then?", second.text]


def test_another_user_has_no_such_session(app_with, provider, kept):
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
    assert status == 404 and "no such session" in sentence and "begin" in sentence
    assert len(provider.seen) == calls and len(ann.said) == 2


def test_what_is_deleted_is_gone(app_with, kept):
    """Asked again, it is unknown, and does not come back by an answer."""
    talk = Talk(app_with("none", **kept))
    talk.ask("n=2 forget me")

    assert (talk.delete().status_code, talk.delete().status_code, talk.get().status_code) == (204, 404, 404)
    assert talk.ask("n=2 again").status == 404


def test_a_session_deleted_while_it_answers_does_not_come_back_in_half(app_with, kept):
    """The answer is given, and marked."""
    talk = Talk(app_with("none", **kept))
    talk.ask("n=2 first")
    with talk.streamed("n=20 every=0.03 long") as pieces:
        next(pieces)
        assert talk.delete().status_code == 204
        *_, end = pieces

    assert b"event: done" in end and b'"saved":false' in end and b'"degraded":true' in end
    assert talk.get().status_code == 404


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize("features", ["none", "all"])
@pytest.mark.parametrize("fault", ["status=422", "status=503", "cut=2 how=rst", "cut=2 how=clean", "cut=2 how=error"])
def test_what_broke_off_is_no_part_of_the_conversation(app_with, provider, features, fault, stream):
    """A cut without a word, too, which plain LangChain takes for an answer. The question can be asked again."""
    talk = Talk(app_with(features, recovery_base_s=0.001, retry_base_s=0.001, breaker_calls=1000), stream=stream)
    question = f"n=2 first {next(numbers)}"
    first, told = talk.ask(question), talk.ask(f"n=4 {fault}")

    assert told.status >= 400 or told.ended == "error"
    assert len(talk.said) == 2
    again = talk.ask("n=4 whole")
    assert again.text == provider.words(4) and sent(provider, again) == [question, first.text, "n=4 whole"]


def test_a_session_whose_first_answer_failed_never_began(app_with):
    """Its id is told to nobody."""
    told = Talk(app_with("none")).ask("n=2 status=422")

    assert told.status == 422 and "x-session" not in told.headers


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
def test_a_recovered_answer_is_kept_once_and_whole(app_with, provider, stream):
    """What the user read in the end, not what was said on the way."""
    talk = Talk(app_with("all", recovery="restart", recovery_base_s=0.001, breaker_calls=1000), stream=stream)
    told = talk.ask(f"n=6 cut=3 how=rst times=1 varies=1 {next(numbers)}")

    assert told.status == 200 and ("reset" in [name for name, _ in told.events]) is stream
    assert talk.said[1] == told.text == provider.words(6, "c2-")


def test_an_apology_is_no_part_of_the_conversation(app_with):
    """The default of fallback is said, and marked, and the model never sees it as its own words."""
    talk = Talk(app_with("fallback", fallback_text="Sorry."))
    talk.ask("n=2 first")
    told = talk.ask("n=2 status=503")

    assert (told.text, told.end["saved"], told.headers["x-degraded"]) == ("Sorry.", False, "default, history not saved")
    assert len(talk.said) == 2


def test_done_is_said_after_the_turn_is_saved(app_with, kept):
    """Who looks as soon as it is said finds the turn."""
    talk = Talk(app_with("none", **kept))
    talk.ask("n=1 begin")
    with talk.streamed("n=2 every=0.02 x") as pieces:
        assert any(b"event: done" in piece and talk.said[2:] == ["n=2 every=0.02 x", "w0 w1"] for piece in pieces)


@pytest.mark.parametrize("leaves", [False, True], ids=["stays", "leaves"])
def test_two_questions_at_once_are_answered_one_after_the_other(app_with, provider, leaves):
    """The second knows the first's answer; where the first user leaves, it is as if the first had never been asked."""
    talk = Talk(app_with("none"))
    talk.ask("n=1 begin")
    with ThreadPoolExecutor(1) as other, talk.streamed("n=20 every=0.03 slow") as pieces:
        next(pieces)
        second = other.submit(talk.ask, "n=2 and?")
        if not leaves:
            assert b"event: done" in list(pieces)[-1]
    told = second.result()

    before = ["n=1 begin", provider.words(1)]
    turn = [] if leaves else ["n=20 every=0.03 slow", provider.words(20)]
    assert sent(provider, told) == [*before, *turn, "n=2 and?"]
    assert talk.said == [*before, *turn, "n=2 and?", provider.words(2)]


def test_who_has_waited_too_long_for_a_turn_is_told_so(app_with):
    """The cost of one at a time: a 409 with Retry-After while the first answer goes on. Other sessions are not held up."""
    app = app_with("none", deadline_s=0.3)
    talk = Talk(app)
    talk.ask("n=1 begin")
    with talk.streamed("n=100 every=0.05 slow") as pieces:
        next(pieces)
        told, other = talk.ask("n=2 and?"), Talk(app).ask("n=2 other")

    assert (told.status, told.headers["retry-after"], other.status) == (409, "1", 200) and "another question" in told.json[
        "error"
    ]


@pytest.mark.parametrize("features", ["cache", "cache,semantic_cache,single_flight"])
def test_a_cached_answer_belongs_to_its_history(app_with, provider, features):
    """The same question is another one in another conversation; in the same one, word for word, it is a hit."""
    app = app_with(features)
    about, name = [Talk(app), Talk(app), Talk(app)], next(numbers)
    for talk, words in zip(about, (2, 3, 2), strict=True):
        talk.ask(f"n={words} we speak of {words} {name}", temperature=0.0)
    told = [talk.ask(f"n={words} and how many? {name}", temperature=0.0) for talk, words in zip(about, (4, 4, 4), strict=True)]

    assert [one.end["served_by"] for one in told] == ["model", "model", "cache"]
    assert [talk.said[-1] for talk in about] == [provider.words(4)] * 3


def test_only_what_fits_is_sent(app_with, provider):
    """Without a bound a prompt grows with each turn, and so does its price; with one, the oldest turns are left out."""
    grown = {}
    for name, tokens in (("bounded", 120), ("unbounded", 100_000)):
        talk = Talk(app_with("none", session_max_tokens=tokens))
        told = [talk.ask(f"n=10 question {number}") for number in range(8)]
        grown[name] = [len(sent(provider, one)) for one in told]
        assert len(talk.said) == 16
    print(f"messages sent, turn by turn: bounded {grown['bounded']}, unbounded {grown['unbounded']}")
    assert grown["unbounded"] == [1, 3, 5, 7, 9, 11, 13, 15] and max(grown["bounded"]) < 9
    last = sent(provider, told[-1])
    assert last[0].startswith("n=10 question") and len(last) % 2 == 1


def test_what_was_saved_is_counted(app_with):
    app = app_with("none", session_ttl_s=77.0)
    talk = Talk(app)
    talk.ask("n=1 one"), talk.ask("n=1 two"), talk.ask("n=1 cut=1 how=clean")

    assert app.counted("sessions") == {"saved": 2.0, "unsaved": 0.0, "outages": 0.0}


def test_the_routes_are_described(app_with):
    """In /openapi.json: what they take, and each way to be refused."""
    paths = httpx.get(app_with("none").url + "/openapi.json").json()["paths"]
    asking = [paths["/chat/session"]["post"], paths["/chat/session/stream"]["post"]]
    named = [paths["/chat/session/{session}"][method] for method in ("get", "delete")]

    assert all({"404", "409", "422", "503"} < set(one["responses"]) for one in asking + named)
    assert all("x-session" in one["responses"]["200"]["headers"] for one in asking)
    assert [sorted(one["responses"])[0] for one in named] == ["200", "204"]
    assert all(answer["description"] for one in asking + named for answer in one["responses"].values())
