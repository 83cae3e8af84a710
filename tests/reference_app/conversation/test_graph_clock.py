"""Machines whose clocks do not agree, or one whose clock was set back: no confirmed turn is lost."""

import time
from functools import partial

import langgraph.checkpoint.base.id as ids
import pytest

from tests.reference_app.conversation.talk import Talk, sent

pytestmark = pytest.mark.parametrize("api", ["ollama"], indirect=True)
Thread = partial(Talk, kind="graph")
TICKS_PER_S, EPOCH_TICKS = 10_000_000, 0x01B21DD213814000
"""Of an id: 100 ns, since 1582."""


@pytest.fixture
def ahead(monkeypatch):
    """ahead(seconds): ids from here on are from a machine whose clock is that much ahead; None: from one in time."""

    def ahead(seconds):
        now = time.time_ns() // 100 + EPOCH_TICKS
        monkeypatch.setattr(ids, "_last_v6_timestamp", None if seconds is None else now + int(seconds * TICKS_PER_S))

    yield ahead
    ahead(None)


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_a_turn_waits_until_it_is_later_than_the_one_before(app_with, provider, tmp_path, ahead, durability):
    """LangGraph takes the highest id for the latest: the second turn would be confirmed, and never be seen again."""
    talk = Thread(app_with("none", checkpoints=f"sqlite:{tmp_path / 'checkpoints.db'}", durability=durability, graph_wait_s=20))
    ahead(1.5)
    talk.ask("n=1 first")
    ahead(None)
    told = [talk.ask(f"n=2 {name}") for name in ("second", "third")]

    assert [one.status for one in told] == [200, 200] and sent(provider, told[1])[-3:] == ["n=2 second", "w0 w1", "n=2 third"]
    assert talk.said[::2] == ["n=1 first", "n=2 second", "n=2 third"]


def test_a_turn_that_would_wait_too_long_is_refused_before_it_costs_anything(app_with, provider, tmp_path, ahead):
    """What was said can still be read; a new thread is answered."""
    app = app_with("none", checkpoints=f"sqlite:{tmp_path / 'checkpoints.db'}", graph_wait_s=0.2)
    talk = Thread(app)
    ahead(600)
    talk.ask("n=1 first")
    ahead(None)
    calls = len(provider.seen)
    told = talk.ask("n=2 second")

    assert told.status == 503 and "clock" in told.json["error"] and told.headers["retry-after"] == "1"
    assert len(provider.seen) == calls and talk.said == ["n=1 first", "w0"] and Thread(app).ask("n=1 new").status == 200
