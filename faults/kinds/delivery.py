"""The provider's own bytes, delivered otherwise than it sent them; streams and JSON bodies alike but where told."""

import re
from math import inf
from typing import Annotated

from faults.actions import Actions, Count, Message, Pause, Seconds
from faults.frames import is_framed

_WIDE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]")
"""Where a character of more than one byte begins, in UTF-8."""


def slow_drip(message: Message, gap_s: Seconds) -> Actions:
    """Wait `gap_s` before every message."""
    if message.data:
        yield Pause(gap_s)
    yield message.data


def buffered(message: Message, memory: list[bytes], hold: Count | None = None) -> Actions:
    """Send the messages of a stream all at once when it is complete, or `hold` at a time; JSON bodies pass.

    All at once is what a buffering proxy does, some at a time what Azure's content filter does by default.
    """
    if is_framed(message) and (hold is None or len(memory) + 1 < hold):
        memory.append(message.data)
    else:
        yield b"".join(memory) + message.data
        memory.clear()


def split_frames(message: Message, at: Count | None = None, pause_s: Annotated[float, 0.001, inf] = 0.02) -> Actions:
    """Send every message, or only message `at`, in four pieces: cut in a name, in a character and in the end of the line."""
    data, begin = message.data, 0
    for end in _cuts(data) if at in (None, message.index) else ():
        yield data[begin:end]
        yield Pause(pause_s)
        begin = end
    yield data[begin:]


def _cuts(data: bytes) -> list[int]:
    wide = _WIDE.search(data)
    inside = wide.start() + 1 if wide else len(data) // 2
    return sorted({2, inside, len(data) - 1} & set(range(1, len(data))))
