"""Shares over paired requests: the interval of their difference, and how surprising it is."""

from math import sqrt

from reports.recovery import wilson


def newcombe(both: int, only_new: int, only_old: int, neither: int) -> tuple[float, float]:
    """The 95 % interval of new share minus old share over the same requests.

    Newcombe 1998, "Improved confidence intervals for the difference between binomial proportions based on paired data",
    method 10: Wilson's intervals of both shares, joined by their correlation.
    """
    total = both + only_new + only_old + neither
    new, old = (both + only_new) / total, (both + only_old) / total
    (new_low, new_high), (old_low, old_high) = _interval(both + only_new, total), _interval(both + only_old, total)
    phi = _correlation(both, only_new, only_old, neither)
    low = _distance(new - new_low, old_high - old, phi)
    high = _distance(old - old_low, new_high - new, phi)
    return new - old - low, new - old + high


def _interval(successes: int, total: int) -> tuple[float, float]:
    low, high = wilson(successes, total)
    assert low is not None and high is not None
    return low, high


def _distance(a: float, b: float, phi: float) -> float:
    return sqrt(max(0.0, a * a - 2 * phi * a * b + b * b))


def _correlation(both: int, only_new: int, only_old: int, neither: int) -> float:
    margins = (both + only_new) * (only_old + neither) * (both + only_old) * (only_new + neither)
    if not margins:
        return 0.0
    cross, total = both * neither - only_new * only_old, both + only_new + only_old + neither
    # The continuity correction of the paper, which shrinks a positive correlation only.
    return (max(cross - total / 2, 0.0) if cross > 0 else cross) / sqrt(margins)


def mcnemar(only_old: int, only_new: int) -> float:
    """McNemar's exact two-sided p: of the requests that changed sides, as many as by tossing a coin?"""
    from scipy.special import bdtr

    fewer, changed = min(only_old, only_new), only_old + only_new
    return min(1.0, 2 * float(bdtr(fewer, changed, 0.5))) if changed else 1.0
