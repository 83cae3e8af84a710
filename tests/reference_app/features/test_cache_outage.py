"""cache on real servers and a real full disk: no wrong answer, nobody waits, hits again without a restart."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.reference_app.conftest import until

COOLDOWN_S = 0.2


@pytest.fixture
def app(app_with, redis_server):
    return app_with("cache,single_flight", cache="redis", redis_url=redis_server.url, cache_cooldown_s=COOLDOWN_S)


def load(app, calls, label):
    """That many questions, four at once: what each got, and how long the app took for it."""

    def ask(number):
        told = app.ask(f"n=3 {label} {number}", "/chat")
        row = app.request_row(told.request_id)
        return told, row["finished_s"] - row["started_s"]

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(ask, range(calls)))


def assert_right(told, provider):
    assert {answer.status for answer, _ in told} == {200} and {answer.text for answer, _ in told} == {provider.words(3)}


def test_processes_share_their_answers(app, app_with, provider, redis_server):
    """The win of Redis: what one process has learned, all know."""
    other = app_with("cache", cache="redis", redis_url=redis_server.url, max_attempts=7)
    app.ask(f"n=3 shared {provider.api}")

    assert other.ask(f"n=3 shared {provider.api}").end["served_by"] == "cache"


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_an_outage_of_redis_fails_and_delays_nobody(app, provider, redis_server, how):
    load(app, 4, how)
    usual_s = max(took_s for _, took_s in load(app, 4, f"{how} usual"))
    redis_server.kill() if how == "killed" else redis_server.freeze()
    try:
        told = load(app, 24, how)
    finally:
        redis_server.start() if how == "killed" else redis_server.thaw()
    assert_right(told, provider)
    worst_s = max(took_s for _, took_s in told)
    print(f"redis {how}: usually {usual_s:.3f} s at most, {worst_s:.3f} s while it was away")
    assert worst_s < usual_s + 0.3
    assert any(app.rows("cache_outage", answer.request_id) for answer, _ in told)

    def hit_again():
        return app.ask(f"n=3 {how} 0 again", "/chat").json["served_by"] == "cache"

    assert until(hit_again)
    assert_right(load(app, 4, how), provider)


def test_a_full_disk_fails_nobody(app_with, provider, small_disk):
    app = app_with("cache", cache=f"sqlite:{small_disk.folder / 'cache.db'}", cache_cooldown_s=COOLDOWN_S)
    app.ask("n=3 before", "/chat")
    small_disk.fill()
    full = [app.ask(f"n=1000 full {number}", "/chat") for number in range(3)]
    assert {told.status for told in full} == {200} and {told.text for told in full} == {provider.words(1000)}
    assert any(app.rows("cache_outage", told.request_id) for told in full)
    assert app.ask("n=3 before", "/chat").json["served_by"] == "cache"

    small_disk.empty()
    assert until(lambda: app.ask("n=3 after", "/chat").json["served_by"] == "cache")
