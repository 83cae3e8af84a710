"""What a feature may tell /metrics: numbers it has counted itself, read only when somebody looks.

A feature that counts has a method `counters() -> dict[str, float]`. The names are the same from its making on, so that a rate
can be taken from the start. A name is a counter, which only grows; one that ends in `_now` is a state, which goes up and down.
The feature "cache" with {"hits": 3.0} becomes `app_cache_hits_total 3`, the feature "breaker" with {"open_now": 1.0} becomes
`app_breaker_open 1`. Counting costs the feature a `+= 1`, and nothing per token.
"""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

STATE = "_now"


@runtime_checkable
class Counted(Protocol):
    """Whoever has numbers to tell."""

    def counters(self) -> dict[str, float]:
        """By name, without the feature's own."""


def counters_of(features: Mapping[str, object]) -> dict[tuple[str, str], float]:
    """(feature, name): number, of all features that count."""
    return {
        (feature, name): value
        for feature, counted in features.items()
        if isinstance(counted, Counted)
        for name, value in counted.counters().items()
    }
