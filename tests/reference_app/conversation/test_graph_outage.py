"""PostgreSQL killed, frozen, away from the start, and back: no restart of the app, no wrong text, and all that was told."""

import asyncio
import os
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count

import httpx
import psycopg
import pytest

from tests.conftest import Started
from tests.reference_app.conftest import App, until
from tests.reference_app.conversation.outage import back
from tests.reference_app.conversation.talk import Talk, sent

Talk = partial(Talk, kind="graph")
numbers = count()
pytestmark = pytest.mark.parametrize("api", ["ollama"], indirect=True)


def ready(app):
    return httpx.get(app.url + "/health/ready", timeout=10).json()["status"]


def refused_in_time(talk, question="n=2 now?"):
    """A 503 with Retry-After, in one sentence, for each route; the model is not asked without the history."""
    asked = talk.ask(question)
    answers = [(one.status_code, one.headers, one.json()) for one in (talk.get(), talk.delete())]
    for status, headers, told in [(asked.status, asked.headers, asked.json), *answers]:
        assert status == 503 and float(headers["retry-after"]) > 0, told
        assert "cannot be read or saved now" in told["error"]


def test_postgres_is_killed_and_comes_back(app_with, provider, postgres_server):
    """Refused while it is away, at once from the second request on; afterwards the conversation goes on."""
    app = app_with("none", checkpoints=postgres_server.url)
    talk, pooled = Talk(app), [Talk(app) for _ in range(5)]
    assert talk.ask("n=2 before").status == 200
    with ThreadPoolExecutor(5) as users:
        # So that there are several connections that will be found broken.
        assert {one.status for one in users.map(lambda one: one.ask("n=2 every=0.05"), pooled)} == {200}
    postgres_server.kill()
    try:
        calls = len(provider.seen)
        refused_in_time(talk)
        began = time.monotonic()
        for _ in range(5):
            refused_in_time(talk)
        print(f"PostgreSQL killed: a request is refused after {(time.monotonic() - began) / 15:.2f} s")
        assert len(provider.seen) == calls and ready(app) == "degraded"
        # Who needs no history is served.
        assert app.ask("n=2").text == provider.words(2)
    finally:
        back(postgres_server)
    until(lambda: talk.get().status_code == 200, within_s=20)
    after = talk.ask("n=3 after")
    assert ready(app) == "ready" and sent(provider, after) == ["n=2 before", "w0 w1", "n=3 after"]
    assert talk.said == ["n=2 before", "w0 w1", "n=3 after", provider.words(3)]
    assert app.counted("graph")["outages"] >= 1


def test_a_restart_that_nobody_was_there_for_costs_nobody_a_question(app_with, provider, postgres_server):
    """All connections of before are broken; the first that is found so has them all looked at, and is tried again."""
    app = app_with("none", checkpoints=postgres_server.url)
    talks = [Talk(app) for _ in range(6)]
    with ThreadPoolExecutor(6) as users:
        assert {one.status for one in users.map(lambda one: one.ask("n=2 every=0.05 before"), talks)} == {200}
    postgres_server.kill()
    back(postgres_server)
    statuses = [talk.ask("n=2 after").status for talk in talks]

    print(f"after an unseen restart of PostgreSQL: {statuses}")
    assert set(statuses) == {200} and {len(talk.said) for talk in talks} == {4}


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
def test_killed_while_the_model_speaks(app_with, provider, postgres_server, stream):
    """The user is told that it is not saved, whatever was read of it; asked again, the turn is there once."""
    app = app_with("none", checkpoints=postgres_server.url)
    talk = Talk(app, stream=stream)
    assert talk.ask("n=2 before").status == 200
    question = f"n=20 every=0.05 {next(numbers)}"
    with ThreadPoolExecutor(1) as user:
        asking = user.submit(talk.ask, question)
        until(lambda: any(one.body["messages"][-1]["content"] == question and one.sent > 3 for one in provider.seen))
        postgres_server.kill()
        told = asking.result()
    back(postgres_server)
    assert told.status == 503 or told.ended == "error"
    until(lambda: talk.get().status_code == 200, within_s=20)

    assert talk.said == ["n=2 before", "w0 w1"], "not half of it"
    again = talk.ask(question)
    assert again.text == provider.words(20) and talk.said[2:] == [question, provider.words(20)]


