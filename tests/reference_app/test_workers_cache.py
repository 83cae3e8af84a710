"""Claim A8: behind four workers a cache in memory is useless. Its hit share by how often each question comes, beside Redis."""

from collections.abc import Callable, Iterator
from itertools import count

import httpx
import pytest

from tests.reference_app.stub import serve_provider

APPS, QUESTIONS = 4, 6
ROUNDS = (2, 4, 8)
"""How often each question is asked, over all processes; a process gets it every fourth time."""


def hits_after(urls: list[str], ids: Iterator[int]) -> dict[int, float]:
    """The hit share after so many rounds."""
    hits, shares = 0, {}
    with httpx.Client(timeout=20) as http:
        for turn in range(1, max(ROUNDS) + 1):
            for question in range(QUESTIONS):
                asked = {"question": f"n=2 asked {question}"}
                url = urls[(turn + question) % APPS]
                told = http.post(f"{url}/chat", json=asked, headers={"x-request-id": f"w-{next(ids):06}"}).json()
                hits += told["served_by"] == "cache"
            shares[turn] = hits / (turn * QUESTIONS)
    return {turn: shares[turn] for turn in ROUNDS}


@pytest.mark.timeout(90)
def test_four_processes_find_what_one_has_answered_only_in_a_store_they_share(start: Callable, redis_server, tmp_path):
    """Wins: with Redis all but the first of each are hits. In memory each process must miss each question once."""
    provider, stop = serve_provider("ollama")
    ids, shares, calls = count(1), {}, {}
    try:
        for store, extra in (("memory", {}), ("redis", {"APP_REDIS_URL": redis_server.url})):
            before = len(provider.seen)
            environment = {"APP_CACHE": store, "APP_LOG_PATH": str(tmp_path / f"{store}.jsonl"), **extra}
            features = ("--features", "cache", "--provider-url", provider.url)
            apps = [start("reference_app", *features, **environment) for _ in range(APPS)]
            shares[store] = hits_after([app.url for app in apps], ids)
            calls[store] = len(provider.seen) - before
            for app in apps:
                app.stop()
    finally:
        stop()
    for turns in ROUNDS:
        told = ", ".join(f"{store} {share[turns]:.0%}" for store, share in shares.items())
        print(f"each question asked {turns} times, hit share: {told}")
    assert shares["memory"] == {2: 0.0, 4: 0.0, 8: 0.5}
    assert shares["redis"] == {2: 0.5, 4: 0.75, 8: 0.875}
    assert calls == {"memory": QUESTIONS * APPS, "redis": QUESTIONS}
