"""Which faults of one call leave the others no chance."""

from itertools import count

import pytest

from faults.actions import Message, Pause, Request
from faults.chances import Foreseen
from faults.kinds.answer import answer
from faults.kinds.cut import cut
from faults.kinds.drop import drop
from faults.kinds.hang import hang
from faults.kinds.latency import latency
from faults.kinds.quota import quota
from faults.kinds.stall import stall
from faults.plan import Fault

LINES = tuple(b'{"message": {"content": "%d"}, "done": false}\n' % n for n in range(20))
CALL = Request("p01-000001", path="/api/chat")
FORESEEN = Foreseen((CALL,), "application/x-ndjson", LINES, patience_s=10.0)


def late(message: Message):
    if message.index == 15:
        yield Pause(0.1)
    yield message.data


def pinging(message: Message):
    for _ in count():
        yield Pause(0)


def broken(message: Message):
    yield message.data[1 // (3 - message.index) :]


CUT, LATE = Fault(cut, {"at": 3}), Fault(late)


@pytest.mark.parametrize(
    ("faults", "robbed"),
    [
        ([CUT], set()),
        ([CUT, LATE], {"late"}),
        ([LATE, CUT], {"late"}),
        ([Fault(cut, {"at": 18}), LATE], set()),
        ([Fault(answer, {"status": 503}), LATE, CUT], {"late", "cut"}),
        ([Fault(answer, {"status": 503}), Fault(drop)], {"drop"}),
        ([Fault(latency, {"seconds": 1.0}), LATE], set()),
        ([Fault(latency, {"seconds": 11.0}), LATE], {"late"}),
        ([Fault(stall, {"at": 3}), LATE], {"late"}),
        ([Fault(hang), LATE], {"late"}),
        ([Fault(pinging), LATE], {"late"}),
        ([Fault(broken), LATE], {"late"}),
    ],
)
def test_what_ends_a_call_leaves_no_chance_to_what_would_come_later(faults, robbed):
    assert FORESEEN.without_chance(CALL, faults) == robbed


def test_a_place_that_an_answer_does_not_have_is_nobodys_doing():
    """The stall would wait in vain for message 99 anyway."""
    assert FORESEEN.without_chance(CALL, [Fault(stall, {"at": 99}), LATE]) == set()


def test_looking_ahead_takes_nothing_from_a_quota():
    full = Fault(quota, {"requests_per_min": 1})

    assert [FORESEEN.without_chance(CALL, [full, LATE]) for _ in range(3)] == [set(), set(), set()]
    assert full.shared["shared"] == {}
