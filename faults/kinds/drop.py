"""Calls that get no answer at all."""

from faults.actions import Actions, Request, Sever


def drop(request: Request, reset: bool = False) -> Actions:
    """Break the connection before the provider is asked, by a reset or by an orderly close."""
    yield Sever(reset)
