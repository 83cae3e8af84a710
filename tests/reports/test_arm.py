"""Columns of an arm: what every figure is computed from."""

from types import SimpleNamespace

import numpy as np
import pytest


def test_times_count_from_the_intended_start(rows: SimpleNamespace):
    """Sent late by the generator, a request has waited already."""
    late = rows.a_request(1, intended_s=5000.0, sent_s=5000.2, first_token_s=5001.0, finished_s=5003.0)
    frame = rows.an_arm([late, rows.a_request(2, intended_s=5004.0)]).rows

    assert frame.loc["p01-000001", ["lag_s", "ttft_s", "own_s", "effective_s"]].tolist() == pytest.approx([0.2, 1, 3, 3])
    assert frame["start_s"].tolist() == [0, 4]


def test_what_never_happened_is_nan_not_zero(rows: SimpleNamespace):
    frame = rows.an_arm([rows.a_request(1, outcome="timeout", first_token_s=None, longest_gap_s=None)]).rows

    assert np.isnan(frame["ttft_s"].iloc[0])
    assert np.isnan(frame["longest_gap_s"].iloc[0])
    assert frame["effective_s"].iloc[0] == rows.DEADLINE_S


def test_a_rejection_out_of_nowhere_is_a_failure(rows: SimpleNamespace):
    told = [rows.a_request(1, outcome="rejected", status=422), rows.a_request(2, outcome="rejected", status=422)]
    frame = rows.an_arm(
        told, [rows.a_call("p01-000001", 1, 422, [{"name": "422", "kind": "answer"}]), rows.a_call("p01-000002")]
    ).rows

    assert frame["outcome"].tolist() == ["rejected", "http_error"]
    assert frame["failed"].tolist() == [False, True]


def test_strikes_are_placed_in_the_time_of_the_run(rows: SimpleNamespace):
    call = rows.a_call("p01-000001", faults=[{"name": "cut", "kind": "cut"}], at_s=5003.0)
    arm = rows.an_arm([rows.a_request(1, intended_s=5001.0)], [call])

    assert [(one.fault, one.kind, one.start_s) for one in arm.strikes.itertuples()] == [("cut", "cut", 2.0)]
