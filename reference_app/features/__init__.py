"""The features, one file each, in the order a call meets them; APP_FEATURES says which are on."""

from collections.abc import Callable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from reference_app.call import Feature
from reference_app.features.cache import Cache
from reference_app.features.deadline import Deadline
from reference_app.features.retry import Retry
from reference_app.features.stream_recovery import StreamRecovery

if TYPE_CHECKING:
    from reference_app.settings import Settings

FEATURES: "dict[str, Callable[[Settings], Feature]]" = {
    "deadline": Deadline,
    "cache": Cache,
    "stream_recovery": StreamRecovery,
    "retry": Retry,
}
"""The outermost first."""


def parse(text: str) -> tuple[str, ...]:
    """The names in "all", "none", "cache,retry" or "all,-cache", in the order of the list.

    >>> parse("all,-cache")
    ('deadline', 'stream_recovery', 'retry')
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [word for word in words if word not in ("all", "none") and word.removeprefix("-") not in FEATURES]
    if unknown or not words:
        raise ValueError("\n".join(map(_unknown, unknown)) or f"names no feature. Known: {_known()}")
    on: set[str] = set(FEATURES) if words[0].startswith("-") else set()
    for word in words:
        if word in ("all", "none"):
            on = set(FEATURES) if word == "all" else set()
        elif word.startswith("-"):
            on.discard(word[1:])
        else:
            on.add(word)
    return tuple(name for name in FEATURES if name in on)


def build(settings: "Settings") -> dict[str, Feature]:
    """The features that are on, by name, ready to be called."""
    return {name: FEATURES[name](settings) for name in parse(settings.features)}


def _known() -> str:
    return ", ".join(["all", "none", *FEATURES])


def _unknown(word: str) -> str:
    near = get_close_matches(word.removeprefix("-"), ["all", "none", *FEATURES], n=1)
    hint = f' Did you mean "{near[0]}"?' if near else ""
    return f'"{word}" is not a feature.{hint} Known: {_known()}'
