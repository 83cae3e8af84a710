"""Silence in the middle."""

from math import inf

from faults.actions import Message, Pause
from faults.kinds.stall import stall


def test_stall():
    assert list(stall(Message(3, 9, b"a"), at=4)) == [b"a"]
    assert list(stall(Message(4, 9, b"a"), at=4)) == [Pause(inf), b"a"]
    assert list(stall(Message(0, 0, b"a"), seconds=2.0)) == [Pause(2.0), b"a"]
