"""docs/claims.md and scenarios/claims/: each published claim has its row, and whatever a row names is there."""

import re
import shlex
from pathlib import Path

import pytest

from faults.reading import read_plan
from harness.cli import parser
from harness.scenario import SCENARIOS, read_scenario

ROOT = SCENARIOS.parent
TOLD = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
HOME = SCENARIOS / "claims"
NAMES = sorted(path.stem for path in HOME.glob("*.toml"))
CLAIMS = {"A": 8, "B": 6, "C": 9, "D": 2, "E": 5}
"""How many there are of each article."""
VERDICTS = ("holds", "holds only", "does not hold", "not shown")


def rows():
    """The cells of every row, by the claim's id."""
    lines = re.findall(r"^\| ([A-E]\d) \|(.+)\|$", TOLD, re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split(" | ")] for name, cells in lines}


def test_every_claim_has_its_row_and_verdict():
    """Claimed, measured, verdict, how to repeat it."""
    assert "TODO" not in TOLD
    assert list(rows()) == [f"{article}{number}" for article, count in CLAIMS.items() for number in range(1, count + 1)]
    for name, cells in rows().items():
        assert len(cells) == 4 and all(cells), name
        assert cells[2].startswith(tuple(f"**{verdict}" for verdict in VERDICTS)), f"{name}: {cells[2]}"


def test_whatever_the_rows_name_is_there():
    """Commands are understood, scenarios and tests exist."""
    repeats = {name: cells[3] for name, cells in rows().items()}
    for name, repeat in repeats.items():
        commands, paths = re.findall(r"`headwind ([^`]+)`", repeat), re.findall(r"`([\w./-]*test_\w+\.py)`", repeat)
        assert commands or paths, f"{name}: nothing to repeat it with"
        for words in map(shlex.split, commands):
            assert read_scenario(parser().parse_args(words).scenario)
        for path in paths:
            assert (ROOT / "tests" / "reference_app" / path).is_file(), f"{name}: {path}"


def test_every_scenario_of_a_claim_is_named_in_its_row():
    found = rows()
    assert NAMES
    for name in NAMES:
        assert f"`headwind run claims/{name}`" in found[name.upper()][3]
        assert read_scenario(f"claims/{name}").summary.startswith(f"claim {name.upper()},")


@pytest.mark.parametrize("name", NAMES)
def test_every_experiment_is_short_and_can_fail(name):
    """At most some 100 s in all; bounds that tell what was expected; arms that differ in the app alone."""
    scenario = read_scenario(f"claims/{name}")
    assert len(scenario.arms) * scenario.pairs * (scenario.workload.duration_s + 10) <= 100
    assert scenario.bounds and len({(arm.features, str(arm.environment)) for arm in scenario.arms}) == len(scenario.arms)


@pytest.mark.parametrize("name", NAMES)
def test_files_that_an_arm_names_are_there(name):
    for arm in read_scenario(f"claims/{name}").arms:
        for variable, value in arm.environment.items():
            assert not variable.endswith("_FILE") or (ROOT / value).is_file()


@pytest.mark.parametrize("path", sorted((HOME / "plans").glob("*.toml")), ids=lambda path: path.stem)
def test_every_plan_of_a_claim_is_good_and_used(path: Path):
    used = {read_scenario(f"claims/{name}").plan_path for name in NAMES}
    assert read_plan(path).faults and path in used
