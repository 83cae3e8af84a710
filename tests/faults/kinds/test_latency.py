"""Answers that come late."""

from faults.actions import Message, Pause, Request
from faults.kinds.latency import latency, slow_first_token


def test_latency():
    assert list(latency(Request("r"), 0.5)) == [Pause(0.5)]


def test_only_the_first_token_is_slow_and_by_what_it_took():
    assert list(slow_first_token(Message(0, 0, b"a", at_s=0.7), 3)) == [Pause(1.4), b"a"]
    assert list(slow_first_token(Message(1, 1, b"b", at_s=0.9), 3)) == [b"b"]
