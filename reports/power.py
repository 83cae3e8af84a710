"""How often the gate would be wrong, and how often it would see a slowdown: simulated from a machine's own noise. Pure.

The noise is what pairs of one and the same app differ by. It is resampled with either sign, because which of the two came first
was chance, and smoothed (Silverman and Young 1987), because a dozen values are not all that there can be. As a dozen values may
also have been lucky ones, it is widened to the upper 95 % limit of their standard deviation (chi-square).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, expm1, log1p, sqrt
from typing import Any

import numpy as np

from reports.look import LOOKS, Look
from reports.recovery import wilson
from reports.signed_rank import shifts

SURE = 0.95

Values = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Noise:
    """Log ratios of the P95s of pairs of the same app."""

    log_ratios: tuple[float, ...]
    sd: float
    """Around zero, which is what the same app must show."""
    high_sd: float
    """With 95 % certainty it is no larger."""


@dataclass(frozen=True)
class Shares:
    """What became of so many simulated gates."""

    effect: float
    """By how much the candidate is slower, as a share."""
    trials: int
    failed: int
    passed: int

    @property
    def undecided(self) -> int:
        return self.trials - self.failed - self.passed

    def share(self, count: int) -> tuple[float, float, float]:
        """With Wilson's 95 % interval."""
        low, high = wilson(count, self.trials)
        assert low is not None and high is not None
        return count / self.trials, low, high


def noise_of(log_ratios: Sequence[float]) -> Noise:
    """The spread of these pairs, and how large it may be in truth."""
    from scipy.special import chdtri

    known = np.asarray(log_ratios, dtype=float)
    if len(known) < 2 or not np.isfinite(known).all():
        raise ValueError("noise needs at least two pairs whose P95s are known on both sides")
    sd = sqrt(float((known**2).mean()))
    return Noise(tuple(known.tolist()), sd, sd * sqrt(len(known) / float(chdtri(len(known), SURE))))


def draws(noise: Noise, trials: int, seed: int, pairs: int = LOOKS[-1].pairs) -> Values:
    """Log ratios of simulated pairs of the same app: one line a gate."""
    rng, shape = np.random.default_rng(seed), (trials, pairs)
    measured = np.asarray(noise.log_ratios)
    # Silverman's rule of thumb (1986) for the width of the kernel, as a share of the standard deviation.
    width = 0.9 * len(measured) ** -0.2
    picked = rng.choice(measured, shape) * rng.choice([-1.0, 1.0], shape)
    smooth = picked + width * noise.sd * rng.standard_normal(shape)
    # Smoothing alone would widen it.
    return np.asarray(smooth * (noise.high_sd / (noise.sd * sqrt(1 + width**2)))) if noise.sd else picked


class Simulated:
    """The same gates for any effect: a slowdown moves all log ratios of a gate alike, and with them its estimate and bounds."""

    def __init__(self, log_ratios: Values, tolerance: float, looks: Sequence[Look] = LOOKS) -> None:
        self._trials, self._most = len(log_ratios), log1p(tolerance)
        self._seen = [shifts(log_ratios[:, : look.pairs].T, 2 * look.alpha) for look in looks]

    def shares(self, effect: float) -> Shares:
        """What the gates say of a candidate that is slower by this share."""
        moved, undecided = log1p(effect), np.ones(self._trials, dtype=bool)
        failed = passed = 0
        for seen in self._seen:
            assert seen.low is not None and seen.high is not None
            # A bound above "no change" is a test that says slower: the one is made by inverting the other.
            fails = undecided & (seen.low + moved > 0) & (seen.estimate + moved > self._most)
            passes = undecided & ~fails & (seen.high + moved <= self._most)
            undecided &= ~(fails | passes)
            failed, passed = failed + int(fails.sum()), passed + int(passes.sum())
        return Shares(effect, self._trials, failed, passed)

    def detects(self, share: float = SURE) -> float:
        """The smallest slowdown that this share of the gates fails, within a thousandth."""
        low, high = self._most, self._most + 1.0
        while self.shares(expm1(high)).failed < share * self._trials:
            low, high = high, 2 * high
        while expm1(high) - expm1(low) > 1e-3:
            middle = (low + high) / 2
            enough = self.shares(expm1(middle)).failed >= share * self._trials
            low, high = (low, middle) if enough else (middle, high)
        return exp(high) - 1
