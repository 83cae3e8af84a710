"""single_flight: many ask, one call; nobody is failed, slowed or cancelled with another."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.reference_app.conftest import until

MANY = 6


def ask_at_once(apps, question, calls=MANY, **params):
    with ThreadPoolExecutor(calls) as pool:
        waiting = [pool.submit(apps[number % len(apps)].ask, question, **params) for number in range(calls)]
        return [one.result() for one in waiting]


def calls_of(provider, answers):
    return [call for told in answers for call in provider.of(told.request_id)]


@pytest.mark.parametrize("route", ["/chat", "/chat/stream"])
def test_many_who_ask_at_once_are_answered_by_one_call(app_with, provider, route):
    """The win: one call for six. They read it as it comes, from its beginning."""
    answers = ask_at_once([app_with("single_flight")], f"n=10 every=0.03 first=0.3 once {route}", route=route)

    assert {told.text for told in answers} == {provider.words(10)}
    assert len(calls_of(provider, answers)) == 1
    assert sorted(told.end["served_by"] for told in answers) == ["model"] + ["shared call"] * (MANY - 1)
    assert sum(told.end["usage"]["output_tokens"] for told in answers) == 10


def test_who_asks_one_after_the_other_gains_nothing(app_with, provider):
    """Where it does not help: it is no cache."""
    app = app_with("single_flight")
    answers = [app.ask("n=3 in turn") for _ in range(2)]

    assert [told.end["served_by"] for told in answers] == ["model", "model"] and len(calls_of(provider, answers)) == 2


def test_other_parameters_are_another_call(app_with, provider):
    app = app_with("single_flight")
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(app.ask, "n=5 every=0.05 first=0.3 apart", seed=seed) for seed in (1, 2)]
    assert len(calls_of(provider, [one.result() for one in asked])) == 2


@pytest.mark.parametrize("fault", ["status=503", "cut=3 how=fin", "cut=3 how=clean"])
def test_followers_of_a_failed_leader_are_answered(app_with, provider, fault):
    """Its failure strikes its own request id only: whoever takes over gets an answer."""
    app = app_with("single_flight,stream_recovery", recoveries=1, recovery_base_s=0.001)
    question = f"n=6 first=0.3 every=0.02 {fault} by {fault.replace('=', '-')}"
    fails = FailsFirst(provider)
    answers = fails.ask(app, question)

    assert all(told.text == provider.words(6) for told in answers[1:])
    assert len(calls_of(provider, answers[1:])) <= 2


class FailsFirst:
    """The first asks and fails; the others have joined by then."""

    def __init__(self, provider):
        self.provider = provider

    def ask(self, app, question):
        provider, followers = self.provider, 3
        # The stub counts calls of a request id: all of the leader's fail, and none of a follower's whose count was set before.
        ids = [f"{abs(hash(question))}-{provider.api}-{number}" for number in range(followers + 1)]
        for request_id in ids[1:]:
            provider.calls_of[request_id] = 5
        with ThreadPoolExecutor(len(ids)) as pool:
            first = pool.submit(app.ask, question + " times=5", request_id=ids[0])
            until(lambda: provider.of(ids[0]))
            others = [pool.submit(app.ask, question + " times=5", request_id=one) for one in ids[1:]]
            return [one.result() for one in (first, *others)]


def leave_soon(app, provider, question, request_id, **client):
    """Asks, and leaves when the provider has begun."""

    async def run():
        async with httpx.AsyncClient(timeout=20) as client:
            headers = {"x-request-id": request_id}
            asking = asyncio.create_task(client.post(app.url + "/chat", json={"question": question}, headers=headers))
            while not provider.of(request_id):
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.15)
            asking.cancel()

    asyncio.run(run())


def test_followers_survive_a_leader_who_leaves(app_with, provider):
    app, question, leader = app_with("single_flight"), "n=10 every=0.05 leader leaves", f"leaves-{provider.api}"
    with ThreadPoolExecutor(2) as pool:
        left = pool.submit(leave_soon, app, provider, question, leader)
        until(lambda: provider.of(leader))
        told = pool.submit(app.ask, question).result()
        left.result()

    assert told.text == provider.words(10) and told.end["served_by"] == "shared call"
    assert provider.of(told.request_id) == [] and provider.of(leader)[0].ended == "done"


def test_the_last_who_leaves_ends_the_call(app_with, provider):
    leader = f"alone-{provider.api}"
    leave_soon(app_with("single_flight"), provider, "n=100 every=0.05 alone", leader)

    assert until(lambda: provider.of(leader)[0].ended) and until(lambda: provider.of(leader)[0].ended == "left", 1)


def test_processes_share_a_call_over_redis(app_with, provider, redis_server):
    """Two apps, each with its own memory."""
    apps = [app_with("single_flight", redis_url=redis_server.url, max_attempts=number) for number in (3, 4)]
    answers = ask_at_once(apps, "n=12 every=0.05 first=0.3 across", calls=4)

    assert {told.text for told in answers} == {provider.words(12)}
    assert len(calls_of(provider, answers)) == 1
    assert [told.end["served_by"] for told in answers].count("shared call") == 3


def test_a_process_whose_leader_fails_elsewhere_asks_itself(app_with, provider, redis_server):
    apps = [app_with("single_flight", redis_url=redis_server.url, max_attempts=number) for number in (3, 4)]
    ids = [f"elsewhere-{provider.api}-{number}" for number in range(2)]
    provider.calls_of[ids[1]] = 5
    question = "n=6 first=0.3 every=0.1 cut=3 how=fin times=5 elsewhere"
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(apps[0].ask, question, request_id=ids[0])
        until(lambda: provider.of(ids[0]))
        other = pool.submit(apps[1].ask, question, request_id=ids[1]).result()

    assert first.result().ended == "error"
    assert other.text == provider.words(6) and len(provider.of(ids[1])) == 1


def test_without_its_redis_each_process_asks_itself(app_with, provider):
    app = app_with("single_flight", redis_url="redis://127.0.0.1:1/0")
    answers = ask_at_once([app], "n=4 every=0.05 first=0.3 no redis", calls=3)

    assert {told.text for told in answers} == {provider.words(4)} and len(calls_of(provider, answers)) == 1
    assert any(app.rows("flight_outage", told.request_id) for told in answers)
