"""Goodput: what a request must keep to, how that is read, and who keeps to it."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from records.rows import OUTCOMES
from records.strict import Table
from reports.compare import compare
from reports.goodput import Goodput, goodput_of, parse_goodput
from reports.metrics import measure

ALL = Goodput(ttft_s=1.0, gap_s=0.1, total_s=3.0)
DUE = 5000.0


def problems_of(values: dict[str, Any]) -> list[str]:
    problems: list[str] = []
    parse_goodput(Table("mine.toml", {"goodput": values}, problems))
    return problems


def test_each_bound_is_optional():
    found = parse_goodput(Table("mine.toml", {"goodput": {"ttft_s": 2, "total_s": 5.5}}, []))

    assert found == Goodput(ttft_s=2, gap_s=None, total_s=5.5)
    assert parse_goodput(Table("mine.toml", {}, [])) is None


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "mine.toml, goodput: names no bound: write one or more of ttft_s, gap_s, total_s, in seconds"),
        ({"ttft": 1}, 'mine.toml, goodput.ttft: "ttft" is not a key. Did you mean "ttft_s"? Known: gap_s, total_s, ttft_s'),
        ({"gap_s": 0}, "mine.toml, goodput.gap_s: must be at least 0.001, got 0"),
        ({"gap_s": 0.0}, "mine.toml, goodput.gap_s: must be at least 0.001, got 0.0"),
        ({"total_s": "5"}, "mine.toml, goodput.total_s: must be a number, got '5'"),
        ({"total_s": float("inf")}, "mine.toml, goodput.total_s: must be a number, got inf"),
    ],
)
def test_bad_bounds_are_told_in_one_sentence(values: dict[str, Any], told: str):
    assert problems_of(values) == [told]


def test_a_manifest_tells_them_again():
    assert goodput_of({"goodput": {"ttft_s": 1.0, "gap_s": None, "total_s": 3.0}}) == Goodput(ttft_s=1.0, total_s=3.0)
    assert goodput_of({"goodput": None}) is None
    assert goodput_of({}) is None


def test_who_keeps_to_all_bounds_and_who_does_not(rows: SimpleNamespace):
    good = {"intended_s": DUE, "first_token_s": DUE + 1.0, "finished_s": DUE + 3.0, "longest_gap_s": 0.1}
    requests = [
        rows.a_request(1, **good),
        rows.a_request(2, **good | {"first_token_s": DUE + 1.001}),
        rows.a_request(3, **good | {"longest_gap_s": 0.101}),
        rows.a_request(4, **good | {"finished_s": DUE + 3.001}),
        rows.a_request(5, **good | {"outcome": "truncated"}),
        rows.a_request(6, **good | {"outcome": "degraded", "longest_gap_s": None}),
        rows.a_request(7, **good | {"task": "chat", "first_token_s": None, "longest_gap_s": None}),
        rows.a_request(8, **good | {"task": "chat", "first_token_s": None, "finished_s": DUE + 4}),
    ]
    arm = rows.an_arm(requests, goodput=ALL)

    assert list(arm.rows["good"]) == [True, False, False, False, False, True, True, False]
    assert measure(arm)["goodput_share"] == pytest.approx(3 / 8)
    assert measure(arm)["goodput_per_s"] == pytest.approx(3 / 4)


def test_a_right_answer_after_the_deadline_is_of_no_use_even_without_a_bound_on_the_total(rows: SimpleNamespace):
    arm = rows.an_arm([rows.a_request(1, intended_s=DUE, finished_s=DUE + 10.5)], goodput=Goodput(ttft_s=1.0))

    assert measure(arm)["goodput_share"] == 0


def test_without_bounds_it_is_unknown(rows: SimpleNamespace):
    found = measure(rows.an_arm([rows.a_request(1)]))

    assert [found[name] for name in ("goodput_share", "goodput_per_s", "fluidity")] == [None] * 3


def test_without_both_targets_there_is_goodput_and_no_fluidity(rows: SimpleNamespace):
    found = measure(rows.an_arm([rows.a_request(1)], goodput=Goodput(ttft_s=1.0)))

    assert (found["goodput_share"], found["fluidity"]) == (1.0, None)


def test_fluidity_counts_failures_as_none_and_leaves_out_what_was_not_streamed(rows: SimpleNamespace):
    streamed = {"intended_s": DUE, "first_token_s": DUE + 0.5, "gaps_us": [50_000, 400_000, 100_000, 100_000]}
    requests = [
        rows.a_request(1, **streamed),  # 550 ms of slack take the stall
        rows.a_request(2, **streamed | {"first_token_s": DUE + 0.9}),  # 150 ms do not: two of six missed
        rows.a_request(3, **streamed | {"outcome": "cut"}),
        rows.a_request(4, **streamed | {"outcome": "rejected", "status": 422}),
        rows.a_request(5, **streamed | {"task": "chat", "first_token_s": None, "gaps_us": []}),
    ]
    struck = [rows.a_call("p01-000004", 1, 422, [{"name": "f", "kind": "answer"}])]
    arm = rows.an_arm(requests, struck, goodput=ALL)

    assert list(arm.rows["fluidity"]) == pytest.approx([1, 4 / 6, 0, float("nan"), float("nan")], nan_ok=True)
    assert measure(arm)["fluidity"] == pytest.approx((1 + 4 / 6) / 3)


def test_arms_are_compared_by_which_requests_were_good_in_each(rows: SimpleNamespace):
    """McNemar's exact test, as for every share that each request has or has not."""
    arms = [
        rows.an_arm([rows.a_request(n, longest_gap_s=0.2 if n % 4 < slow else 0.05) for n in range(1, 41)], goodput=ALL)
        for slow in (2, 1)
    ]
    found = {one.metric: one for one in compare(*arms, seed=7).differences}["goodput_share"]

    assert (found.reference, found.other, found.method) == (0.5, 0.75, "newcombe")
    assert found.p_value == pytest.approx(2 * 0.5**10)


seconds = st.sampled_from([0.05, 0.1, 0.11, 1.0, 1.2, 3.0, 3.5, 9.0, 12.0])
bounds = st.one_of(st.none(), seconds)
drawn_requests = st.tuples(
    st.sampled_from(OUTCOMES), st.sampled_from(["stream", "chat"]), st.one_of(st.none(), seconds), seconds, seconds
)


@settings(max_examples=50)
@given(st.lists(drawn_requests, min_size=1, max_size=30), bounds, bounds, bounds)
def test_goodput_agrees_with_plain_counting(
    rows: SimpleNamespace, drawn: list[Any], ttft_s: float | None, gap_s: float | None, total_s: float | None
):
    requests = [
        rows.a_request(
            n, intended_s=0.0, first_token_s=first, longest_gap_s=gap, finished_s=took, outcome=outcome, task=task, status=422
        )
        for n, (outcome, task, first, gap, took) in enumerate(drawn)
    ]
    kept = [one for one in drawn if one[0] != "aborted"]
    good = 0
    for outcome, task, first, gap, took in kept:
        fits = outcome in ("ok", "degraded") and took <= 10 and (total_s is None or took <= total_s)
        if task == "stream":
            fits = fits and (ttft_s is None or (first is not None and first <= ttft_s)) and (gap_s is None or gap <= gap_s)
        good += fits
    found = measure(rows.an_arm(requests, goodput=Goodput(ttft_s, gap_s, total_s)))["goodput_share"]

    assert found == (pytest.approx(good / len(kept)) if kept else None)
