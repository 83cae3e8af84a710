"""The gate, simulated: how often it is wrong, and what it can see."""

from math import exp, log1p, sqrt

import numpy as np
import pytest
from scipy.stats import chi2

from reports.gate import decide
from reports.look import Pair, Rules
from reports.power import Noise, Simulated, draws, noise_of

TOLERANCE = 0.10
MEASURED = [0.012, -0.004, 0.009, -0.013, 0.001, 0.010, -0.009, 0.004, -0.011, 0.014, -0.008, 0.012]
"""A standard deviation of one hundredth."""


def test_one_percent_of_noise_makes_a_gate_to_rely_on():
    """At most 1 % false alarms and at least 95 % detected at twice the tolerance: what is asked of the gate."""
    noise = noise_of(MEASURED)
    simulated = Simulated(draws(noise, 10_000, seed=7), TOLERANCE)
    same, slower = simulated.shares(0.0), simulated.shares(2 * TOLERANCE)

    assert noise.sd == pytest.approx(0.01, rel=0.05)
    assert same.failed / same.trials <= 0.01
    assert slower.failed / slower.trials >= 0.95
    assert simulated.detects() < 2 * TOLERANCE


def test_the_noise_is_widened_to_what_it_may_be():
    noise = noise_of(MEASURED)

    assert noise.sd == pytest.approx(sqrt(sum(one**2 for one in MEASURED) / 12))
    assert noise.high_sd == pytest.approx(noise.sd * sqrt(12 / chi2.ppf(0.05, 12)))


def test_what_is_drawn_spreads_as_widely_and_leans_to_no_side():
    noise = noise_of([0.05, 0.03, 0.06, 0.01, 0.02, 0.04])
    drawn = draws(noise, 20_000, seed=1)

    assert drawn.std() == pytest.approx(noise.high_sd, rel=0.02)
    assert abs(drawn.mean()) < noise.high_sd / 100


def test_the_same_seed_draws_the_same_gates():
    noise = noise_of(MEASURED)

    assert (draws(noise, 50, seed=7) == draws(noise, 50, seed=7)).all()
    assert (draws(noise, 50, seed=7) != draws(noise, 50, seed=8)).any()


@pytest.mark.parametrize("effect", [0.0, 0.08, 0.15, 0.2])
def test_the_simulated_gates_decide_as_the_gate_does(effect: float):
    drawn = draws(Noise(tuple(MEASURED), 0.06, 0.08), 300, seed=3)
    shares = Simulated(drawn, TOLERANCE).shares(effect)
    states = [decide(as_pairs(line + log1p(effect)), Rules(1e9, TOLERANCE)).state for line in drawn]

    assert (shares.failed, shares.passed) == (states.count("fail"), states.count("pass"))
    assert shares.undecided == states.count("inconclusive")


def as_pairs(log_ratios: np.ndarray) -> list[Pair]:
    return [Pair(number, 1.0, exp(one), 100) for number, one in enumerate(log_ratios, 1)]


def test_the_smallest_slowdown_that_it_finds_is_the_smallest():
    simulated = Simulated(draws(Noise(tuple(MEASURED), 0.01, 0.05), 4000, seed=5), TOLERANCE)
    found = simulated.detects()

    assert simulated.shares(found).failed >= 0.95 * 4000
    assert simulated.shares(found - 0.002).failed < 0.95 * 4000


def test_a_noisy_machine_is_no_place_for_a_gate():
    loud = noise_of([15 * one for one in MEASURED])
    shares = Simulated(draws(loud, 2000, seed=7), TOLERANCE).shares(2 * TOLERANCE)

    assert shares.failed / shares.trials < 0.95
    assert shares.undecided > 0


def test_shares_come_with_wilsons_interval():
    shares = Simulated(draws(noise_of(MEASURED), 1000, seed=7), TOLERANCE).shares(0.0)
    share, low, high = shares.share(shares.failed)

    assert (share, low) == (0, 0)
    assert high == pytest.approx(0.0038, abs=0.0001)


def test_no_noise_at_all_is_no_noise():
    assert not draws(noise_of([0.0, 0.0]), 5, seed=1).any()


@pytest.mark.parametrize("log_ratios", [[], [0.1], [0.1, float("nan")]])
def test_noise_needs_pairs(log_ratios: list[float]):
    with pytest.raises(ValueError, match="at least two pairs"):
        noise_of(log_ratios)
