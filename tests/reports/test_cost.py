"""What requests cost, by hand and against a plain sum over their generations."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from records.rows import GenerationRow
from reports.compare import compare
from reports.cost import unpriced
from reports.metrics import measure
from reports.prices import Price, Prices

LARGE, SMALL = Price(1.0, 10.0), Price(0.1, 0.5)
PRICES = Prices("mine", "EUR", {"large": LARGE, "small": SMALL})
COSTS = ("cost_per_1000", "cost_per_right_answer", "cost_wasted_per_1000")


def a_generation(
    rows: SimpleNamespace, number: int, attempt: int, model: str, tokens_in: int, tokens_out: int
) -> GenerationRow:
    found = rows.a_generation(f"p01-{number:06d}", attempt, tokens_out, 5000.0)
    return replace(found, model=model, tokens_in=tokens_in)


def test_costs_checked_by_hand(rows: SimpleNamespace):
    """A retry costs its prompt again; a failure is all waste; the cache costs nothing."""
    requests = [
        rows.a_request(1, tokens=40),
        rows.a_request(2, tokens=40),
        rows.a_request(3, tokens=5, outcome="cut"),
        rows.a_request(4, tokens=40, served_by="cache"),
    ]
    generations = [
        a_generation(rows, 1, 1, "large", 100, 40),  # 100 + 400 = 500
        a_generation(rows, 2, 1, "large", 100, 10),  # 100 + 100 = 200, broke
        a_generation(rows, 2, 2, "small", 100, 40),  # 10 + 20 = 30, what the user got
        a_generation(rows, 3, 1, "large", 100, 5),  # 100 + 50 = 150
        a_generation(rows, 9, 1, "large", 100, 100),  # of no request of a user
    ]
    arm = rows.an_arm(requests, generations=generations, prices=PRICES)
    found = measure(arm)

    assert list(arm.rows["cost"]) == pytest.approx([500e-6, 230e-6, 150e-6, 0])
    assert list(arm.rows["cost_wasted"]) == pytest.approx([0, 200e-6, 150e-6, 0])
    assert found["cost_per_1000"] == pytest.approx(880e-6 / 4 * 1000)
    assert found["cost_per_right_answer"] == pytest.approx(880e-6 / 3)
    assert found["cost_wasted_per_1000"] == pytest.approx(350e-6 / 4 * 1000)


def test_a_generation_that_said_nothing_does_not_set_the_price(rows: SimpleNamespace):
    """The hedge that left the queue before its turn is no answer, though it came last."""
    generations = [a_generation(rows, 1, 1, "small", 100, 40), a_generation(rows, 1, 2, "large", 0, 0)]
    arm = rows.an_arm([rows.a_request(1, tokens=40)], generations=generations, prices=PRICES)

    assert list(arm.rows["cost_wasted"]) == pytest.approx([0])


def test_without_a_list_or_without_the_models_rows_nothing_is_told(rows: SimpleNamespace):
    without_list = measure(rows.an_arm([rows.a_request(1)], generations=[a_generation(rows, 1, 1, "large", 10, 40)]))
    without_rows = measure(rows.an_arm([rows.a_request(1)], prices=PRICES))

    assert [found[name] for found in (without_list, without_rows) for name in COSTS] == [None] * 6


def test_no_right_answer_has_no_cost_of_one(rows: SimpleNamespace):
    requests, generations = [rows.a_request(1, outcome="cut")], [a_generation(rows, 1, 1, "large", 10, 40)]
    found = measure(rows.an_arm(requests, generations=generations, prices=PRICES))

    assert found["cost_per_right_answer"] is None
    assert found["cost_per_1000"] == found["cost_wasted_per_1000"] == pytest.approx(0.41)


def test_a_model_without_a_price_makes_the_cost_unknown_and_is_told(rows: SimpleNamespace):
    generations = [a_generation(rows, 1, 1, "large", 10, 40), a_generation(rows, 2, 1, "smal", 10, 40)]
    arm = rows.an_arm([rows.a_request(1), rows.a_request(2)], generations=generations, name="on", prices=PRICES)

    assert [measure(arm)[name] for name in COSTS] == [None] * 3
    assert unpriced([arm], PRICES) == [
        'The price list "mine" has no price for a model of arm "on", so what the arm cost is unknown: '
        '"smal" is not a model in it. Did you mean "small"? Known: large, small'
    ]
    assert unpriced([arm], None) == []


def test_a_model_that_only_a_stranger_used_needs_no_price(rows: SimpleNamespace):
    generations = [a_generation(rows, 1, 1, "large", 10, 40), a_generation(rows, 99, 1, "other", 10, 40)]
    arm = rows.an_arm([rows.a_request(1)], generations=generations, prices=PRICES)

    assert unpriced([arm], PRICES) == []
    assert measure(arm)["cost_per_1000"] == pytest.approx(0.41)


def test_arms_are_compared_request_by_request(rows: SimpleNamespace):
    requests = [rows.a_request(n) for n in range(1, 41)]
    arms = [
        rows.an_arm(requests, generations=[a_generation(rows, n, 1, model, 100, 40) for n in range(1, 41)], prices=PRICES)
        for model in ("large", "small")
    ]
    found = {one.metric: one for one in compare(*arms, seed=7).differences}["cost_per_1000"]

    assert (found.difference, found.low, found.high) == pytest.approx((-0.47, -0.47, -0.47))


generations = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["large", "small"]), st.integers(0, 500), st.integers(0, 300)), max_size=30
)


@settings(max_examples=40)
@given(
    generations, st.lists(st.tuples(st.sampled_from(["ok", "degraded", "cut"]), st.integers(0, 300)), min_size=1, max_size=6)
)
def test_costs_agree_with_a_plain_sum(
    rows: SimpleNamespace, drawn: list[tuple[int, str, int, int]], answers: list[tuple[str, int]]
):
    requests = [rows.a_request(n, outcome=outcome, tokens=tokens) for n, (outcome, tokens) in enumerate(answers)]
    made = [a_generation(rows, one, attempt, *rest) for attempt, (one, *rest) in enumerate(drawn, 1)]
    cost, wasted = 0.0, 0.0
    for n, (outcome, tokens) in enumerate(answers):
        own, needed = 0.0, 0.0
        for number, model, tokens_in, tokens_out in drawn:
            price = PRICES.models[model]
            if number == n:
                own += tokens_in * price.input_per_million + tokens_out * price.output_per_million
                if tokens_out:
                    needed = tokens_in * price.input_per_million + tokens * price.output_per_million
        cost += own / 1e6
        wasted += max(0.0, own - (0.0 if outcome == "cut" else needed)) / 1e6
    found = measure(rows.an_arm(requests, generations=made, prices=PRICES))

    assert found["cost_per_1000"] == (pytest.approx(1000 * cost / len(answers)) if made else None)
    assert found["cost_wasted_per_1000"] == (pytest.approx(1000 * wasted / len(answers)) if made else None)
