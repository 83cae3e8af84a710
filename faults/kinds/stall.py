"""Streams that fall silent and stay open."""

from math import inf
from typing import Annotated

from faults.actions import Actions, Count, Message, Pause, Seconds
from faults.frames import keep_alive

DUST_S = 1e-6
"""Lost in arithmetic of floats."""


def stall(message: Message, at: Count | None = None, after_bytes: Count | None = None, seconds: Seconds = inf) -> Actions:
    """Go silent for `seconds`, by default for ever, before message `at` or after `after_bytes`; with neither, at the start."""
    left = -1 if after_bytes is None else after_bytes - message.byte
    if message.index == (0 if at is None and after_bytes is None else at):
        yield Pause(seconds)
    elif 0 <= left < len(message.data):
        yield message.data[:left]
        yield Pause(seconds)
        yield message.data[left:]
        return
    yield message.data


def masked_stall(
    message: Message,
    at: Count = 0,
    seconds: Seconds = inf,
    every_s: Annotated[float, 0.001, inf] = 5.0,
    named: bool = False,
) -> Actions:
    """Say nothing for `seconds` before message `at` but a keep-alive every `every_s`; SSE has comments, or `named` pings."""
    left_s = seconds if message.index == at and message.sort else 0.0
    while left_s > DUST_S:
        yield Pause(min(every_s, left_s))
        left_s -= every_s
        yield keep_alive(message, named)
    yield message.data
