"""Every statistic against scipy or against doing it the slow way; and how often an interval of 95 % holds the truth."""

from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from itertools import combinations_with_replacement, pairwise, product
from math import ceil, comb, sqrt
from statistics import median
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from reports.blocks import ResampledQuantiles, resampled_means, slices, weights
from reports.compare import compare
from reports.metrics import BY_NAME, quantile
from reports.ordered import Ordered
from reports.proportions import mcnemar, newcombe
from reports.quantile_curve import GRID
from reports.recovery import wilson
from reports.signed_rank import hodges_lehmann, lower_bound, rank_of_bound, shifts, upper_bound
from reports.strata import weighted_quantile, weighted_share

# The first call of a function of scipy imports it.
quickly = settings(max_examples=40, deadline=None)
seldom = settings(max_examples=12, deadline=None)
rarely = settings(max_examples=6, deadline=None)

halves = st.integers(-8, 8).map(lambda number: number / 2)
"""Numbers that are often tied and often zero."""
counts = st.tuples(*[st.integers(0, 200)] * 4).filter(any)
shares = st.sampled_from([0.01, 0.07, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999])


def distinct(least: int, most: int):
    """Numbers of which neither two nor two means are alike, nor any zero."""
    return st.tuples(st.integers(least, most), st.integers(0, 10_000)).map(
        lambda drawn: np.random.default_rng(drawn[1]).normal(0.4, 1, drawn[0])
    )


def nearest(values: Iterable[float], q: float) -> float:
    """The nearest-rank quantile, counted in whole numbers."""
    ordered = sorted(values)
    return ordered[ceil(Fraction(str(q)) * len(ordered)) - 1] if ordered else np.nan


# Shares


@quickly
@given(st.integers(0, 400), st.integers(1, 400))
def test_wilson_is_scipys(successes: int, more: int):
    expected = stats.binomtest(successes, successes + more - 1 or 1).proportion_ci(0.95, "wilson")

    assert wilson(successes, successes + more - 1 or 1) == pytest.approx((expected.low, expected.high), abs=1e-12)


@quickly
@given(counts)
def test_newcombe_is_method_10_written_down_once_more(table: tuple[int, int, int, int]):
    """a, b, c and d as in the paper, with scipy's Wilson intervals."""
    a, b, c, d = table
    n = sum(table)
    first, second = ((a + b) / n, (a + c) / n)
    (l1, u1), (l2, u2) = (stats.binomtest(k, n).proportion_ci(0.95, "wilson") for k in (a + b, a + c))
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    cross = a * d - b * c
    phi = 0.0 if not margins else (max(cross - n / 2, 0) if cross > 0 else cross) / sqrt(margins)
    delta = sqrt(max(0, (first - l1) ** 2 - 2 * phi * (first - l1) * (u2 - second) + (u2 - second) ** 2))
    epsilon = sqrt(max(0, (u1 - first) ** 2 - 2 * phi * (u1 - first) * (second - l2) + (second - l2) ** 2))

    assert newcombe(a, b, c, d) == pytest.approx((first - second - delta, first - second + epsilon), abs=1e-9)


@quickly
@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_scipys_test_of_a_coin(one: int, other: int):
    expected = stats.binomtest(one, one + other).pvalue if one + other else 1.0

    assert mcnemar(one, other) == pytest.approx(expected, rel=1e-9)


def test_mcnemar_calls_equal_arms_different_at_most_as_often_as_it_says():
    """Counted over all outcomes: of so many requests that changed sides, each way is as likely as tails."""
    for changed, alpha in product((1, 5, 6, 17, 60, 200), (0.01, 0.05)):
        false_alarms = sum(comb(changed, one) for one in range(changed + 1) if mcnemar(one, changed - one) <= alpha)
        assert false_alarms <= alpha * 2**changed


def test_a_weighted_share_of_equal_weights_is_wilsons():
    holds = np.arange(40) < 13

    assert weighted_share(holds, np.full(40, 0.3)) == pytest.approx((13 / 40, *wilson(13, 40)))


# Quantiles


@quickly
@given(st.lists(halves, min_size=1, max_size=60), shares)
def test_a_quantile_is_the_least_value_that_enough_do_not_exceed(values: list[float], q: float):
    enough = [value for value in values if sum(other <= value for other in values) >= Fraction(str(q)) * len(values)]
    expected = min(enough)

    assert Ordered.of(np.array(values)).quantiles([q])[0] == expected == nearest(values, q)
    assert np.quantile(values, q, method="inverted_cdf") == expected
    assert quantile(np.array(values), q) == expected


