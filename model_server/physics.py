"""How fast the model speaks, and how many it serves at once: pure, and keyed, so any request's timing can be told by its id."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, inf

from records.chance import draw, normal


@dataclass(frozen=True)
class Physics:
    """A model and the machine it runs on; the defaults are those of the published article's app."""

    first_token_s: float = 0.7
    """Median. Healthy 7-8B models take 0.06-0.28 s (llm-d's latency profiles); the article's app is slower."""
    first_token_sigma: float = 0.25
    """Of the logarithm: 0.25 puts the P95 at 1.5 times the median."""
    gap_s: float = 0.03
    """Median between one token and the next. Healthy models: 0.01-0.06 s (llm-d's latency profiles)."""
    gap_sigma: float = 0.3
    words: int = 38
    """Of an answer; its mark and its seal are one token each, so 38 words are 40 tokens."""
    slots: int = 64
    queue: int = 512
    """Ollama's own default of OLLAMA_MAX_QUEUE."""
    model: str = "llama3.1"
    seed: int = 7
    also: "tuple[Physics, ...]" = ()
    """Other models on the same machine, with slots of their own; seed and queue are those of this one."""


RANGES: dict[str, tuple[float, float]] = {
    "first_token_s": (0, 3600),
    "first_token_sigma": (0, 5),
    "gap_s": (0, 3600),
    "gap_sigma": (0, 5),
    "words": (0, 100_000),
    "slots": (1, inf),
    "queue": (0, inf),
    "seed": (-inf, inf),
}
"""What each number may be, both ends included."""
OWN = tuple(name for name in RANGES if name not in ("seed", "queue"))
"""What a model beside the first may have of its own."""


def first_token_s(physics: Physics, key: str, attempt: int) -> float:
    """Seconds from getting a slot to the first token: median * exp(sigma * z), z standard normal, keyed."""
    return physics.first_token_s * _spread(physics.first_token_sigma, draw(physics.seed, "first token", key, attempt))


def gap_s(physics: Physics, number: int, key: str, attempt: int) -> float:
    """Seconds between token `number` (from 1) and the one after it, by the same formula."""
    return physics.gap_s * _spread(physics.gap_sigma, draw(physics.seed, f"gap {number}", key, attempt))


def _spread(sigma: float, share: float) -> float:
    """A log-normal factor with median 1."""
    return exp(sigma * normal(share)) if sigma else 1.0


def offsets_s(physics: Physics, key: str, attempt: int) -> Iterator[float]:
    """When each token is due, in seconds since the slot was got, without end; draws only what is asked for."""
    at, number = first_token_s(physics, key, attempt), 0
    while True:
        yield at
        number += 1
        at += gap_s(physics, number, key, attempt)
