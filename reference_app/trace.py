"""Which trace a request belongs to, as W3C's `traceparent` says it: taken from the user, told to the log and the provider."""

import os
import re
import uuid
from contextvars import ContextVar
from dataclasses import dataclass

HEADER = "traceparent"
_GOOD = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?")
"""A version that is not known yet may have more fields; its first ones are these."""


@dataclass(frozen=True, slots=True)
class Trace:
    """The trace, and our own span in it."""

    trace_id: str
    span_id: str
    flags: str = "01"

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


current_trace: ContextVar[Trace] = ContextVar("current_trace")


def trace_of(given: bytes) -> Trace:
    """A span of ours in the trace that was given; in a new trace where none was, or not in good form."""
    found = _GOOD.fullmatch(given)
    span_id = os.urandom(8).hex()
    if found is None or (given[:2] == b"00" and found[3]):
        return Trace(uuid.uuid4().hex, span_id)
    # Only the flag that version 00 knows: sampled.
    return Trace(found[1].decode(), span_id, f"{int(found[2], 16) & 1:02x}")
