"""Ends that are not what they look like."""

from math import inf

from faults.actions import Actions, Count, Finish, Message, Pause, Seconds
from faults.frames import is_framed, says_end


def silent_truncation(message: Message, at: Count | None = None) -> Actions:
    """End a stream in good order before message `at`, at the latest before it says `done`, a finish_reason or [DONE]."""
    if is_framed(message) and (message.index == at or says_end(message)):
        yield Finish()
    else:
        yield message.data


def linger(message: Message, seconds: Seconds = inf) -> Actions:
    """Keep the response open for `seconds` after all of it was said, of a stream and of a JSON body; by default for ever."""
    if message.last:
        yield Pause(seconds)
    yield message.data
