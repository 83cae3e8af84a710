"""Calls that were taken but get no answer for a long time."""

from math import inf

from faults.actions import Actions, Headers, Pause, Seconds


def hang(headers: Headers, seconds: Seconds = inf) -> Actions:
    """Ask the provider but keep its answer back, headers and all, for `seconds`; without `seconds`, for ever."""
    yield Pause(seconds)
