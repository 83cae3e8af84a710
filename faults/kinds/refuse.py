"""Providers that are not there."""

from faults.actions import Actions, Refuse, Request, Seconds


def refuse(request: Request, seconds: Seconds = 1.0) -> Actions:
    """Reset this call and refuse every connection for `seconds`, as a provider that crashed and is started again."""
    yield Refuse(seconds)
