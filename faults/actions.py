"""The words a fault is written in: what it may do, and what it does it to. Knows no proxy, no clock and no chance."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from inspect import signature
from math import inf
from typing import Annotated, Any, NamedTuple, get_origin, get_type_hints

from faults.places import Places


class Pause(NamedTuple):
    """Wait, in seconds, before anything else happens on this call; `inf` is for ever."""

    seconds: float


class Reply(NamedTuple):
    """Answer in the provider's place; the provider is never asked."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Sever(NamedTuple):
    """Break the connection to the app, by a TCP reset or by an orderly close."""

    reset: bool = False


class Finish(NamedTuple):
    """End the response here and in good order, as if the provider had nothing more to say."""


class Occupy(NamedTuple):
    """Wait for one of these places, and keep it until the call ends."""

    places: Places


class Refuse(NamedTuple):
    """Break this call by a reset, and refuse every connection for so long, as a provider whose process died."""

    seconds: float


class Request(NamedTuple):
    """A call of the app, before it is passed to the provider."""

    id: str
    attempt: int = 1
    at_s: float = 0.0
    """Seconds since the first call that asked for something."""
    path: str = "/"
    model: str = ""
    headers: Mapping[str, str] = {}
    """Names in lower case."""
    body: bytes = b""


class Message(NamedTuple):
    """One SSE event, NDJSON line or JSON body of the response (of any other, a chunk); its end is a last, empty message."""

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks of a message
    byte: int
    """Bytes of the body before this message."""
    data: bytes
    last: bool = False
    at_s: float = 0.0
    """Seconds between passing the request to the provider and the arrival of this message."""
    request: Request = Request("")
    """What it is the response to."""
    sort: str = ""
    """What it is: "sse", "ndjson" or "json"; empty where the provider's content-type does not tell."""


Headers = dict[str, str]
"""The response's headers; a fault yields those to be set. Yielded at the request, they are set once the response comes."""
Action = Pause | Reply | Sever | Finish | Occupy | Refuse | Headers | bytes
"""What a fault may yield; bytes are sent on in the message's place."""
Actions = Iterator[Action]
Kind = Callable[..., Actions]
"""A generator function; the name of its first parameter (request, headers or message) says what it is about.

Two more names mean something: `memory` is made anew for each call, `shared` once for each fault of a plan; both by calling
the type that they are annotated with.
"""

# Parameters of kinds: a type and its bounds, so that a plan is refused before anything starts.
Seconds = Annotated[float, 0, inf]
Count = Annotated[int, 0, inf]

Subject = Request | Message | Headers
SUBJECTS = ("request", "headers", "message")
STATE = ("memory", "shared")
ALLOWED: dict[type, tuple[type, ...]] = {
    Request: (Pause, Reply, Sever, Occupy, Refuse, dict),
    dict: (Pause, Sever, dict),
    Message: (bytes, Pause, Sever, Finish),
}
"""What can be done to each subject."""


@cache
def subject_of(kind: Kind) -> str:
    """What the kind is about: "request", "headers" or "message"."""
    first = next(iter(signature(kind).parameters), "")
    if first not in SUBJECTS:
        raise ValueError(f"{name_of(kind)}: the first parameter must be one of {', '.join(SUBJECTS)}, not {first!r}")
    return first


def name_of(kind: Kind) -> str:
    return str(getattr(kind, "__name__", kind))


def parameters_of(kind: Kind) -> dict[str, Any]:
    """The parameters a plan may set, by name: all but the subject and the state."""
    return {name: told for name, told in list(signature(kind).parameters.items())[1:] if name not in STATE}


@cache
def _makers(kind: Kind) -> dict[str, Callable[[], Any]]:
    wanted = [name for name in STATE if name in signature(kind).parameters]
    hints = get_type_hints(kind) if wanted else {}
    if strangers := [name for name in wanted if name not in hints]:
        raise ValueError(f"{name_of(kind)}: {strangers[0]} needs a type that can be called without arguments, such as `list`")
    return {name: get_origin(hints[name]) or hints[name] for name in wanted}


def state_of(kind: Kind) -> list[str]:
    """Which state it asks for; with any, calling it twice for a subject is not the same as calling it once."""
    return list(_makers(kind))


def fresh_state(kind: Kind, name: str) -> dict[str, Any]:
    """The argument of that name ("memory" or "shared"), new; empty where the kind does not ask for it."""
    return {name: _makers(kind)[name]()} if name in _makers(kind) else {}
