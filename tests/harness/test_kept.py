"""What a run keeps is enough to repeat it."""

import json

import pytest

from faults.found import find_kinds
from faults.reading import read_plan, read_shares
from harness.foreseen import foresee, plan_of, stratified
from harness.kept import keep_plan
from harness.manifest import make_manifest
from harness.scenario import parse_scenario
from harness.stack import stack_plan
from records.bad_input import BadInput
from records.folder import RunFolder

SCRIPT = "from _far import far\ndef stutter(message, gap_s: float = 1.0):\n    yield far(message)\n"
PLAN = '[[fault]]\nname = "s"\nkind = "stutter"\nshare = 0.001\nat_least = 8\nduring = [1, inf]\n'


@pytest.fixture
def kept(tmp_path):
    """kept(script): the scenario before, its run, and what the run's proxies are given."""

    def keep(script: str = SCRIPT):
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "any.py").write_text(script)
        (tmp_path / "mine" / "data.txt").write_text("x")
        (tmp_path / "mine" / "_far.py").write_text("def far(message):\n    return message.data\n")
        (tmp_path / "my.toml").write_text(PLAN)
        values = {"plan": "my.toml", "faults_dir": "mine", "arms": {"off": {"features": "none"}}}
        scenario = stratified(parse_scenario(values, "", tmp_path / "s.toml"))
        run = RunFolder(tmp_path / "run")
        run.path.mkdir()
        return scenario, run, keep_plan(scenario, run)

    return keep


def test_plan_scripts_and_strata_are_there_when_the_originals_are_gone(kept, tmp_path):
    scenario, run, found = kept()
    for path in [*(tmp_path / "mine").iterdir(), tmp_path / "my.toml"]:
        path.unlink()

    plan = read_shares(run.path / "strata.json", read_plan(found.plan_path, find_kinds(found.faults_dir)))
    assert [fault.raised_to for fault in plan.faults] == [fault.raised_to for fault in scenario.plan.faults] != [None]
    assert found.plan_path == run.path / "plan" / "my.toml"
    assert sorted(path.name for path in found.faults_dir.iterdir()) == ["_far.py", "any.py"]
    told = json.loads((run.path / "strata.json").read_text())
    assert told["faults"]["s"] == {"share": 0.001, "raised_to": plan_of(scenario).faults[0].raised_to}
    assert len(told["weights"]) == len(foresee(scenario).calls)


def test_the_proxy_is_given_what_is_kept(kept):
    _, run, found = kept()
    stack = stack_plan(found, found.arms[0], run)

    assert (stack.plan_path, stack.faults_dir, stack.shares_path) == (
        run.path / "plan" / "my.toml",
        run.path / "plan" / "scripts",
        run.path / "strata.json",
    )


def test_the_manifest_says_what_was_raised(kept):
    scenario, _, _ = kept()
    (fault,) = make_manifest(scenario, "id", scenario.arms, ())["plan"]["faults"]

    raised_to = scenario.plan.faults[0].raised_to
    assert fault == {
        "name": "s", "kind": "stutter", "share": 0.001, "on": True, "raised_to": raised_to, "during_s": [1.0, None]
    }  # fmt: skip


def test_a_script_that_needs_more_than_scripts_is_refused_and_leaves_no_run(kept, tmp_path):
    script = f"from pathlib import Path\nTEXT = Path(__file__).with_name('data.txt').read_text()\n{SCRIPT}"
    with pytest.raises(BadInput, match=r"run/plan/scripts/any.py:2: FileNotFoundError.*data.txt"):
        kept(script)
    assert not (tmp_path / "run").exists()


def test_the_manifest_tells_which_faults_the_draw_spares_everybody(tmp_path):
    """Too rare for so few requests; a fault aimed at nobody is not called rare."""
    rare = '[[fault]]\nname = "rare"\nkind = "drop"\nshare = 0.000001\n'
    often = '[[fault]]\nname = "often"\nkind = "drop"\nshare = 0.5\n'
    elsewhere = '[[fault]]\nname = "elsewhere"\nkind = "drop"\nroutes = "/v1/messages"\n'
    (tmp_path / "my.toml").write_text(rare + often + elsewhere)
    values = {"plan": "my.toml", "arms": {"off": {"features": "none"}}}
    scenario = parse_scenario(values, "", tmp_path / "s.toml")
    faults = {fault["name"]: fault for fault in make_manifest(scenario, "id", scenario.arms, ())["plan"]["faults"]}

    assert faults["rare"]["spared_of"] > 0
    assert "spared_of" not in faults["often"] and "spared_of" not in faults["elsewhere"]
