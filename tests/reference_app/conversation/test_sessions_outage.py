"""Sessions on real servers and a real full disk: no answer without its history, none lost, and recovery without a restart."""

import os
import sqlite3
from itertools import count

import pytest

from tests.reference_app.conftest import until
from tests.reference_app.conversation.talk import Talk, sent

pytestmark = pytest.mark.parametrize("api", ["ollama"], indirect=True)
numbers = count()


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_without_redis_a_new_session_is_answered_and_an_old_one_is_not(app_with, provider, redis_server, how, stream):
    """An answer without what was said before would be wrong; one that is only not saved is right, and marked."""
    app = app_with("none", sessions="redis", redis_url=redis_server.url, redis_timeout_s=0.5)
    old = Talk(app, stream=stream)
    old.ask("n=2 first")
    redis_server.kill() if how == "killed" else redis_server.freeze()
    try:
        calls = len(provider.seen)
        refused, read, deleted = old.ask("n=2 and?"), old.get(), old.delete()
        assert len(provider.seen) == calls
        new = Talk(app, stream=stream).ask("n=2 new")
        took_s = [row["finished_s"] - row["started_s"] for row in (app.request_row(one.request_id) for one in (refused, new))]
    finally:
        redis_server.start() if how == "killed" else redis_server.thaw()

    assert (refused.status, read.status_code, deleted.status_code) == (503, 503, 503)
    assert refused.headers["retry-after"] == read.headers["retry-after"] == "1" and "cannot be read" in refused.json["error"]
    assert (new.status, new.text, new.end["saved"], new.end["degraded"]) == (200, provider.words(2), False, True)
    assert stream or new.headers["x-degraded"] == "history not saved"
    assert app.rows("session_outage", new.request_id)[0]["doing"] == "save"
    print(f"redis {how}: refused after {took_s[0]:.3f} s, a new session answered after {took_s[1]:.3f} s")
    assert max(took_s) < 5

    assert until(lambda: Talk(app, stream=stream).ask("n=2 back").end["saved"])
    if how == "frozen":
        told = old.ask("n=2 back again")
        assert sent(provider, told)[-1] == "n=2 back again" and sent(provider, told)[0] == "n=2 first"
    else:
        # This Redis keeps nothing on disk. What it has lost is unknown, and never half there.
        assert old.ask("n=2 back again").status == 404


def test_a_redis_that_dies_during_the_answer_costs_only_the_history(app_with, provider, redis_server):
    """The answer is whole, and marked at its end; the session goes on as it was before, where Redis still has it."""
    app = app_with("none", sessions="redis", redis_url=redis_server.url, redis_timeout_s=0.5)
    talk = Talk(app)
    talk.ask("n=2 first")
    with talk.streamed("n=20 every=0.03 long") as pieces:
        next(pieces)
        redis_server.freeze()
        try:
            *_, end = pieces
        finally:
            redis_server.thaw()
    assert b"event: done" in end and b'"saved":false' in end and b'"degraded":true' in end

    def known():
        told = talk.ask("n=2 and?")
        return told.status == 200 and sent(provider, told)

    # Frozen, it may have taken the turn all the same: not known to be saved is not known to be lost.
    assert until(known)[:2] == ["n=2 first", provider.words(2)]


def test_a_locked_file_costs_only_the_history(app_with, provider, tmp_path):
    """Another process holds the file for longer than anybody waits: what is there is read, what is new is not saved."""
    path = tmp_path / "sessions.db"
    app = app_with("none", sessions=f"sqlite:{path}")
    talk = Talk(app)
    talk.ask("n=2 first")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    told = talk.ask("n=3 locked")
    other.execute("ROLLBACK")
    other.close()

    assert (told.status, told.text, told.end["saved"]) == (200, provider.words(3), False)
    assert sent(provider, told) == ["n=2 first", provider.words(2), "n=3 locked"]
    assert talk.ask("n=3 free").end["saved"] and len(talk.said) == 4


def test_a_full_disk_costs_only_the_history(app_with, provider, small_disk):
    """Answers are given and marked; what was saved before is read; with room again, it goes on without a restart."""
    app = app_with("none", sessions=f"sqlite:{small_disk.folder / 'sessions.db'}")
    talk = Talk(app)
    assert talk.ask("n=2 first").end["saved"]
    small_disk.fill()
    full = [talk.ask(f"n=1500 full {number}") for number in range(3)]
    small_disk.empty()

    assert {told.status for told in full} == {200} and {told.text for told in full} == {provider.words(1500)}
    assert [told.end["saved"] for told in full] == [False] * 3
    assert talk.said == ["n=2 first", provider.words(2)]
    assert talk.ask("n=2 room").end["saved"] and talk.said[2:] == ["n=2 room", provider.words(2)]


def test_a_file_that_cannot_be_opened_is_an_outage_until_it_can(app_with, tmp_path):
    """The folder is there when the app starts, and gone when it is needed."""
    folder = tmp_path / "later"
    folder.mkdir()
    app = app_with("none", sessions=f"sqlite:{folder / 'sessions.db'}")
    os.rmdir(folder)
    told = Talk(app).ask("n=2 no folder")
    folder.mkdir()

    assert (told.status, told.end["saved"]) == (200, False)
    assert Talk(app).ask("n=2 a folder").end["saved"]