def test_away_when_the_app_starts(start, provider, postgres_server, tmp_path):
    """The app starts all the same, degraded, and the graph works as soon as PostgreSQL is there."""
    postgres_server.kill()
    try:
        flags = ("--provider-url", provider.url, "--features", "none", "--log-path", tmp_path / "rows.jsonl")
        process = start("reference_app", *flags, APP_CHECKPOINTS=postgres_server.url)
        app = App(process.url, tmp_path / "rows.jsonl", (f"away-{next(numbers)}" for _ in count()))
        assert ready(app) == "degraded" and app.ask("n=2").text == provider.words(2)
        told = Talk(app).ask("n=2")
        assert told.status == 503 and float(told.headers["retry-after"]) > 0
    finally:
        back(postgres_server)
    talk = Talk(app)
    until(lambda: talk.ask("n=2 now").status == 200, within_s=20)
    assert ready(app) == "ready" and len(talk.said) == 2 and "Traceback" not in process.log.read_text()


def test_one_that_hangs_is_waited_for_only_so_long(app_with, postgres_server):
    """Frozen: it takes connections, and answers nothing. Thawed, all is well, and no thread is stuck."""
    app = app_with("none", checkpoints=postgres_server.url, checkpoints_timeout_s=0.7)
    talk = Talk(app)
    assert talk.ask("n=2 before").status == 200
    pids = _server_pids(postgres_server)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        took = []
        for _ in range(4):
            began = time.monotonic()
            assert talk.ask("n=2 now?").status == 503
            took.append(time.monotonic() - began)
        print(f"PostgreSQL frozen, patience 0.7 s: refused after {', '.join(f'{one:.2f}' for one in took)} s")
        assert max(took) < 5 and app.ask("n=2").status == 200
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    until(lambda: talk.ask("n=2 after").status == 200, within_s=20)
    assert talk.said[:2] == ["n=2 before", "w0 w1"] and talk.said[-2:] == ["n=2 after", "w0 w1"]


def _server_pids(server):
    """The server's and those of its connections: freezing the first alone leaves the others answering."""
    parent = server.process.pid
    with open(f"/proc/{parent}/task/{parent}/children") as children:
        return [parent, *map(int, children.read().split())]


def test_the_connections_are_bounded(app_with, postgres_server):
    """Thirty turns at once over a pool of 3, and one for the turns: 4, however many users there are."""
    app = app_with("none", checkpoints=f"{postgres_server.url}?application_name=bounded", checkpoints_pool=3)
    most, over = [0], []

    def watch():
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'bounded'"
        with psycopg.connect(postgres_server.url, autocommit=True) as connection:
            while not over:
                (found,) = connection.execute(query).fetchone()
                most[0] = max(most[0], found)
                time.sleep(0.01)

    with ThreadPoolExecutor(31) as users:
        watching = users.submit(watch)
        try:
            told = list(users.map(lambda number: Talk(app, f"u{number}").ask("n=4 every=0.02"), range(30)))
        finally:
            over.append(True)
        watching.result()
    print(f"30 turns at once over a pool of 3: {most[0]} connections at most")
    assert {one.status for one in told} == {200} and 2 <= most[0] <= 4


