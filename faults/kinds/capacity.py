"""Providers that can do only so much at once."""

from faults.actions import Actions, Count, Occupy, Request
from faults.kinds.overload import overloaded_reply
from faults.places import Places


def capacity(request: Request, shared: Places, slots: Count, queue: Count = 512) -> Actions:
    """Let `slots` calls run at once and `queue` more wait for them; tell the rest at once that the provider is overloaded."""
    # 512 is what Ollama's OLLAMA_MAX_QUEUE is when nobody sets it.
    shared.count = slots
    if not shared.free and shared.waiting >= queue:
        yield overloaded_reply(request.path)
    else:
        yield Occupy(shared)
