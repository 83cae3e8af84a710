"""Metrics against hand-checked cases and brute force."""

from math import ceil
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.rows import BROKEN, OUTCOMES, WRONG, is_failure
from reports.metrics import METRICS, measure, quantile


@given(st.lists(st.floats(0, 100), min_size=1, max_size=60), st.sampled_from([0.01, 0.5, 0.95, 0.99, 1.0]))
def test_a_quantile_is_the_smallest_value_that_enough_do_not_exceed(values: list[float], q: float):
    enough = [value for value in values if sum(other <= value for other in values) >= ceil(q * len(values))]

    assert quantile(np.array(values), q) == min(enough)


def test_the_95th_of_twenty_is_the_nineteenth():
    assert quantile(np.arange(1.0, 21.0), 0.95) == 19
    assert quantile(np.arange(1.0, 22.0), 0.95) == 20
    assert quantile(np.array([]), 0.5) is None


def test_a_failure_counts_as_the_deadline_and_a_rejection_as_itself(rows: SimpleNamespace):
    """Dropping a request that broke after 1 s, or counting it as 1 s, would make a broken app look fast."""
    due = 5000.0
    arm = rows.an_arm(
        [
            rows.a_request(1, intended_s=due, finished_s=due + 2),
            rows.a_request(2, intended_s=due, finished_s=due + 1, outcome="cut"),
            rows.a_request(3, intended_s=due, finished_s=due + 0.1, outcome="rejected", status=422),
            rows.a_request(4, intended_s=due, finished_s=due + 5, outcome="aborted"),
        ],
        [rows.a_call("p01-000003", 1, 422, [{"name": "422", "kind": "answer"}])],
    )

    assert sorted(arm.rows["effective_s"]) == pytest.approx([0.1, 2, 10])
    assert arm.aborted == 1


def test_a_late_right_answer_counts_as_the_deadline_too(rows: SimpleNamespace):
    arm = rows.an_arm([rows.a_request(1, intended_s=5000.0, finished_s=5012.0)])

    assert measure(arm)["p95_s"] == 10
    assert measure(arm)["ok_p95_s"] == 12


def test_hand_checked_figures_of_a_small_arm(rows: SimpleNamespace):
    requests = [rows.a_request(n) for n in range(1, 9)]
    requests += [rows.a_request(9, outcome="wrong"), rows.a_request(10, outcome="timeout", first_token_s=None)]
    cut = [{"name": "cut", "kind": "cut"}]
    calls = [rows.a_call(f"p01-{n:06d}") for n in range(2, 11)]
    calls += [rows.a_call("p01-000001", 1, faults=cut), rows.a_call("p01-000001", 2), rows.a_call("p01-000010", 2, faults=cut)]
    generations = [rows.a_generation(f"p01-{n:06d}", 1, 40, 5000.0) for n in range(1, 11)]
    found = measure(rows.an_arm(requests, calls, generations))

    assert found["requests"] == 10
    assert found["failure_share"] == pytest.approx(0.2)
    assert found["wrong_share"] == found["broken_share"] == found["timeout_share"] == pytest.approx(0.1)
    assert found["p50_s"] == pytest.approx(2)
    assert found["p95_s"] == found["p99_s"] == 10
    assert found["ttft_p95_s"] == pytest.approx(0.7)
    assert found["fault_met_share"] == pytest.approx(0.2)
    assert found["retry_success"] == pytest.approx(0.5)
    assert found["attempts_per_request"] == pytest.approx(1.2)
    assert found["tokens_spent"] == 520
    assert found["tokens_wasted"] == 104
    assert found["throughput_per_s"] == pytest.approx(10 / 11)
    assert found["cache_share"] == 0


def test_no_rows_are_unknown_never_zero(rows: SimpleNamespace):
    found = measure(rows.an_arm([]))

    assert {name for name, value in found.items() if value is not None} == {"aborted"}


def test_what_only_a_missing_file_could_tell_is_unknown(rows: SimpleNamespace):
    """A foreign app without proxy and model server has no calls and no tokens: that is not zero of them."""
    found = measure(rows.an_arm([rows.a_request(1, served_by=None)]))

    told = ("attempts_per_request", "tokens_spent", "tokens_wasted", "fault_met_share", "retry_success", "cache_share")
    assert [found[name] for name in told] == [None] * len(told)
    assert found["p95_s"] == pytest.approx(2)


def test_every_metric_has_its_own_name_and_a_sentence():
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert all(metric.sentence.endswith(".") and metric.unit for metric in METRICS)


@given(st.lists(st.tuples(st.sampled_from(OUTCOMES), st.floats(0, 15), st.booleans()), min_size=1, max_size=50))
def test_metrics_agree_with_plain_counting(rows: SimpleNamespace, drawn: list[tuple[str, float, bool]]):
    requests = [
        rows.a_request(n, intended_s=5000.0, sent_s=5000.0, finished_s=5000 + took_s, outcome=outcome, status=422)
        for n, (outcome, took_s, _) in enumerate(drawn)
    ]
    struck = [{"name": "f", "kind": "cut"}]
    calls = [rows.a_call(f"p01-{n:06d}", status=422, faults=struck if met else []) for n, (_, _, met) in enumerate(drawn)]
    found = measure(rows.an_arm(requests, calls))
    # Rightly rejected is who met a fault; a 4xx of the provider's own making is an error.
    told = [("http_error" if one == "rejected" and not met else one, took_s, met) for one, took_s, met in drawn]
    kept = [one for one in told if one[0] != "aborted"]

    assert found["aborted"] == len(drawn) - len(kept)
    if not kept:
        assert found["p95_s"] is None
        return
    took = sorted(10.0 if is_failure(outcome) else min(10.0, s) for outcome, s, _ in kept)
    assert found["p95_s"] == pytest.approx(took[ceil(0.95 * len(took)) - 1])
    assert found["broken_share"] == pytest.approx(sum(outcome in BROKEN for outcome, _, _ in kept) / len(kept))
    assert found["wrong_share"] == pytest.approx(sum(outcome in WRONG for outcome, _, _ in kept) / len(kept))
    met = [(outcome, s) for outcome, s, faulted in kept if faulted and outcome != "rejected"]
    recovered = sum(outcome in ("ok", "degraded") and s <= 10 for outcome, s in met)
    assert found["retry_success"] == (pytest.approx(recovered / len(met)) if met else None)
