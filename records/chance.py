"""Chance that is keyed, never streamed: the same question always gets the same answer, in any order and any process."""

from hashlib import blake2b
from statistics import NormalDist

_STANDARD_NORMAL = NormalDist()


def draw(seed: int, name: str, key: str, attempt: int = 1) -> float:
    """A number in [0, 1) that depends on the arguments only."""
    digest = blake2b(f"{seed}|{name}|{key}|{attempt}".encode(), digest_size=8).digest()
    # 53 bits are what a float holds exactly: a share of 1.0 can then never be drawn.
    return (int.from_bytes(digest) >> 11) / 2**53


def between(low: float, high: float, share: float) -> float:
    """Where `share` (0 to 1) falls in [low, high]; whole numbers where both ends are whole, both included."""
    if isinstance(low, int) and isinstance(high, int):
        return low + int(share * (high - low + 1))
    return low + share * (high - low)


def normal(share: float) -> float:
    """The standard normal quantile of `share`; the ends are kept finite."""
    return _STANDARD_NORMAL.inv_cdf(min(max(share, 1e-12), 1 - 1e-12))