@quickly
@given(st.lists(st.tuples(halves, st.integers(0, 9)), min_size=1, max_size=40), shares)
def test_a_weighted_quantile_is_that_of_values_repeated_so_often(drawn: list[tuple[float, int]], q: float):
    values, times = np.array([value for value, _ in drawn]), np.array([often for _, often in drawn])
    repeated = np.repeat(values, times)
    expected = nearest(repeated, q) if len(repeated) else None

    assert weighted_quantile(values, times.astype(float), q) == expected


@quickly
@given(st.lists(st.tuples(halves | st.just(float("nan")), st.integers(0, 4)), max_size=60), st.lists(shares, min_size=1))
def test_quantiles_within_groups_are_those_of_each_group_alone(drawn: list[tuple[float, int]], qs: list[float]):
    values, group = np.array([value for value, _ in drawn], dtype=float), np.array([of for _, of in drawn], dtype=int)
    found = Ordered.of(values).in_groups(group, 5, qs)

    for of, q in product(range(5), range(len(qs))):
        alone = values[(group == of) & ~np.isnan(values)]
        assert found[of, q] == pytest.approx(nearest(alone, qs[q]), nan_ok=True)


@seldom
@given(st.integers(20, 200), st.integers(0, 1000), st.lists(shares, min_size=1, max_size=4))
def test_resampled_figures_are_those_of_the_requests_drawn_again(count: int, seed: int, qs: list[float]):
    chance = np.random.default_rng(seed)
    values = np.round(chance.gamma(2, 1, count), 1)
    values[chance.random(count) < 0.2] = np.nan
    sliced = slices(np.sort(chance.random(count)) * 30, chance.integers(1, 4, count))
    drawn = weights(sliced, seed)[:5]
    found, means = ResampledQuantiles(Ordered.of(values), sliced, drawn).at(qs), resampled_means(values, sliced, drawn)

    for line, mean, times in zip(found, means, drawn, strict=True):
        again = np.repeat(values, times[sliced.of].astype(int))
        again = again[~np.isnan(again)]
        assert line == pytest.approx([nearest(again, q) for q in qs], nan_ok=True)
        assert mean == pytest.approx(again.mean() if len(again) else np.nan, nan_ok=True)


@seldom
@given(st.integers(0, 1000))
def test_replicates_are_made_of_neighbouring_slices(seed: int):
    """Wherever a slice comes up, its right neighbour does as often, but at the ends of the blocks."""
    sliced = slices(np.linspace(0, 30, 500), np.ones(500))
    drawn = weights(sliced, seed)
    blocks = ceil(sliced.count / sliced.block)

    assert (np.abs(drawn - np.roll(drawn, 1, axis=1)).sum(axis=1) <= 2 * blocks).all()


# Signed ranks


def tossed(values: list[float]) -> tuple[float, float]:
    """The chance of a sum of positive ranks so high, and so low, by trying all ways to toss the signs (Pratt's zeros)."""
    ranks = stats.rankdata(np.abs(values))
    kept, observed = ranks[np.array(values) != 0], ranks[np.array(values) > 0].sum()
    sums = [sum(rank for rank, up in zip(kept, ways, strict=True) if up) for ways in product((0, 1), repeat=len(kept))]
    return sum(one >= observed for one in sums) / len(sums), sum(one <= observed for one in sums) / len(sums)


@quickly
@given(st.lists(halves, min_size=1, max_size=9))
def test_the_signed_rank_test_is_counted_over_all_tosses(values: list[float]):
    found, (greater, less) = hodges_lehmann(values), tossed(values)

    assert (found.p_greater, found.p_less) == pytest.approx((greater, less), abs=1e-12)
    assert found.p_two_sided == pytest.approx(min(1, 2 * min(greater, less)))


@quickly
@given(distinct(1, 60), st.sampled_from(["greater", "less", "two-sided"]))
def test_without_ties_and_zeros_it_is_scipys_exact_test(values: np.ndarray, alternative: str):
    name = {"greater": "p_greater", "less": "p_less", "two-sided": "p_two_sided"}[alternative]
    expected = stats.wilcoxon(values, alternative=alternative, method="exact").pvalue

    assert getattr(hodges_lehmann(values), name) == pytest.approx(expected, abs=1e-12)


@seldom
@given(st.lists(halves, min_size=3, max_size=7).filter(any))
def test_with_ties_and_zeros_it_is_scipys_test_over_all_permutations(values: list[float]):
    every = stats.PermutationMethod(n_resamples=np.inf)
    expected = stats.wilcoxon(values, zero_method="pratt", alternative="greater", method=every).pvalue

    assert hodges_lehmann(values).p_greater == pytest.approx(expected, abs=1e-12)


