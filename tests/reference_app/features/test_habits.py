"""connection_pool and async_calls: what any async app does; off, they are the ordinary mistakes."""

import asyncio
import time

import httpx
import pytest

BURST = 6


def _burst(app, question):
    async def run():
        async with httpx.AsyncClient(timeout=20) as http:

            async def ask(number):
                name = {"x-request-id": f"{question[:3]}{time.monotonic_ns()}-{number}"}
                told = await http.post(f"{app.url}/chat", json={"question": question}, headers=name)
                return told.status_code

            began = time.monotonic()
            statuses = await asyncio.gather(*(ask(number) for number in range(BURST)))
            return statuses, time.monotonic() - began

    return asyncio.run(run())


@pytest.mark.parametrize("features", ["none,-connection_pool", "none,-async_calls", "none,-connection_pool,-async_calls"])
def test_the_mistakes_answer_all_the_same(app_with, provider, features):
    app = app_with(features)
    for route in ("/chat", "/chat/stream"):
        told = app.ask("n=5 every=0.001", route, temperature=0.3, max_tokens=50)
        assert (told.status, told.text) == (200, provider.words(5))
        (seen,) = provider.of(told.request_id)
        assert seen.attempt == "1"
        assert (seen.sampling["temperature"], seen.sampling["max_tokens"]) == (0.3, 50)
        row = app.request_row(told.request_id)
        assert row["features"] == [name for name in features.split(",") if name != "none"]
    refused = app.ask("status=503 ra=7")
    assert refused.status == 503


def test_a_connection_is_used_again_or_not(app_with, provider):
    """Wins: connections, and how long a request takes. Costs: nothing."""
    took = {}
    for features in ("none", "none,-connection_pool"):
        app = app_with(features)
        app.ask("n=2")
        before, times_s = provider.connections, []
        for _ in range(5):
            began = time.monotonic()
            app.ask("n=2")
            times_s.append(time.monotonic() - began)
        # The least: what else runs on the machine only adds.
        took[features] = provider.connections - before, min(times_s)
    (shared, shared_s), (each, each_s) = took.values()
    print(f"5 requests: {shared} connections, {1000 * shared_s:.0f} ms each; without the pool {each}, {1000 * each_s:.0f} ms")
    # A connection that stood unused for long may have been closed meanwhile.
    assert shared <= 1 and each == 5
    assert each_s > shared_s


def test_a_blocking_call_lets_everybody_else_wait(app_with):
    """Wins: a burst takes as long as one."""
    question = "n=2 first=0.2"
    statuses, together_s = _burst(app_with("none"), question)
    blocked, one_by_one_s = _burst(app_with("none,-async_calls"), question)
    print(f"{BURST} requests of 0.2 s at once: {together_s:.2f} s; without async_calls {one_by_one_s:.2f} s")
    assert set(statuses) == set(blocked) == {200}
    assert one_by_one_s >= BURST * 0.2
    assert together_s < one_by_one_s / 1.5


def test_one_request_at_a_time_is_no_faster_with_it(app_with):
    """Where it does not help."""
    took = []
    for features in ("none", "none,-async_calls"):
        app = app_with(features)
        app.ask("n=2")
        began = time.monotonic()
        for _ in range(3):
            app.ask("n=2 first=0.1")
        took.append((time.monotonic() - began) / 3)
    print(f"one at a time: {took[0]:.2f} s; without async_calls {took[1]:.2f} s")
    assert took[0] < 2 * took[1] + 0.2 and took[1] < 2 * took[0] + 0.2