@pytest.fixture(params=["sqlite", "postgres"])
def shared(request, tmp_path):
    """Where several processes keep the same conversations."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'checkpoints.db'}"
    return request.getfixturevalue("postgres_server").url


def two_processes(start, provider, shared, tmp_path, **environment) -> list[App]:
    flags = ("--provider-url", provider.url, "--features", "none")
    apps = []
    for name in ("one", "two"):
        log = tmp_path / f"{name}.jsonl"
        process: Started = start("reference_app", *flags, "--log-path", log, APP_CHECKPOINTS=shared, **environment)
        apps.append(App(process.url, log, (f"{name}-{next(numbers)}" for _ in count())))
    return apps


def test_one_turn_at_a_time_across_processes(start, provider, shared, tmp_path):
    """Two processes, one thread, ten questions at once: each is told with all before it, and none is lost."""
    apps = two_processes(start, provider, shared, tmp_path, APP_GRAPH_WAIT_S="60")
    first = Talk(apps[0])
    first.ask("n=1 begin")
    talks = [Talk(app, session=first.session) for app in apps] * 5
    with ThreadPoolExecutor(10) as users:
        told = list(users.map(lambda pair: pair[1].ask(f"n=2 every=0.02 q{pair[0]}"), enumerate(talks)))

    assert {one.status for one in told} == {200}, [one.json for one in told]
    assert sorted(len(sent(provider, one)) for one in told) == list(range(3, 23, 2)), "each knows one turn more"
    said = first.said
    assert len(said) == 22 and len(set(said[::2])) == 11 and set(said[3::2]) == {"w0 w1"}


def test_who_waits_too_long_for_another_process_is_told_so(start, provider, shared, tmp_path):
    """The cost: a 409 with Retry-After. A process that dies lets go of the thread at once."""
    one, two = two_processes(start, provider, shared, tmp_path, APP_GRAPH_WAIT_S="0.3")
    talk = Talk(one)
    talk.ask("n=1 begin")
    other = Talk(two, session=talk.session)
    with talk.streamed("n=100 every=0.05 slow") as pieces:
        next(pieces)
        told = other.ask("n=2 and?")
        assert (told.status, told.headers["retry-after"]) == (409, "1") and "another question" in told.json["error"]
    assert until(lambda: other.ask("n=2 and?").status == 200, within_s=10), "let go when its user left"


def test_a_turn_that_has_lost_its_lock_is_not_confirmed(api, postgres_server):
    """PostgreSQL restarted meanwhile: another process may have answered in the thread, and one of the two would be lost."""
    from reference_app.conversation.checkpoints_postgres import AdvisoryLocks

    async def run():
        mine, other = AdvisoryLocks(postgres_server.url), AdvisoryLocks(postgres_server.url)
        await mine.open(), await other.open()
        assert await mine.take("t") and not await other.take("t") and await other.take("u")
        with psycopg.connect(postgres_server.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s", (mine._connection.info.backend_pid,)
            )
        await mine.open()
        assert await other.take("t")
        assert not await mine.give_back("t") and await other.give_back("t") and not await other.give_back("t")
        await mine.close(), await other.close()

    asyncio.run(run())


def test_an_sqlite_file_that_cannot_be_written(app_with, tmp_path):
    """Another process keeps it locked: a 503 in time, nothing half, and all is well once it lets go."""
    path = tmp_path / "checkpoints.db"
    app = app_with("none", checkpoints=f"sqlite:{path}", checkpoints_timeout_s=0.5)
    talk = Talk(app)
    assert talk.ask("n=2 before").status == 200
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        told = talk.ask("n=2 now?")
        print(f"SQLite locked, patience 0.5 s: refused after {time.monotonic() - began:.2f} s")
        assert told.status == 503 and float(told.headers["retry-after"]) > 0
        other.execute("ROLLBACK")
    other.close()
    assert until(lambda: (again := talk.ask("n=3 now?")).status == 200 and again, within_s=20).text == "w0 w1 w2"
    # What was refused may have been written down once the file was free: then it is finished, whole.
    assert talk.said[:2] == ["n=2 before", "w0 w1"] and talk.said[-2:] == ["n=3 now?", "w0 w1 w2"]
    assert talk.said[2:-2] in ([], ["n=2 now?", "w0 w1"])