@quickly
@given(st.lists(halves, min_size=1, max_size=25))
def test_the_estimate_is_the_median_of_the_means_of_two(values: list[float]):
    means = [(one + other) / 2 for one, other in combinations_with_replacement(values, 2)]

    assert hodges_lehmann(values).estimate == pytest.approx(median(means))


@quickly
@given(distinct(6, 14), st.sampled_from([0.05, 0.1, 0.2]))
def test_the_interval_holds_just_what_the_test_cannot_exclude(values: np.ndarray, alpha: float):
    found = hodges_lehmann(values, alpha)
    means = sorted((one + other) / 2 for one, other in combinations_with_replacement(values, 2))
    between = [(one + other) / 2 for one, other in pairwise(means)]
    kept = [at for at in between if stats.wilcoxon(values - at, method="exact").pvalue > alpha]

    assert all(found.low < at < found.high for at in kept)
    assert all(at < found.low or at > found.high for at in set(between) - set(kept))
    assert found.low <= found.estimate <= found.high


@quickly
@given(distinct(1, 40), st.sampled_from([0.016, 0.02, 0.03, 0.05]))
def test_one_sided_bounds_are_the_ends_of_an_interval_of_twice_the_risk(values: np.ndarray, alpha: float):
    twice = hodges_lehmann(values, 2 * alpha)

    assert (lower_bound(values, alpha), upper_bound(values, alpha)) == (twice.low, twice.high)
    assert (twice.low is None) == (0.5 ** len(values) > alpha) == (rank_of_bound(len(values), alpha) == 0)


@quickly
@given(st.lists(halves, min_size=6, max_size=20), st.sampled_from([0.25, 1.0, -3.5]))
def test_a_shift_of_all_values_shifts_estimate_and_interval(values: list[float], by: float):
    found, moved, turned = hodges_lehmann(values), hodges_lehmann(np.add(values, by)), hodges_lehmann(np.negative(values))

    assert (moved.estimate, moved.low, moved.high) == (found.estimate + by, found.low + by, found.high + by)
    assert (turned.estimate, turned.low, turned.high) == (-found.estimate, -found.high, -found.low)
    assert (turned.p_greater, turned.p_less) == pytest.approx((found.p_less, found.p_greater))


@pytest.mark.parametrize("shape", ["normal", "heavy tails", "two humps", "tied"])
def test_the_interval_of_eight_pairs_holds_the_truth_at_least_95_times_in_100(shape: str):
    """Exactly 96.1 % by the count of tosses, and no less for whatever symmetric noise; more where values are tied."""
    chance = np.random.default_rng(11)
    noise = {
        "normal": chance.normal(size=(8, 2000)),
        "heavy tails": chance.standard_t(2, size=(8, 2000)),
        "two humps": chance.normal(size=(8, 2000)) + 5 * chance.choice([-1, 1], size=(8, 2000)),
        "tied": chance.integers(-2, 3, size=(8, 2000)).astype(float),
    }[shape]
    found = shifts(0.3 + noise)
    covered = ((found.low <= 0.3 + 1e-12) & (found.high >= 0.3 - 1e-12)).mean()

    # Two standard errors of 2,000 trials: 0.009.
    assert 0.952 <= covered <= (1.0 if shape == "tied" else 0.970)


def test_the_test_of_six_equal_pairs_alarms_as_seldom_as_it_says():
    """The gate's first look: one in 64 of equal arms is all slower by chance."""
    chance = np.random.default_rng(3)
    alarms = [hodges_lehmann(values).p_greater <= 0.016 for values in chance.normal(size=(4000, 6))]

    assert abs(np.mean(alarms) - 1 / 64) < 3 * sqrt(1 / 64 / 4000)


# Whole comparisons


