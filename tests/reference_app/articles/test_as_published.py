"""The articles' app: what of it works, what of it never happens, and what had to be repaired so that it starts at all."""

import asyncio
import builtins
import re
import time
from pathlib import Path

import httpx
import pytest
from langchain_community.cache import InMemoryCache
from langchain_core.language_models.fake import FakeListLLM
from pydantic import ValidationError

from reference_app import as_published, features
from reference_app.as_published.cached import key_of
from reference_app.as_published.recorded import RecordedOllama
from reference_app.as_published.repairs import REPAIRS
from reference_app.settings import Settings

THREADS = {"published_calls": "threads"}


pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning"),
]
"""The published client ends in an error that nobody hears."""


def as_dictionary():
    return "key" in InMemoryCache()


def with_a_client():
    class RetryingOllama(RecordedOllama):
        def __init__(self):
            super().__init__()
            self.client = None

    RetryingOllama()


def without_the_import():
    exec("try:\n    raise OSError\nexcept httpx.ReadError:\n    pass", {})


def imported():
    exec("from langchain.cache import InMemoryCache", {})


def waiting():
    FakeListLLM(responses=["x"]).with_retry(wait_exponential_multiplier=1)


UNREPAIRED = {1: imported, 2: as_dictionary, 3: with_a_client, 4: without_the_import, 5: waiting}


@pytest.mark.parametrize("repair", REPAIRS, ids=lambda repair: f"repair {repair.number}")
def test_each_repair_was_needed(repair):
    """What was there raises the error that the list tells."""
    kind, _, words = repair.error.partition(": ")
    with pytest.raises(getattr(builtins, kind), match=re.escape(words)):
        UNREPAIRED[repair.number]()


def test_every_repair_is_marked_where_it_stands():
    """By its number, in the file that the list names; and no other is."""
    folder = Path(as_published.__file__).parent
    marked = {
        (path.name, int(number)) for path in folder.glob("*.py") for number in re.findall(r"# Repair (\d+):", path.read_text())
    }
    named = {(repair.where, repair.number) for repair in REPAIRS}

    assert named <= marked and {number for _, number in marked} == {repair.number for repair in REPAIRS} == set(UNREPAIRED)


@pytest.mark.parametrize("how", ["threads", "blocking"])
def test_it_answers_over_our_routes(published, prompts, how):
    """Wins: both routes, with the same fields as ever, and the provider is told who asks."""
    app = published(published_calls=how)
    for route in ("/chat", "/chat/stream"):
        told = app.ask("n=5", route, temperature=0.3, max_tokens=50)
        assert (told.status, told.text) == (200, prompts.words(5))
        assert told.end["usage"] == {
            **told.end["usage"], "input_tokens": 12, "output_tokens": 5, "wasted_output_tokens": 0, "attempts": 1
        }  # fmt: skip
        (seen,) = prompts.of(told.request_id)
        assert (seen.attempt, seen.body["options"]["temperature"]) == ("1", 0.3)
        row = app.request_row(told.request_id)
        assert (row["features"], row["outcome"], row["attempts"]) == (["as_published"], "ok", 1)
        (attempt,) = app.rows("attempt", told.request_id)
        assert (attempt["outcome"], attempt["status"], attempt["tokens_out"]) == ("ok", 200, 5)


@pytest.mark.parametrize("route", ["/chat", "/chat/stream"])
def test_what_it_costs_is_told_as_of_any_app(published, price_list, route):
    """By the same list, or the arms could not be compared; what its cache knows costs nothing."""
    app = published(**THREADS, prices=price_list)
    costs = [app.ask(f"n=4 paid {route}", route).end["usage"]["cost"] for _ in range(2)]

    assert costs == [7e-05, 0.0 if route == "/chat" else 7e-05]


def test_its_streams_are_one_piece(published, app_of_ours):
    """Costs: the first word comes with the last."""
    question, pieces = "n=10 every=0.05", {}
    for name, app in {"as_published": published(**THREADS), "none": app_of_ours}.items():
        told = app.ask(question)
        row = app.request_row(told.request_id)
        pieces[name] = sum(event == "token" for event, _ in told.events)
        print(f"{name}: {pieces[name]} token events in {row['finished_s'] - row['started_s']:.2f} s")

    assert pieces == {"as_published": 1, "none": 10}


