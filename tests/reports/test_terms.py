"""From a run's manifest to its figures: goodput, fluidity, cost and time to recover, where the scenario asks for them."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from records.folder import RunFolder
from reports.frames import Gaps
from reports.load import load
from reports.render_json import as_told
from reports.render_measured import facts
from reports.render_summary import sentences
from reports.report import Report, make_report
from reports.terms import mean_gap_s
from tests.reports.shown import printed

LLAMA = {"llama3.2": {"input_per_million": 1.0, "output_per_million": 10.0}}
PRICES = {"name": "mine", "currency": "EUR", "source": "a price page", "as_of": "2026-01-31", "models": LLAMA}
GOODPUT = {"ttft_s": 1.0, "gap_s": 0.06, "total_s": None}
FAULT = {"name": "cut between chunk 3 and 7", "kind": "cut", "share": 0.12, "during_s": [10, 20]}
ASKED = ("goodput_share", "goodput_per_s", "fluidity", "cost_per_1000", "cost_per_right_answer", "cost_wasted_per_1000")


@pytest.fixture(scope="module")
def asked(rows: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Report:
    arms = {arm: rows.simulate(arm, 500) for arm in ("off", "on")}
    asks: dict[str, Any] = {"goodput": GOODPUT, "prices": PRICES, "plan": {"name": "p", "faults": [FAULT]}}
    return make_report(load(rows.write_run(tmp_path_factory.mktemp("asked") / "a-run", arms, **asks)))


def test_what_the_scenario_asks_for_is_told_and_compared(asked: Report):
    off, on = asked.arms
    found = {one.metric: one for one in asked.comparisons[0].differences}

    assert all((arm.metrics[name] or 0) > 0 for arm in (off, on) for name in ASKED)
    assert on.metrics["goodput_share"] > off.metrics["goodput_share"]
    # 12 tokens in and 40 out for each generation, at 412 millionths.
    generations = 500 - off.outcomes["http_error"] - off.outcomes["rejected"]
    assert off.metrics["cost_per_1000"] == pytest.approx(412e-6 * generations / 500 * 1000)
    assert found["goodput_share"].method == "newcombe"
    assert found["cost_per_1000"].low is not None and found["fluidity"].low is not None


def test_what_it_does_not_ask_for_is_unknown(found: Report):
    assert [arm.metrics[name] for arm in found.arms for name in ASKED] == [None] * 2 * len(ASKED)
    assert [arm.recoveries for arm in found.arms] == [(), ()]


def test_windows_are_told_in_json(asked: Report):
    told = as_told(asked)["arms"]["on"]["recoveries"]

    assert [(one.faults, one.from_s, one.to_s) for one in told] == [((FAULT["name"],), 10, 20)]
    assert asked.arms[1].metrics["time_to_recover_s"] == told[0].seconds


def test_currency_prices_and_bounds_are_told_beside_the_figures(asked: Report, found: Report):
    told = dict(facts(asked.manifest))

    assert told["Prices"] == "mine, in EUR by a million tokens (a price page, as of 2026-01-31)"
    assert told["Goodput's bounds"] == "first token 1.00 s, longest gap 60 ms"
    assert " EUR for 1,000 requests" in sentences(asked)[-1]
    assert "Cost per 1,000" in printed(asked) and "Goodput share" in printed(asked)
    assert "Cost per 1,000" not in printed(found) and "Goodput share" not in printed(found)
    assert {"Prices", "Goodput's bounds"}.isdisjoint(dict(facts(found.manifest)))


def test_a_model_without_a_price_is_a_problem_that_is_told(a_run: Callable[..., RunFolder]):
    found = make_report(load(a_run(prices=PRICES | {"models": {"llama3": LLAMA["llama3.2"]}})))
    problems = [one for one in found.problems if "price" in one]

    assert [arm.metrics["cost_per_1000"] for arm in found.arms] == [None, None]
    assert [f'arm "{name}"' in problem for name, problem in zip(("off", "on"), problems, strict=True)] == [True, True]
    assert problems[0].endswith('"llama3.2" is not a model in it. Did you mean "llama3"? Known: llama3')


def test_a_bound_of_a_figure_nobody_asked_for_is_inconclusive(a_run: Callable[..., RunFolder]):
    found = make_report(load(a_run(bounds=["on.goodput_share >= 0.5", "on.cost_per_1000 <= 1"])))

    assert [one.state for one in found.judged] == ["inconclusive", "inconclusive"]


@pytest.mark.parametrize(
    ("gaps", "told"),
    [
        ([[], [10_000, 30_000], [], [50_000], []], [np.nan, 0.02, np.nan, 0.05, np.nan]),
        ([[10_000]], [0.01]),
        ([[], []], [np.nan, np.nan]),
        ([], []),
    ],
)
def test_the_mean_gap_of_each_request(gaps: list[list[int]], told: list[float]):
    flat = np.array([us for one in gaps for us in one], dtype=np.int32)
    found = mean_gap_s(Gaps(flat, np.cumsum([len(one) for one in gaps], dtype=np.int64)))

    assert list(found) == pytest.approx(told, nan_ok=True)


def test_sums_of_long_gaps_do_not_overflow():
    found = mean_gap_s(Gaps(np.full(4, 2_000_000_000, dtype=np.int32), np.array([4])))

    assert list(found) == [2000.0]


def test_the_terms_hold_for_each_pair(a_run: Callable[..., RunFolder]):
    """Columns of pairs are put together as the rows are."""
    folder = a_run(goodput=GOODPUT, prices=PRICES, pairs=2)
    for arm in ("off", "on"):
        second = folder.arm(arm, 2).path
        second.mkdir()
        for file in folder.arm(arm, 1).path.iterdir():
            second.joinpath(file.name).write_text(file.read_text().replace('"p01-', '"p02-').replace('"pair":1', '"pair":2'))
    one, both = load(folder, only_pair=1).arms[0], load(folder).arms[0]
    halves = [replace(both, frames=both.frames.picked(np.arange(at, at + 500))) for at in (0, 500)]

    for name in ("good", "fluidity", "cost", "cost_wasted", "tpot_s"):
        for half in halves:
            assert np.array_equal(half.rows[name], one.rows[name], equal_nan=True)
