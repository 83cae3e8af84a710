"""The features, one file each, in the order a call meets them; APP_FEATURES says which are on."""

from collections.abc import Callable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from reference_app.call import Feature
from reference_app.features.adaptive_limit import AdaptiveLimit
from reference_app.features.as_published import ALONE, as_published
from reference_app.features.async_calls import BlockingCalls, async_calls
from reference_app.features.blind_retry import BlindRetry
from reference_app.features.breaker import Breaker
from reference_app.features.cache import Cache
from reference_app.features.compress import compress
from reference_app.features.concurrency_limit import ConcurrencyLimit
from reference_app.features.connection_pool import ClientPerCall, connection_pool
from reference_app.features.deadline import Deadline
from reference_app.features.fallback import fallback
from reference_app.features.hedge import Hedge
from reference_app.features.input_limit import input_limit
from reference_app.features.load_shedding import LoadShedding
from reference_app.features.output_limit import output_limit
from reference_app.features.rate_limit import rate_limit
from reference_app.features.retry import Retry
from reference_app.features.routing import routing
from reference_app.features.semantic_cache import SemanticCache
from reference_app.features.single_flight import SingleFlight
from reference_app.features.stall_watchdog import StallWatchdog
from reference_app.features.stream_recovery import StreamRecovery
from reference_app.features.warm_up import warm_up

if TYPE_CHECKING:
    from reference_app.means import Means

FEATURES: "dict[str, Callable[[Means], Feature | None]]" = {
    "deadline": Deadline,
    "rate_limit": rate_limit,
    "input_limit": input_limit,
    "output_limit": output_limit,
    "compress": compress,
    "routing": routing,
    "cache": Cache,
    "semantic_cache": SemanticCache,
    "single_flight": SingleFlight,
    "fallback": fallback,
    "load_shedding": LoadShedding,
    "stall_watchdog": StallWatchdog,
    "stream_recovery": StreamRecovery,
    "retry": Retry,
    "blind_retry": BlindRetry,
    "hedge": Hedge,
    "breaker": Breaker,
    "concurrency_limit": ConcurrencyLimit,
    "adaptive_limit": AdaptiveLimit,
    "connection_pool": connection_pool,
    "async_calls": async_calls,
    "warm_up": warm_up,
    ALONE: as_published,
}
"""The outermost first. None: it acts elsewhere than around a call."""
HABITS: tuple[str, ...] = ("connection_pool", "async_calls")
"""How any async app is written today: on unless named off, also in "none", which would be weaker than LangChain without."""
MISTAKES: "dict[str, Callable[[Means], Feature]]" = {"connection_pool": ClientPerCall, "async_calls": BlockingCalls}
"""What is done instead where a habit is off; in the log, "-connection_pool" and "-async_calls"."""
APART: tuple[str, ...] = ("blind_retry", ALONE)
"""Only to be compared with: on when named, not in "all"."""


def parse(text: str) -> tuple[str, ...]:
    """The names in "all", "none", "retry,cache" or "all,-cache", in the order of the list.

    >>> "cache" in parse("all,-cache"), "retry" in parse("retry,cache")
    (False, True)
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [word for word in words if word not in ("all", "none") and word.removeprefix("-") not in FEATURES]
    if unknown or not words:
        raise ValueError("\n".join(map(_unknown, unknown)) or f"names no feature. Known: {_known()}")
    if ALONE in words:
        return _alone(words)
    every = set(FEATURES) - set(APART)
    on: set[str] = set(every) if words[0].startswith("-") else set(HABITS)
    for word in words:
        if word in ("all", "none"):
            on = set(every) if word == "all" else set(HABITS)
        elif word.startswith("-"):
            on.discard(word[1:])
        else:
            on.add(word)
    return tuple(name for name in FEATURES if name in on)


def build(means: "Means") -> dict[str, Feature]:
    """The features that are on and act around a call, by name, ready to be called."""
    on = parse(means.settings.features)
    if ALONE in on:
        return {}
    made = {name: FEATURES[name](means) for name in on}
    mistakes = {f"-{name}": make(means) for name, make in MISTAKES.items() if name not in on}
    return {name: feature for name, feature in made.items() if feature is not None} | mistakes


def _alone(words: list[str]) -> tuple[str, ...]:
    if others := [word for word in words if word != ALONE]:
        told = ", ".join(others)
        raise ValueError(f'"{ALONE}" is an app of its own, with none of our features around it: name it alone, without {told}')
    return (ALONE,)


def _known() -> str:
    return ", ".join(["all", "none", *FEATURES])


def _unknown(word: str) -> str:
    near = get_close_matches(word.removeprefix("-"), ["all", "none", *FEATURES], n=1)
    hint = f' Did you mean "{near[0]}"?' if near else ""
    return f'"{word}" is not a feature.{hint} Known: {_known()}'
