from pathlib import Path

import pytest

from harness.cli import main
from harness.manifest import make_manifest
from harness.scenario import SCENARIOS, names_in, parse_scenario, read_scenario, with_plan
from harness.stack import _flags as model_flags
from harness.stack import stack_plan
from model_server.cli import parse as read_flags
from model_server.physics import Physics
from records.bad_input import BadInput
from records.folder import RunFolder

HERE = Path("mine.toml")
GOOD = {"arms": {"off": {"features": "none"}, "on": {"features": "all"}}}


def problems_of(**changes):
    with pytest.raises(BadInput) as caught:
        parse_scenario(GOOD | changes, "", HERE)
    return list(caught.value.problems)


@pytest.mark.parametrize("name", names_in(SCENARIOS))
def test_every_scenario_of_ours_is_good(name):
    assert read_scenario(name).name == name.rpartition("/")[2]


def test_a_claims_scenario_is_named_with_its_folder_and_listed(capsys):
    """`headwind run claims/a3`; a misspelt one is told with its folder, too."""
    assert main(["scenarios", "list"]) == 0
    assert "claims/a3  claim A3" in capsys.readouterr().out
    assert read_scenario("claims/a3").plan_path == SCENARIOS / "claims" / "plans" / "cuts.toml"
    with pytest.raises(BadInput, match=r"claims/z9: no such scenario. Give a TOML file, or one of: .*article, .*claims/a1"):
        read_scenario("claims/z9")


def test_a_scenario_is_found_by_its_name():
    scenario = read_scenario("article")

    assert [arm.name for arm in scenario.arms] == ["off", "on"]
    assert scenario.plan is not None and len(scenario.plan.faults) == 5
    assert (scenario.workload.rate_per_s, scenario.workload.users, scenario.physics.words) == (15.0, 50, 38)
    assert len(scenario.bounds) == 4


def test_a_scenario_may_ask_for_another_weather_than_its_plans_own():
    assert (parse_scenario(GOOD | {"plan_seed": 20}, "", HERE).plan_seed, parse_scenario(GOOD, "", HERE).plan_seed) == (
        20,
        None,
    )


def test_the_seed_is_also_the_models():
    assert parse_scenario(GOOD | {"seed": 11}, "", HERE).physics.seed == 11


def test_a_model_beside_the_first_has_what_it_has_but_for_what_is_its_own():
    """And is started with it, and found again in the manifest, from where a request is replayed."""
    model = {"words": 9, "also": {"small:1b": {"first_token_s": 0.1, "slots": 3}}}
    scenario = parse_scenario(GOOD | {"model": model, "seed": 4}, "", HERE)
    manifest = make_manifest(scenario, "id", scenario.arms, ())

    assert scenario.physics.also == (Physics(words=9, seed=4, model="small:1b", first_token_s=0.1, slots=3),)
    assert read_flags(model_flags(scenario.physics))[0] == scenario.physics
    assert manifest["model"]["also"][0]["model"] == "small:1b"
    assert "also" not in make_manifest(parse_scenario(GOOD, "", HERE), "id", scenario.arms, ())["model"]


def test_an_arm_may_be_without_faults():
    arms = {"off": {"features": "none"}, "calm": {"features": "none", "faults": False}}
    scenario = parse_scenario({"plan": "article", "arms": arms}, "", HERE)
    told = make_manifest(scenario, "id", scenario.arms, ())["arms"]
    plans = [stack_plan(scenario, arm, RunFolder(Path("no-such-run"))).plan_path for arm in scenario.arms]

    assert [arm.plain for arm in scenario.arms] == [False, True] and [arm.get("faults") for arm in told] == [None, False]
    assert plans == [scenario.plan_path, None]


def test_the_api_is_told_to_the_app_of_each_arm_which_may_say_otherwise():
    arms = {"off": {"features": "none"}, "other": {"features": "all", "environment": {"APP_PROVIDER": "ollama"}}}
    scenario = parse_scenario({"model": {"api": "openai"}, "arms": arms}, "", HERE)

    assert scenario.api == "openai"
    assert [arm.environment for arm in scenario.arms] == [{"APP_PROVIDER": "openai"}, {"APP_PROVIDER": "ollama"}]
    assert [arm.environment for arm in parse_scenario(GOOD, "", HERE).arms] == [{}, {}]


def test_a_file_that_is_not_there_names_what_is(tmp_path):
    with pytest.raises(BadInput, match=r"no such scenario. Give a TOML file, or one of: .*article"):
        read_scenario(tmp_path / "nowhere.toml")


