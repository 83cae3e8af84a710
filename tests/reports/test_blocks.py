"""The bootstrap against doing it the slow way."""

from math import ceil

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reports.blocks import BINS, REPLICATES, ResampledQuantiles, resampled_means, slices, weights
from reports.ordered import Ordered


def a_case(count: int, seed: int = 1, missing: float = 0.1, digits: int = 2):
    chance = np.random.default_rng(seed)
    values = np.round(chance.gamma(2, 1, count), digits)
    values[chance.random(count) < missing] = np.nan
    return values, slices(np.sort(chance.random(count)) * 35, np.ones(count))


def test_every_replicate_is_as_long_as_the_run():
    _, sliced = a_case(500)
    drawn = weights(sliced, 7)

    assert drawn.shape == (REPLICATES, sliced.count)
    assert set(drawn.sum(axis=1)) == {sliced.count}
    assert np.array_equal(drawn, weights(sliced, 7))
    assert not np.array_equal(drawn, weights(sliced, 8))


@given(st.integers(20, 300), st.integers(0, 1000), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_replicate_is_the_quantile_of_the_requests_it_drew(count: int, seed: int, q: float):
    values, sliced = a_case(count, seed)
    drawn = weights(sliced, seed)[:4]
    found = ResampledQuantiles(Ordered.of(values), sliced, drawn).at([q])[:, 0]

    for replicate, times in zip(found, drawn, strict=True):
        again = np.repeat(values, times[sliced.of].astype(int))
        again = np.sort(again[~np.isnan(again)])
        assert replicate == again[ceil(q * len(again)) - 1] if len(again) else np.isnan(replicate)


def test_beyond_the_exact_ranks_a_replicate_is_off_by_one_bin_at_most():
    values, sliced = a_case(5 * BINS, missing=0, digits=12)
    drawn = weights(sliced, 1)[:3]
    ordered = np.sort(values)
    for found, times in zip(ResampledQuantiles(Ordered.of(values), sliced, drawn).at([0.95]), drawn, strict=True):
        again = np.sort(np.repeat(values, times[sliced.of].astype(int)))
        exact = again[ceil(0.95 * len(again)) - 1]
        assert abs(np.searchsorted(ordered, found) - np.searchsorted(ordered, exact)) <= 2 * len(values) / BINS


def test_means_leave_out_what_has_no_value():
    values, sliced = a_case(200)
    drawn = weights(sliced, 3)[:5]
    for found, times in zip(resampled_means(values, sliced, drawn), drawn, strict=True):
        again = np.repeat(values, times[sliced.of].astype(int))
        assert np.isclose(found, np.nanmean(again))


def test_nothing_at_all_gives_nothing():
    _, sliced = a_case(30)
    nothing = np.full(30, np.nan)

    assert np.isnan(ResampledQuantiles(Ordered.of(nothing), sliced, weights(sliced, 1)).at([0.95])).all()


def test_pairs_are_laid_end_to_end():
    """The same second of two pairs is not the same stretch of the run."""
    sliced = slices(np.array([0.0, 9.0, 0.0, 9.0]), np.array([1, 1, 2, 2]))

    assert list(sliced.of) == [0, 1, 2, 3]
