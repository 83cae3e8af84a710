"""Baselines: what is kept of a run, and what is no baseline."""

import json
from pathlib import Path
from typing import Any

import pytest

from records.bad_input import BadInput
from reports.baseline import read_baseline, read_run, write_baseline


@pytest.mark.parametrize(
    "arm",
    [{}, "on", {"effective_s": [1.0]}, {"effective_s": {"p01-000001": "slow"}}, {"effective_s": {"p01-000001": None}},
     {"effective_s": {"p01-000001": float("nan")}}, {"effective_s": {"p01-000001": 0}}],
)  # fmt: skip
def test_an_arm_of_a_baseline_without_seconds_is_refused(tmp_path: Path, arm: Any):
    (tmp_path / "baseline.json").write_text(json.dumps({"schema_version": 2, "arms": {"on": arm}}))
    with pytest.raises(BadInput, match='arm "on" has no effective_s') as raised:
        read_baseline(tmp_path / "baseline.json")

    assert len(raised.value.problems) == 1


def test_a_baseline_of_the_first_schema_is_to_be_written_again(tmp_path: Path):
    (tmp_path / "baseline.json").write_text('{"schema_version": 1, "arms": {}}')
    with pytest.raises(BadInput, match=r"schema version 2, got 1\. Write it again: headwind baseline RUN"):
        read_baseline(tmp_path / "baseline.json")


def test_a_baseline_that_cannot_be_written_is_bad_input(tmp_path: Path):
    with pytest.raises(BadInput, match=r"out: not writable \(Is a directory\)\. Name another file: --out FILE"):
        (tmp_path / "out").mkdir()
        write_baseline(tmp_path / "out", {})


def test_a_file_in_the_place_of_a_run_is_refused(tmp_path: Path):
    (tmp_path / "baseline.json").write_text("{}")
    with pytest.raises(BadInput, match="not a run's folder"):
        read_run(tmp_path / "baseline.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 99, "arms": {}}'])
def test_a_file_that_is_no_baseline_is_refused(tmp_path: Path, text: str):
    (tmp_path / "baseline.json").write_text(text)
    with pytest.raises(BadInput, match="not"):
        read_baseline(tmp_path / "baseline.json")


def test_a_missing_baseline_says_how_to_write_one(tmp_path: Path):
    with pytest.raises(BadInput, match="headwind baseline RUN"):
        read_baseline(tmp_path / "baseline.json")
