"""When a fault strikes more than usual: bursts, and clusters. Pure: time is an argument, chance is keyed."""

from dataclasses import dataclass
from functools import lru_cache

from records.chance import draw


@dataclass(frozen=True)
class Burst:
    """On for `for_s` seconds, once in every `every_s` seconds, at a moment drawn anew in each."""

    for_s: float
    every_s: float

    def is_on(self, at_s: float, seed: int, name: str) -> bool:
        number = int(at_s // self.every_s)
        begin_s = draw(seed, f"{name}.burst", str(number)) * (self.every_s - self.for_s)
        return begin_s <= at_s - number * self.every_s < begin_s + self.for_s


@dataclass(frozen=True)
class Clusters:
    """The share is multiplied, in each `every_s` seconds anew, by a gamma variate of mean 1 and this shape.

    Calls that then fail independently are, over all, gamma-clustered: the variance of their number in a window exceeds a
    Poisson's by mean ** 2 / shape. 1 is strong, 0.2 is an ordinary day with a few bad minutes in it.
    """

    shape: float
    every_s: float = 10.0

    def __post_init__(self) -> None:
        # It takes longer than all else that the proxy imports of ours: not without need, and not while calls wait.
        import scipy.special  # noqa: F401

    def factor(self, at_s: float, seed: int, name: str) -> float:
        return _gamma(self.shape, seed, name, int(at_s // self.every_s))


@lru_cache(maxsize=1024)
def _gamma(shape: float, seed: int, name: str, window: int) -> float:
    """Asked for each call and each fault, but new only once in a window."""
    from scipy.special import gammaincinv

    return float(gammaincinv(shape, draw(seed, f"{name}.cluster", str(window)))) / shape
