"""Streams that fall silent and stay open."""

from math import inf

from faults.actions import Actions, Count, Message, Pause, Seconds


def stall(message: Message, at: Count = 0, seconds: Seconds = inf) -> Actions:
    """Go silent for `seconds` before message `at`; without `seconds`, for ever."""
    if message.index == at:
        yield Pause(seconds)
    yield message.data
