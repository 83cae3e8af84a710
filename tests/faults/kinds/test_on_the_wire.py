"""Kinds that hold state or hold on to calls, through real mitmdump."""

import asyncio
import json
import sys
import time
from collections import Counter

import httpx
import pytest

PLAN = """
seed = 7
[[fault]]
name = "capacity"
kind = "capacity"
slots = 3
queue = 4
headers = { x-fault = "capacity*" }
[[fault]]
name = "two at once"
kind = "capacity"
slots = 2
headers = { x-fault = "two*" }
[[fault]]
name = "cut"
kind = "cut"
at = 2
reset = true
headers = { x-fault = "*cut" }
[[fault]]
name = "three a minute"
kind = "quota"
requests_per_min = 3
headers = { x-fault = "three" }
[[fault]]
name = "sixty a minute"
kind = "quota"
requests_per_min = 60
headers = { x-fault = "sixty" }
[[fault]]
name = "cold"
kind = "cold_load"
seconds = 0.8
headers = { x-fault = "cold" }
[[fault]]
name = "hang"
kind = "hang"
seconds = 0.4
headers = { x-fault = "hang" }
[[fault]]
name = "hang for ever"
kind = "hang"
headers = { x-fault = "hang-for-ever" }
"""
LONG = {"x_n": 2000, "x_gap_s": 0.01}


@pytest.fixture(scope="module")
def proxy(run, upstream, tmp_path_factory):
    plan = tmp_path_factory.mktemp("state") / "state.toml"
    plan.write_text(PLAN)
    return run(sys.executable, "-m", "faults", "--upstream", upstream.url, "--plan", plan, "--rows", plan.with_name("rows"))


@pytest.fixture
def begin(proxy, get):
    """begin(client, id, fault, ...): a call under way."""

    def start(client, request_id, fault, path="/api/chat", **headers):
        return asyncio.ensure_future(get(client, proxy.url + path, request_id, fault, **headers))

    return start


def on_the_wire(what):
    async def run():
        async with httpx.AsyncClient(timeout=20, limits=httpx.Limits(max_connections=None)) as client:
            return await what(client)

    return asyncio.run(run())


async def until(true, what):
    deadline_s = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline_s, what
        await asyncio.sleep(0.02)


def most_at_once(calls):
    """Of the provider's own stamps."""
    edges = [(call["began_s"], 1) for call in calls] + [(call["ended_s"], -1) for call in calls]
    inside, most = 0, 0
    for _, step in sorted(edges):
        inside += step
        most = max(most, inside)
    return most


def test_slots_queue_and_leaving(begin, upstream):
    """Twelve calls: three run, four wait, five are refused while the others go on; who leaves makes room."""

    def met():
        told = httpx.get(f"{upstream.url}/seen").json()
        return {id_ for id_ in told if id_.startswith("slot-")}

    async def story(client):
        calls = {f"slot-{n}": begin(client, f"slot-{n}", "capacity", **LONG) for n in range(12)}
        refused, going = await wait_for(list(calls.values()), 5)
        assert [(one.result().status, one.result().body) for one in refused] == [
            (503, b'{"error": "server busy, please try again.  maximum pending requests exceeded"}')
        ] * 5
        await until(lambda: len(met()) == 3, "three run")
        waiting = [id_ for id_, call in calls.items() if call in going and id_ not in met()]

        calls[waiting[0]].cancel()  # leaves the queue: nobody else runs for that, but one may come to wait
        (after,) = [begin(client, "slot-late", "capacity", **LONG)]
        await asyncio.sleep(0.3)
        assert len(met()) == 3 and not after.done()
        calls[next(iter(met()))].cancel()
        await until(lambda: len(met()) == 4, "a running call left, the next one runs")

        for call in [*going, after]:
            call.cancel()
        await asyncio.gather(*going, after, return_exceptions=True)
        return await asyncio.gather(*[begin(client, f"then-{n}", "capacity") for n in range(7)])

    assert [len(got.messages) for got in on_the_wire(story)] == [10] * 7, "all places were given back"


async def wait_for(calls, count):
    """The first so many that are done, and the rest."""
    await until(lambda: sum(call.done() for call in calls) >= count, f"{count} calls are done")
    return [call for call in calls if call.done()], [call for call in calls if not call.done()]


