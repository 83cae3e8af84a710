"""Answers that come late."""

from math import inf
from typing import Annotated

from faults.actions import Actions, Message, Pause, Request, Seconds


def latency(request: Request, seconds: Seconds) -> Actions:
    """Wait `seconds` before the call is passed on to the provider."""
    yield Pause(seconds)


def slow_first_token(message: Message, factor: Annotated[float, 1, inf]) -> Actions:
    """Let the first message take `factor` times as long as the provider took for it."""
    if message.index == 0:
        yield Pause((factor - 1) * message.at_s)
    yield message.data
