"""Places that are taken."""

import json

import pytest

from faults.actions import Occupy, Request
from faults.kinds.capacity import capacity
from faults.places import Places

OLLAMA = Request("r", path="/api/chat")


def arrive(places, count, **limits):
    """What so many calls are told that come one after the other and stay."""
    told = []
    for _ in range(count):
        (action,) = capacity(OLLAMA, places, **limits)
        if isinstance(action, Occupy):
            action.places.enter(lambda: None)
        told.append("in" if isinstance(action, Occupy) else action.status)
    return told


@pytest.mark.parametrize(
    ("slots", "queue", "told"),
    [
        (2, 0, ["in", "in", 503, 503]),
        (1, 2, ["in", "in", "in", 503]),
        (0, 0, [503, 503, 503, 503]),
        (4, 0, ["in"] * 4),
    ],
)
def test_slots_then_the_queue_then_nothing(slots, queue, told):
    places = Places()

    assert arrive(places, 4, slots=slots, queue=queue) == told
    assert (places.count, places.waiting) == (slots, max(0, told.count("in") - slots))


def test_a_place_given_back_is_free_again():
    places, tokens = Places(), []
    (action,) = capacity(OLLAMA, places, slots=1, queue=0)
    ready = tokens.clear  # any callable of one's own
    action.places.enter(ready)
    assert arrive(places, 1, slots=1, queue=0) == [503]

    places.leave(ready)
    assert arrive(places, 1, slots=1, queue=0) == ["in"]


def test_each_provider_says_it_in_its_way():
    replies = [
        next(capacity(Request("r", path=path), Places(), slots=0, queue=0))
        for path in ("/api/chat", "/v1/chat/completions", "/v1/messages")
    ]

    assert [reply.status for reply in replies] == [503, 503, 529]
    assert json.loads(replies[0].body) == {"error": "server busy, please try again.  maximum pending requests exceeded"}
