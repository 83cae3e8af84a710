"""Manifests nobody can use are refused in sentences, all problems at once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from records.bad_input import BadInput
from records.folder import RunFolder
from reports.manifest import is_embedded, read_manifest


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"deadline_s": None}, "deadline_s is missing"),
        ({"deadline_s": "10"}, "deadline_s must be a number of seconds above 0, got '10'"),
        ({"deadline_s": True}, "deadline_s must be"),
        ({"pairs": "two"}, "pairs must be a whole number of at least 1, got 'two'"),
        ({"arms": [{"features": "all"}]}, "arms must be a list of tables, each with a name of its own"),
        ({"arms": [{"name": "on"}, {"name": "on"}]}, "arms must be"),
        ({"arms": []}, "arms must be"),
        ({"arms": "on"}, "arms must be"),
        ({"bounds": ["on.p95 <= 1"]}, 'bounds: "on.p95 <= 1"'),
        ({"bounds": ["nonsense"]}, 'bounds: "nonsense" is not a bound'),
        ({"bounds": "on.p95_s <= 1"}, "bounds must be a list of texts"),
        ({"seed": "seven"}, "seed must be a whole number"),
        ({"plan": {"faults": [{"name": "cut"}]}}, "plan must be"),
        ({"plan": {"faults": [{"name": "cut", "kind": "cut", "share": "much"}]}}, "plan must be"),
        ({"plan": {"faults": [{"name": "cut", "kind": "cut", "during_s": "noon"}]}}, "plan must be"),
        ({"plan": {"faults": [{"name": "cut", "kind": "cut", "during_s": [1]}]}}, "plan must be"),
        ({"plan": {"faults": [{"name": "cut", "kind": "cut", "during_s": [None, 1]}]}}, "plan must be"),
        ({"plan": {"faults": [{"name": "cut", "kind": "cut", "on": 1}]}}, "plan must be"),
        ({"cpu_share": {"on-01": {"proxy": "half"}}}, "cpu_share must be"),
        ({"planned": {"on-01": "many"}}, "planned must be"),
        ({"ended_early": "the app"}, "ended_early must be"),
        ({"clocks": {"wall_s": "noon"}}, "clocks must be"),
        ({"rate_per_s": "fast"}, "rate_per_s must be"),
        ({"machine": ["x86"]}, "machine must be a table"),
        ({"embedded": "yes"}, "embedded must be true or false"),
        ({"goodput": [1]}, "goodput must be a table of ttft_s, gap_s and total_s, numbers of seconds above 0"),
        ({"goodput": {"gap_s": 0}}, "goodput must be"),
        ({"goodput": {"ttft_s": "soon"}}, "goodput must be"),
        ({"prices": "cheap"}, "prices must be a table with name, currency and models"),
        ({"prices": {"name": "mine", "models": {}}}, "prices must be"),
        ({"prices": {"name": "mine", "currency": "EUR"}}, "prices must be"),
        ({"prices": {"name": "mine", "currency": "EUR", "models": {"m": {"input_per_million": 1}}}}, "prices must be"),
        ({"prices": {"name": "m", "currency": "EUR", "models": {"m": 1}}}, "prices must be"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused(a_run: Callable[..., RunFolder], changes: dict[str, Any], told: str):
    folder = a_run(**changes)
    with pytest.raises(BadInput) as raised:
        read_manifest(folder)

    assert len(raised.value.problems) == 1
    assert raised.value.problems[0].startswith(f"{folder.manifest_path}: {told}")


def test_every_problem_is_told_at_once(a_run: Callable[..., RunFolder]):
    with pytest.raises(BadInput) as raised:
        read_manifest(a_run(pairs=0, seed="x", bounds=["x", "y"]))

    assert len(raised.value.problems) == 4


def test_a_file_is_no_run(tmp_path: Path):
    file = tmp_path / "run.json"
    file.write_text("{}")
    with pytest.raises(BadInput, match=r"run\.json: not a run's folder \(Not a directory\)"):
        read_manifest(RunFolder(file))


@pytest.mark.parametrize(
    ("manifest", "embedded"),
    [({}, False), ({"plan": None}, False), ({"plan": {"name": "p"}}, True), ({"plan": {"name": "p"}, "embedded": False}, False),
     ({"embedded": True}, True)],
)  # fmt: skip
def test_a_run_with_a_plan_is_embedded_unless_it_says_otherwise(manifest: dict[str, Any], embedded: bool):
    assert is_embedded(manifest) == embedded
