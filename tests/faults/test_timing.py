"""Bursts and clusters, over simulated days."""

import itertools
from statistics import mean, pvariance

import pytest

from faults.actions import Request
from faults.kinds.drop import drop
from faults.plan import Fault, Plan
from faults.timing import Burst, Clusters


def test_a_burst_is_on_once_in_every_period():
    burst = Burst(5, 45)
    on = [burst.is_on(at / 10, 7, "x") for at in range(45_000)]

    assert mean(on) == pytest.approx(5 / 45, rel=0.01)
    for period in range(100):
        within = on[period * 450 : (period + 1) * 450]
        assert 49 <= sum(within) <= 51
        assert sum(later and not sooner for sooner, later in itertools.pairwise(within)) <= 1


def test_two_faults_have_their_own_bursts():
    burst = Burst(5, 45)

    assert [burst.is_on(at, 7, "x") for at in range(900)] != [burst.is_on(at, 7, "y") for at in range(900)]


@pytest.mark.parametrize("shape", [0.2, 1, 5])
def test_clusters_keep_the_share_and_vary_as_a_gamma_variate_does(shape):
    factors = [Clusters(shape, 10).factor(10 * n + 3, 7, "x") for n in range(20_000)]

    assert mean(factors) == pytest.approx(1, abs=0.05)
    assert pvariance(factors) == pytest.approx(1 / shape, rel=0.1)


def test_failures_of_a_clustered_fault_are_clustered():
    """In windows of 10 s with 50 calls each: more than a binomial's variance, the same mean."""

    def counts(**timing):
        plan = Plan((Fault(drop, share=0.05, **timing),), seed=7)
        return [
            sum(bool(plan.decide(Request(f"{w}-{n}", path="/api/chat", at_s=10 * w + n / 5))) for n in range(50))
            for w in range(400)
        ]

    even, clustered = counts(), counts(clusters=Clusters(0.5))

    assert mean(clustered) == pytest.approx(mean(even), rel=0.25)
    assert pvariance(even) < 4 < 8 < pvariance(clustered)
