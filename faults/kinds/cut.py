"""Streams that break in the middle."""

from faults.actions import Actions, Count, Message, Sever


def cut(message: Message, at: Count | None = None, after_bytes: Count | None = None, reset: bool = False) -> Actions:
    """Break the connection before message `at` or after `after_bytes` of the body; with neither, just before its end."""
    if message.index == at or (message.last and at is None and after_bytes is None):
        yield Sever(reset)
    elif after_bytes is not None and message.byte + len(message.data) >= after_bytes:
        yield message.data[: after_bytes - message.byte]
        yield Sever(reset)
    else:
        yield message.data