def test_its_cache_answers_the_same_question_once_but_only_in_one_piece(published, prompts):
    """Wins on /chat; /chat/stream asks no cache."""
    app = published(**THREADS)
    calls = {}
    for route in ("/chat", "/chat/stream"):
        told = [app.ask(f"n=3 again={route}", route, temperature=0.3) for _ in range(2)]
        calls[route] = sum(len(prompts.of(one.request_id)) for one in told)
        assert {one.text for one in told} == {prompts.words(3)}
        assert told[1].end["served_by"] == ("cache" if route == "/chat" else "model")
    print("calls for two equal questions:", calls)

    assert calls == {"/chat": 1, "/chat/stream": 2} and app.counted("as_published")["cache_hits"] == 1


def test_its_key_keeps_parameters_apart_and_langchain_s_does_not(published, prompts):
    """The articles' wrapper is right in this. Without it LangChain's key forgets what travels in the call."""
    calls = {}
    for cache in ("wrapper", "set_llm_cache"):
        app = published(**THREADS, published_cache=cache)
        told = [app.ask(f"n=3 by={cache}", "/chat", temperature=asked) for asked in (0.0, 0.7, 0.7)]
        calls[cache] = sum(len(prompts.of(one.request_id)) for one in told)
        served = [one.end["served_by"] for one in told]
        assert served == ["model", "model" if cache == "wrapper" else "cache", "cache"]
    print("calls for two temperatures:", calls)

    assert calls == {"wrapper": 2, "set_llm_cache": 1}
    assert key_of("q", {"a": 1, "b": 2}) == key_of("q", {"b": 2, "a": 1}) != key_of("q", {"a": 1, "b": 3})


@pytest.mark.parametrize("how", ["rst", "fin"])
def test_its_stream_fallback_is_never_reached(published, prompts, how):
    """It waits for an error of httpx's, and the class asks by requests. Ours has the whole text."""
    told = published(**THREADS).ask(f"n=8 cut=4 how={how} times=1")

    assert (told.status, len(prompts.of(told.request_id))) == (503, 1)
    assert "ChunkedEncodingError" in told.json["error"]


@pytest.mark.parametrize("how", ["clean", "error"])
def test_half_an_answer_is_told_as_a_whole_one(published, prompts, how):
    """Costs: neither a missing end nor an error in the stream is noticed, and /chat keeps it."""
    app = published(**THREADS)
    for route in ("/chat/stream", "/chat"):
        told = app.ask(f"n=8 cut=4 how={how} times=1 {route}", route)
        assert (told.status, told.text) == (200, prompts.words(4))
        assert app.rows("attempt", told.request_id)[-1]["outcome"] == "truncated"
    assert app.ask(f"n=8 cut=4 how={how} times=1 /chat", "/chat").text == prompts.words(4)


@pytest.mark.parametrize("status", [503, 422])
def test_its_retries_are_blind_and_only_for_answers_in_one_piece(published, prompts, status):
    """with_retry: three calls for a 422 as for a 503, none more for a stream; the laid-by answer never comes."""
    app = published(**THREADS)
    calls = {}
    for route in ("/chat", "/chat/stream"):
        began = time.monotonic()
        told = app.ask(f"n=3 status={status} {route}", route)
        calls[route] = len(prompts.of(told.request_id))
        print(f"{status} on {route}: {calls[route]} calls, {time.monotonic() - began:.1f} s, told as {told.status}")
        assert told.status == 500 and f"status code {status}" in told.json["error"]

    assert calls == {"/chat": 3, "/chat/stream": 1}


def test_its_blocking_calls_let_everybody_wait(published):
    """Six at once, of 0.2 s each: within the handler one after the other, in threads side by side."""
    took = {how: _burst(published(published_calls=how).url) for how in ("blocking", "threads")}
    print({how: f"{seconds:.2f} s" for how, seconds in took.items()})

    assert took["blocking"] > 1.1 and took["blocking"] > 1.5 * took["threads"]


def _burst(url):
    async def run():
        async with httpx.AsyncClient(timeout=30) as http:
            began = time.monotonic()
            asked = (http.post(url + "/chat", json={"question": f"n=2 first=0.2 burst={number}"}) for number in range(6))
            assert [told.status_code for told in await asyncio.gather(*asked)] == [200] * 6
            return time.monotonic() - began

    return asyncio.run(run())


@pytest.mark.parametrize("text", ["as_published,cache", "all,as_published", "none,as_published"])
def test_it_is_named_alone(text):
    with pytest.raises(ValueError, match=r"name it alone, without (cache|all|none)"):
        features.parse(text)
    assert features.parse("as_published") == ("as_published",) and "as_published" not in features.parse("all")


def test_it_asks_ollama_only():
    with pytest.raises(ValidationError, match="as_published asks Ollama only"):
        Settings(provider="openai", features="as_published")
