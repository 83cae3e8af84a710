"""Metrics of tokens and of availability, by hand and against plain Python."""

from math import ceil
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.compare import compare
from reports.metrics import measure

DUE = 5000.0


def nearest_rank(values: list[float], q: float) -> float | None:
    return sorted(values)[ceil(q * len(values)) - 1] if values else None


def test_a_long_answer_weighs_more_in_inter_token_latency_and_the_same_in_time_per_output_token(rows: SimpleNamespace):
    """One stall of 2 s is one gap of 100, and not even their P99 sees it; its own request waited a second for each token."""
    long = rows.a_request(1, gaps_us=[20_000] * 98)
    stalled = rows.a_request(2, gaps_us=[2_000_000, 20_000])
    found = measure(rows.an_arm([long, stalled]))

    assert [found[f"itl_p{q}_s"] for q in (50, 95, 99)] == [0.02, 0.02, 0.02]
    assert (found["tpot_p50_s"], found["tpot_p95_s"]) == (0.02, 1.01)


def test_tokens_a_second_of_all_and_of_one(rows: SimpleNamespace):
    """Of right answers only; those of JSON count for all together, but nobody saw them come."""
    requests = [
        rows.a_request(1, intended_s=DUE, finished_s=DUE + 2, tokens=40),
        rows.a_request(2, intended_s=DUE, finished_s=DUE + 4, tokens=40),
        rows.a_request(3, intended_s=DUE, finished_s=DUE + 5, tokens=30, outcome="cut"),
        rows.a_request(4, intended_s=DUE, finished_s=DUE + 1, tokens=20, task="chat"),
    ]
    found = measure(rows.an_arm(requests))

    assert found["output_tokens_per_s"] == pytest.approx(100 / 5)
    assert found["output_tokens_p50_per_s"] == pytest.approx(10)


def test_availability_to_users_and_over_time(rows: SimpleNamespace):
    """Two failures in one second are two users, and one bad second; who was rightly rejected is neither."""
    told = [(0.0, "ok"), (0.9, "degraded"), (1.0, "cut"), (1.9, "timeout"), (2.5, "rejected"), (5.0, "ok"), (7.2, "wrong")]
    requests = [rows.a_request(n, intended_s=DUE + at, outcome=one, status=422) for n, (at, one) in enumerate(told)]
    found = measure(rows.an_arm(requests, [rows.a_call("p01-000004", 1, 422, [{"name": "f", "kind": "answer"}])]))

    assert found["availability"] == pytest.approx(3 / 6)
    assert found["availability_by_time"] == pytest.approx(2 / 4)  # the seconds 0, 1, 5 and 7


def test_a_right_answer_too_late_is_not_available(rows: SimpleNamespace):
    found = measure(rows.an_arm([rows.a_request(1, intended_s=DUE, finished_s=DUE + 10.1), rows.a_request(2)]))

    assert found["availability"] == 0.5


def test_where_nothing_streamed_the_times_of_tokens_are_unknown(rows: SimpleNamespace):
    json = {"task": "chat", "first_token_s": None, "longest_gap_s": None, "gaps_us": []}
    found = measure(rows.an_arm([rows.a_request(n, **json) for n in range(3)]))

    names = ("ttft_p99_s", "itl_p50_s", "itl_p99_s", "tpot_p50_s", "tpot_p95_s", "longest_gap_p99_s", "output_tokens_p50_per_s")
    assert [found[name] for name in names] == [None] * len(names)
    assert found["output_tokens_per_s"] == pytest.approx(3 * 40 / 4)


def test_arms_are_compared_by_the_mean_gap_of_each_request(rows: SimpleNamespace):
    arms = [rows.an_arm([rows.a_request(n, gaps_us=[gap + n] * 9) for n in range(40)]) for gap in (30_000, 20_000)]
    found = {one.metric: one for one in compare(*arms, seed=7).differences}

    assert found["tpot_p95_s"].difference == pytest.approx(-0.01)
    assert found["tpot_p95_s"].method == "blocks"
    assert found["itl_p95_s"].difference == pytest.approx(-0.01)
    assert found["itl_p95_s"].method == ""  # over all gaps of an arm: only pairs of arms could tell how sure it is


answers = st.tuples(
    st.lists(st.integers(0, 900_000), max_size=8),
    st.sampled_from(["ok", "degraded", "cut", "timeout", "rejected"]),
    st.floats(0, 12),
    st.floats(0.25, 9),
)


@given(st.lists(answers, min_size=1, max_size=25))
def test_they_agree_with_plain_python(rows: SimpleNamespace, drawn: list[Any]):
    requests = [
        rows.a_request(n, intended_s=at, finished_s=at + took, outcome=outcome, status=422, gaps_us=gaps, tokens=len(gaps) + 1)
        for n, (gaps, outcome, at, took) in enumerate(drawn)
    ]
    calls = [rows.a_call(f"p01-{n:06d}", 1, 422, [{"name": "f", "kind": "answer"}]) for n in range(len(drawn))]
    found = measure(rows.an_arm(requests, calls))

    every = [gap / 1e6 for gaps, *_ in drawn for gap in gaps]
    means = [sum(gaps) / len(gaps) / 1e6 for gaps, *_ in drawn if gaps]
    right = [(len(gaps) + 1, took) for gaps, outcome, _, took in drawn if outcome in ("ok", "degraded")]
    assert found["itl_p95_s"] == nearest_rank(every, 0.95)
    assert found["tpot_p95_s"] == (pytest.approx(nearest_rank(means, 0.95)) if means else None)
    span = max(at + took for _, _, at, took in drawn) - min(at for _, _, at, _ in drawn)
    assert found["output_tokens_per_s"] == pytest.approx(sum(tokens for tokens, _ in right) / span)
    rates = [tokens / took for tokens, took in right]
    assert found["output_tokens_p50_per_s"] == (pytest.approx(nearest_rank(rates, 0.5)) if rates else None)

    counted = [(outcome, at) for _, outcome, at, _ in drawn if outcome != "rejected"]
    assert found["availability"] == (pytest.approx(len(right) / len(counted)) if counted else None)
    first = min(at for _, _, at, _ in drawn)
    seconds = {int(at - first) for _, at in counted}
    bad = {int(at - first) for outcome, at in counted if outcome in ("cut", "timeout")}
    assert found["availability_by_time"] == (pytest.approx(1 - len(bad) / len(seconds)) if counted else None)
