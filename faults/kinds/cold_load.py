"""Models that must be loaded before they answer."""

from dataclasses import dataclass
from math import inf

from faults.actions import Actions, Pause, Request, Seconds


@dataclass
class Model:
    """Times are seconds of the calls' clock."""

    loaded: bool = False
    used_s: float = -inf
    loading: bool = False
    ready_s: float = -inf


def cold_load(request: Request, shared: dict[str, Model], seconds: Seconds = 30.0, keep_alive_s: Seconds = 300.0) -> Actions:
    """Take `seconds` to load a model that nobody asked for in `keep_alive_s`; calls that come meanwhile wait for it."""
    # 300 s is Ollama's own. Who leaves while a model loads for him ends that; the next call begins anew (ollama issue 7408).
    model, now_s = shared.setdefault(request.model, Model()), request.at_s
    model.loaded &= now_s - model.used_s <= keep_alive_s
    while not model.loaded:
        begins, ready_s = not model.loading, now_s + seconds if not model.loading else model.ready_s
        model.loading, model.ready_s = True, ready_s
        try:
            yield Pause(max(0.0, ready_s - now_s))
            now_s = max(now_s, ready_s)
            # Who waits may wake a moment before who loads.
            model.loaded |= model.loading and model.ready_s == ready_s
        finally:
            model.loading &= not begins
    model.used_s = max(model.used_s, now_s)
