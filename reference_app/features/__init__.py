"""The features, one file each, in the order a call meets them; APP_FEATURES says which are on."""

from collections.abc import Callable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from reference_app.call import Feature
from reference_app.features.cache import Cache
from reference_app.features.deadline import Deadline
from reference_app.features.retry import Retry
from reference_app.features.stall_watchdog import StallWatchdog
from reference_app.features.stream_recovery import StreamRecovery

if TYPE_CHECKING:
    from reference_app.means import Means

FEATURES: "dict[str, Callable[[Means], Feature | None]]" = {
    "deadline": Deadline,
    "cache": Cache,
    "stall_watchdog": StallWatchdog,
    "stream_recovery": StreamRecovery,
    "retry": Retry,
}
"""The outermost first. None: it acts elsewhere than around a call."""
HABITS: tuple[str, ...] = ()
"""How any async app is written today: on unless named off, also in "none", which would be weaker than LangChain without."""
APART: tuple[str, ...] = ()
"""Only to be compared with: on when named, not in "all"."""


def parse(text: str) -> tuple[str, ...]:
    """The names in "all", "none", "cache,retry" or "all,-cache", in the order of the list.

    >>> parse("all,-cache")
    ('deadline', 'stall_watchdog', 'stream_recovery', 'retry')
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [word for word in words if word not in ("all", "none") and word.removeprefix("-") not in FEATURES]
    if unknown or not words:
        raise ValueError("\n".join(map(_unknown, unknown)) or f"names no feature. Known: {_known()}")
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
    made = {name: FEATURES[name](means) for name in parse(means.settings.features)}
    return {name: feature for name, feature in made.items() if feature is not None}


def _known() -> str:
    return ", ".join(["all", "none", *FEATURES])


def _unknown(word: str) -> str:
    near = get_close_matches(word.removeprefix("-"), ["all", "none", *FEATURES], n=1)
    hint = f' Did you mean "{near[0]}"?' if near else ""
    return f'"{word}" is not a feature.{hint} Known: {_known()}'
