"""cache: never another question's answer, never half an answer, never a failure of its own."""

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from reference_app.call import Account, Call
from reference_app.features.cache import key_of
from reference_app.provider import make_provider, with_sampling
from reference_app.settings import Settings
from reference_app.transport import make_transport

OTHERS = [{}, {"temperature": 0.7}, {"temperature": 0.0}, {"top_p": 0.7}, {"max_tokens": 9}, {"seed": 1}, {"seed": 2}]


@pytest.mark.parametrize("first", ["/chat", "/chat/stream"])
@pytest.mark.parametrize("then", ["/chat", "/chat/stream"])
def test_the_second_answer_comes_without_a_call(app_with, provider, first, then):
    app, question = app_with("cache"), f"n=5 from {first} to {then}"
    app.ask(question, first)
    told = app.ask(question, then)

    assert told.text == provider.words(5) and told.end["served_by"] == "cache"
    assert provider.of(told.request_id) == []
    assert told.end["usage"]["output_tokens"] == told.end["usage"]["attempts"] == 0
    row = app.request_row(told.request_id)
    assert row["served_by"] == "cache" and row["first_token_s"] is not None


def test_no_parameters_share_an_answer(app_with):
    app = app_with("cache")
    served = [app.ask("n=2 polluted?", "/chat", **params).json["served_by"] for params in [*OTHERS, *OTHERS]]

    assert served == ["model"] * len(OTHERS) + ["cache"] * len(OTHERS)


def test_no_models_share_an_answer(app_with, provider, tmp_path):
    """Both apps use one file."""
    store = f"sqlite:{tmp_path / 'cache.db'}"
    one, other = (app_with("cache", cache=store, model=model) for model in ("a", "b"))

    assert [app.ask("n=2", "/chat").json["served_by"] for app in (one, other, one)] == ["model", "model", "cache"]


@pytest.mark.parametrize("how", ["fin", "clean", "stall"])
def test_half_an_answer_is_never_stored(app_with, how):
    app = app_with("cache,deadline", deadline_s=0.5)
    question = f"n=5 cut=3 how={how} times=1"
    app.ask(question, request_id=f"half-{how}")

    assert app.ask(question, request_id=f"half-{how}").end["served_by"] == "model"


def test_a_recovered_answer_is_stored_whole(app_with, provider):
    app, question = app_with(recovery_base_s=0.001), "n=5 cut=3 how=fin times=1 stored whole"

    assert [app.ask(question).end["served_by"] for _ in range(2)] == ["recovery", "cache"]
    assert app.ask(question, "/chat").text == provider.words(5)


def test_the_voided_half_of_a_restarted_answer_is_not_stored(app_with, provider):
    app, question = app_with(recovery="restart"), "n=5 cut=3 how=fin times=1 varies=1"
    app.ask(question)
    again = app.ask(question)

    assert again.end["served_by"] == "cache" and again.text == provider.words(5, "c2-")


def test_an_sqlite_cache_survives_a_restart(app_with, provider, tmp_path):
    store = f"sqlite:{tmp_path / 'cache.db'}"
    # Another setting makes another app: the second one knows only what is in the file.
    first, second = app_with("cache", cache=store), app_with("cache", cache=store, max_attempts=7)
    first.ask("n=4 survives")

    told = second.ask("n=4 survives")
    assert told.text == provider.words(4) and told.end["served_by"] == "cache"


def test_an_outage_of_the_cache_is_a_miss(app_with, provider, tmp_path):
    app = app_with("cache", cache=f"sqlite:{tmp_path / 'no' / 'such' / 'folder.db'}")
    told = app.ask("n=4")

    assert told.text == provider.words(4) and told.end["served_by"] == "model"
    assert app.rows("cache_outage", told.request_id)


@pytest.fixture(scope="module")
def model(api):
    return made(api)


def made(api, **settings):
    return make_provider(Settings(**{"provider": api, "model": "m", **settings}), make_transport())


def key(model, *messages, **params):
    model, rest = with_sampling(model, params)
    return key_of(Call(Account(0.0), model, list(messages), params=rest))


def test_the_key_is_canonical(model, api):
    """Ids of messages and the way to the answer do not matter; words, roles, order and parameters do."""
    plain = key(model, HumanMessage("a"))

    assert key(model, HumanMessage("a", id="x")) == plain
    assert key(model, HumanMessage("a"), stream=False) == plain
    assert key(model, HumanMessage("a"), keep_alive=5) == plain
    assert key(made(api, api_key="another"), HumanMessage("a")) == plain
    others = [
        key(model, HumanMessage("b")),
        key(model, SystemMessage("a")),
        key(model, HumanMessage("a"), AIMessage("b")),
        key(model, HumanMessage("a"), temperature=0.1),
        key(model, HumanMessage("a"), format="json"),
        key(made(api, model="n"), HumanMessage("a")),
        key(made(api, provider_url="http://elsewhere"), HumanMessage("a")),
        key(made(api, temperature=0.2), HumanMessage("a")),
    ]
    assert len({plain, *others}) == 1 + len(others)


def test_a_call_that_cannot_be_told_has_no_key(model):
    assert key(model, HumanMessage("a"), odd=object()) is None
