"""Whether one pair of a run that goes on can be counted."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from records.folder import GENERATOR, RunFolder
from reports.validity import invalid_because, read_pair
from tests.reports.paired_runs import ASKED, paired_run


@pytest.fixture
def run(tmp_path: Path, rows: SimpleNamespace) -> Any:
    """run(steal_share={...}): two pairs of two arms."""
    seconds = {"base": [1.0, 2.0], "candidate": [1.1, 2.2]}
    return lambda **changes: paired_run(tmp_path / "run", rows, seconds, **changes)


def test_a_good_pair_can_be_counted(run: Any):
    folder = run(planned={"base-02": ASKED, "candidate-02": ASKED}, achieved_share={"base-02": 1.0})

    assert invalid_because(folder, 2) == []


def test_a_pair_is_read_alone(run: Any):
    found = read_pair(run(), 2)

    assert [len(arm.rows) for arm in found.arms] == [ASKED, ASKED]
    assert set(found.arms[0].rows["pair"]) == {2}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"steal_share": {"base-02": 0.11}}, "base-02: 11% of the CPU time was stolen"),
        ({"achieved_share": {"candidate-02": 0.97}}, "candidate-02: 97.0% of the scheduled requests were sent"),
        ({"cpu_share": {"base-02": {"proxy": 0.7}}}, "The proxy of base-02 used 0.70 of a core"),
        ({"ended_early": ["base-02: the app ended with exit code 1"]}, "base-02: the app ended"),
        ({"planned": {"base-02": ASKED + 1}}, f"base-02 has rows of {ASKED} of {ASKED + 1} scheduled requests"),
        ({"embedded": True}, "base-02/calls.jsonl has no row"),
    ],
)
def test_what_makes_a_pair_invalid(run: Any, changes: dict[str, Any], told: str):
    """And not its neighbour, which a figure of another folder says nothing of."""
    folder = run(**changes)

    assert told in " ".join(invalid_because(folder, 2))
    if "embedded" not in changes:
        assert invalid_because(folder, 1) == []


def test_a_generator_that_lagged_makes_its_pair_invalid(run: Any, rows: SimpleNamespace):
    folder: RunFolder = run()
    told = {"worker": "1", "arrivals": ASKED, "lag_p95_s": 0.4, "lag_worst_s": 0.5}
    (folder.arm("base", 2).path / GENERATOR).write_text(rows.as_json(told) + "\n")

    assert "The load generator lagged" in invalid_because(folder, 2)[0]
    assert invalid_because(folder, 1) == []


def test_a_pair_without_rows_is_invalid(run: Any):
    assert "a run without rows" in invalid_because(run(), 3)[0]