def test_never_more_at_the_provider_than_slots(begin, upstream):
    ids = [f"two-{n}" for n in range(14)]

    async def together(client):
        return await asyncio.gather(*[begin(client, id_, "two", x_gap_s=0.005) for id_ in ids])

    gots = on_the_wire(together)
    told = httpx.get(f"{upstream.url}/seen").json()

    assert [len(got.messages) for got in gots] == [10] * 14
    assert most_at_once([told[id_] for id_ in ids]) == 2


def test_places_of_calls_that_are_cut_are_given_back(begin):
    async def cut_then_whole(client):
        cut = await asyncio.gather(*[begin(client, f"two-cut-{n}", "two-cut", x_gap_s=0.01) for n in range(6)])
        return cut, await asyncio.gather(*[begin(client, f"two-after-{n}", "two") for n in range(4)])

    cut, whole = on_the_wire(cut_then_whole)
    assert all(len(got.messages) <= 2 and got.error for got in cut)
    assert [len(got.messages) for got in whole] == [10] * 4


def test_a_quota_lets_exactly_so_many_through(begin):
    async def together(client):
        calls = [begin(client, f"quota-{n}", "three", path="/v1/chat/completions") for n in range(8)]
        return await asyncio.gather(*calls)

    gots = on_the_wire(together)

    assert Counter(got.status for got in gots) == {200: 3, 429: 5}
    left = sorted(got.headers["x-ratelimit-remaining-requests"] for got in gots if got.status == 200)
    assert left == ["0", "1", "2"]
    for got in gots:
        if got.status == 429:
            assert json.loads(got.body)["error"]["code"] == "rate_limit_exceeded"
            assert 10 < int(got.headers["retry-after"]) <= 20


def test_who_waits_as_told_gets_through(begin):
    def a_call(client):
        return begin(client, "wait", "sixty", path="/v1/chat/completions")

    async def story(client):
        used_up = await asyncio.gather(*[a_call(client) for _ in range(75)])
        refused = await a_call(client)
        await asyncio.sleep(int(refused.headers["retry-after-ms"]) / 1000)
        return used_up, refused, await a_call(client)

    used_up, refused, served = on_the_wire(story)
    assert 60 <= sum(got.status == 200 for got in used_up) < 75
    assert (refused.status, served.status, len(served.messages)) == (429, 200, 10)
    assert 0 < int(refused.headers["retry-after-ms"]) <= 1000
    assert (served.headers["x-ratelimit-limit-requests"], served.headers["x-ratelimit-remaining-requests"]) == ("60", "0")


def test_everybody_waits_for_the_model_and_then_nobody(begin):
    """Headers come only when it is loaded; who gives up meanwhile ends the loading."""

    async def story(client):
        gave_up = begin(client, "cold-0", "cold")
        await asyncio.sleep(0.4)
        gave_up.cancel()
        await asyncio.sleep(0.2)
        first, second = await asyncio.gather(*[begin(client, f"cold-{n}", "cold") for n in (1, 2)])
        return first, second, await begin(client, "cold-3", "cold")

    first, second, third = [got.arrivals[0][0] for got in on_the_wire(story)]
    assert first > 0.75 and second > 0.75, "the loading began anew"
    assert third < 0.5


def test_an_answer_is_kept_back(begin, upstream):
    """Though the provider was asked at once."""
    (got,) = on_the_wire(lambda client: asyncio.gather(begin(client, "hang", "hang")))
    told = httpx.get(f"{upstream.url}/seen").json()["hang"]

    assert len(got.messages) == 10 and got.arrivals[0][0] > 0.4
    assert told["ended_s"] < got.messages[0]["at_s"] + 0.3


def test_who_leaves_a_hanging_call_leaves_nothing(begin, upstream, proxy):
    async def story(client):
        call = begin(client, "hanging", "hang-for-ever", **LONG)
        await until(lambda: "hanging" in httpx.get(f"{upstream.url}/seen").json(), "the provider is asked")
        call.cancel()
        await until(lambda: httpx.get(f"{upstream.url}/seen").json()["hanging"]["left"], "the provider is left, too")

    on_the_wire(story)