def test_a_file_that_is_no_toml_is_told(tmp_path):
    path = tmp_path / "broken.toml"
    path.write_text("seed = \n")

    with pytest.raises(BadInput, match="not readable as TOML"):
        read_scenario(path)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"sed": 1}, 'mine.toml, sed: "sed" is not a key. Did you mean "seed"?'),
        ({"seed": "x"}, "mine.toml, seed: must be a whole number, got 'x'"),
        ({"arms": {}}, "mine.toml, arms: names no arm"),
        ({"arms": {"off": {}}}, "mine.toml, arms.off.features: is missing"),
        ({"workload": {"rat_per_s": 1}}, 'mine.toml, workload.rat_per_s: "rat_per_s" is not a key. Did you mean "rate_per_s"?'),
        ({"workload": {"stream_share": 1.5}}, "mine.toml, workload.stream_share: must be between 0 and 1, got 1.5"),
        ({"model": {"gap": 1}}, 'mine.toml, model.gap: "gap" is not a key.'),
        ({"model": {"api": "openia"}}, 'mine.toml, model.api: "openia" is not a known API. Did you mean "openai"?'),
        ({"model": {"also": {"b": {"seed": 1}}}}, 'mine.toml, model.also.b.seed: "seed" is not a key.'),
        ({"model": {"also": {"b": {"gap_s": -1}}}}, "mine.toml, model.also.b.gap_s: must be between 0 and 3600, got -1"),
        ({"model": {"also": {"llama3.1:latest": {}}}}, 'mine.toml, model.also.llama3.1:latest: is the model "llama3.1" itself'),
        ({"model": {"also": {"b": {}, "b:latest": {}}}}, 'mine.toml, model.also: "b:latest" is there already'),
        ({"model": {"also": ["b"]}}, "mine.toml, model.also: must be a table, got ['b']"),
        ({"arms": {"off": {"features": "none", "faults": "no"}}}, "mine.toml, arms.off.faults: must be true or false"),
        ({"model": {"slots": 0}}, "mine.toml, model.slots: must be at least 1, got 0"),
        ({"arms": {"../out": {"features": "none"}}}, 'mine.toml, arms.../out: "../out" must be made of letters'),
        ({"name": "a/b c"}, 'mine.toml, name: "a/b c" must be made of letters'),
        ({"plan": "articl"}, "mine.toml, plan: articl: no such plan."),
        ({"plan": "/"}, "mine.toml, plan: /: is a folder. Give a TOML file, or one of: article"),
        ({"bounds": {"p95": "on.p95 <= 1"}}, "mine.toml, bounds.p95: "),
        ({"bounds": {"p95": "no.p95_s <= 1"}}, "mine.toml, bounds.p95: "),
        ({"bounds": {"p95": "on.p95_s ~ 1"}}, "mine.toml, bounds.p95: "),
    ],
)
def test_bad_input_is_told_in_one_sentence(changes, told):
    (problem,) = problems_of(**changes)

    assert problem.startswith(told)


def test_problems_of_scenario_and_plan_come_at_once(tmp_path):
    plan = tmp_path / "bad.toml"
    plan.write_text('[[fault]]\nname = "a"\nkind = "ct"\nshare = 2\n')

    told = problems_of(plan=str(plan), sed=1)

    assert len(told) == 3
    assert any('Did you mean "cut"?' in problem for problem in told)


STUTTER = "def stutter(message, gap_s: float = 1.0):\n    yield message.data\n"
BY_STUTTER = '[[fault]]\nname = "s"\nkind = "stutter"\n'


@pytest.fixture
def folders(tmp_path):
    """A scenario's folder, with a plan that names a kind of the user's own, which lies in `mine` and in `other`."""
    for name in ("mine", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.py").write_text(STUTTER)
    (tmp_path / "my.toml").write_text(BY_STUTTER)
    return tmp_path


def test_a_scenario_names_the_folder_of_its_kinds_from_where_it_lies(folders):
    scenario = parse_scenario(GOOD | {"plan": "my.toml", "faults_dir": "mine"}, "", folders / "s.toml")

    assert scenario.faults_dir == folders / "mine"
    assert scenario.plan.faults[0].kind is scenario.kinds[-1]


def test_a_folder_that_is_told_takes_the_place_of_the_scenarios_own(folders):
    scenario = parse_scenario(GOOD | {"plan": "my.toml", "faults_dir": "nowhere"}, "", folders / "s.toml", folders / "other")

    assert scenario.faults_dir == folders / "other"
    assert with_plan(scenario, str(folders / "my.toml")).plan.faults[0].kind is scenario.kinds[-1]


def test_problems_of_kinds_and_scenario_come_at_once(folders):
    (folders / "mine" / "bad.py").write_text("def (")
    with pytest.raises(BadInput) as told:
        parse_scenario(GOOD | {"plan": "my.toml", "faults_dir": "mine", "sed": 1}, "", folders / "s.toml")

    bad, key = told.value.problems
    assert bad == f"{folders}/mine/bad.py:1: invalid syntax"
    assert key.startswith(f'{folders}/s.toml, sed: "sed" is not a key.')