def a_pair_of_arms(rows: SimpleNamespace, seed: int, pairs: int, each: int, loses: float = 0.1):
    """Two arms with their own storms and losses; rows in no order."""
    chance = np.random.default_rng(seed)
    asked = chance.integers(0, 5, pairs * each)
    made = []
    for name in ("off", "on"):
        requests = []
        for n in chance.permutation(pairs * each).tolist():
            if chance.random() < loses:
                continue
            due = 5000.0 + 100 * (n // each) + round(30 * (n % each) / each, 1)
            told = {"pair": n // each + 1, "prompt_key": f"q{asked[n]}", "temperature": float(n % 2), "intended_s": due}
            took_s = round(float(chance.gamma(3, 0.4)) + 0.2 * (n // each), 3)
            told |= {"finished_s": due + took_s, "first_token_s": due + took_s / 4, "outcome": "cut" if n % 13 == 0 else "ok"}
            requests.append(rows.a_request(n, **told, served_by="cache" if name == "on" and n % 3 == 0 else "model"))
        made.append(rows.an_arm(requests, name=name))
    return made


@rarely
@given(st.integers(0, 1000), st.sampled_from([(2, 60), (6, 30), (7, 45)]), st.sampled_from(["p50_s", "p95_s", "ttft_p95_s"]))
def test_a_quantile_is_compared_pair_by_pair_or_by_blocks(rows: SimpleNamespace, seed: int, shape: tuple[int, int], name: str):
    off, on = a_pair_of_arms(rows, seed, *shape)
    found = next(one for one in compare(off, on, seed).differences if one.metric == name)
    column, q = {"p50_s": "effective_s", "p95_s": "effective_s", "ttft_p95_s": "ttft_s"}[name], BY_NAME[name].q
    keys = off.rows.index.intersection(on.rows.index)
    old, new, pair = off.rows.loc[keys, column], on.rows.loc[keys, column], off.rows.loc[keys, "pair"]
    each = [[nearest(of[pair == number], q) for number in sorted(set(pair))] for of in (old, new)]

    assert found.reference == nearest(old, q)
    assert found.low <= found.difference <= found.high
    if shape[0] < 6:
        assert (found.method, found.pairs) == ("blocks", None)
        return
    differences, ratios = hodges_lehmann(np.subtract(*each[::-1])), hodges_lehmann(np.log(np.divide(*each[::-1])))
    assert (found.difference, found.low, found.high) == pytest.approx((differences.estimate, differences.low, differences.high))
    assert (found.ratio, found.ratio_low) == pytest.approx((np.exp(ratios.estimate), np.exp(ratios.low)))
    assert (found.method, found.pairs) == ("signed_rank", shape[0])


@rarely
@given(st.integers(0, 1000), st.sampled_from([(1, 150), (6, 40)]))
def test_the_curve_is_the_difference_at_each_quantile(rows: SimpleNamespace, seed: int, shape: tuple[int, int]):
    off, on = a_pair_of_arms(rows, seed, *shape)
    found = compare(off, on, seed)
    keys = off.rows.index.intersection(on.rows.index)
    old, new, pair = off.rows.loc[keys, "effective_s"], on.rows.loc[keys, "effective_s"], off.rows.loc[keys, "pair"]
    beyond = {q: min(Fraction(str(q)), 1 - Fraction(str(q))) for q in GRID}
    told = [q for q in GRID if beyond[q] * len(keys) >= 10 and beyond[q] * pair.value_counts().min() >= 1]

    assert [point.q for point in found.curve.points] == told
    assert found.curve.method == ("blocks" if shape[0] == 1 else "signed_rank")
    for point in found.curve.points[::7]:
        sides = [nearest(of, point.q) for of in (old, new)]
        assert [point.reference_s, point.other_s] == pytest.approx(sides)
        assert point.low_s <= point.difference_s <= point.high_s
        if shape[0] == 1:
            assert point.difference_s == pytest.approx(sides[1] - sides[0])
            continue
        each = [[nearest(of[pair == at], point.q) for at in range(1, 7)] for of in (new, old)]
        alone = hodges_lehmann(np.subtract(*each))
        assert (point.difference_s, point.low_s, point.high_s) == pytest.approx(
            (alone.estimate, alone.low, alone.high), abs=1e-8
        )


@rarely
@given(st.integers(0, 1000), st.sampled_from([(1, 60), (3, 20)]))
def test_cold_is_who_asks_what_nobody_asked_before(rows: SimpleNamespace, seed: int, shape: tuple[int, int]):
    off, on = a_pair_of_arms(rows, seed, *shape)
    found = compare(off, on, seed)
    due: dict[tuple, dict[str, float]] = defaultdict(dict)
    for arm in (on, off):
        for key, row in arm.rows.iterrows():
            due[row["pair"], row["prompt_key"], row["temperature"]][key] = row["intended_s"]
    cold = {key for same in due.values() for key, at in same.items() if at == min(same.values())}
    shared = set(off.rows.index) & set(on.rows.index)

    for part, keys in ((found.cold, shared & cold), (found.warm, shared - cold)):
        there = on.rows.loc[sorted(keys)]
        assert part.requests == len(keys)
        assert part.other_from_cache == (there["served_by"] == "cache").sum()
        assert part.p95.other == nearest(there["effective_s"], 0.95)
