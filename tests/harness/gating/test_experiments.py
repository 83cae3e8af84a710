"""What the gate runs: which arms, under which plan, with which code."""

from dataclasses import replace

import pytest

from harness.gating.experiments import against, arm_named, model_p95_s, on_trial, short, twice
from harness.gating.length import told_length
from harness.own_app import OwnApp
from harness.scenario import read_scenario
from harness.stack import from_folder, stack_plan
from records.bad_input import BadInput
from records.folder import RunFolder
from reports.look import Look, Rules
from tests.harness.gating.test_revision import git

SELFTEST, ARTICLE = read_scenario("selftest"), read_scenario("article")
RULES = Rules(deadline_s=5.0)


def test_on_trial_are_the_same_app_twice_and_a_slower_one(tmp_path):
    experiment = on_trial(SELFTEST, RULES)
    scenario = replace(experiment.scenario, plan_path=tmp_path / "planted.toml")
    plans = {arm.name: stack_plan(scenario, arm, RunFolder(tmp_path)).plan_path for arm in scenario.arms}

    assert plans == {"base": None, "same": None, "planted": tmp_path / "planted.toml"}
    assert len({(arm.features, arm.folder, *arm.environment.items()) for arm in scenario.arms}) == 1
    assert [(one.base, one.candidate, one.expected) for one in experiment.comparisons] == [
        ("base", "same", "pass"),
        ("base", "planted", "fail"),
    ]


@pytest.mark.parametrize("tolerance", [0.05, 0.10, 0.25])
def test_twice_the_tolerance_is_planted_into_every_call(tolerance):
    experiment = on_trial(SELFTEST, Rules(5.0, tolerance))
    (fault,) = experiment.scenario.plan.faults
    seconds = 2 * tolerance * model_p95_s(SELFTEST, 6)

    assert (fault.share, fault.name) == (1.0, "planted slowdown")
    assert experiment.told["planted_s"] == pytest.approx(seconds, abs=1e-4)
    assert f"seconds = {seconds:.4f}" in experiment.scenario.plan_text


def test_the_models_own_p95_is_known_before_anything_runs():
    """First token and 19 gaps, log-normal: 0.25 s and 0.19 s at the median."""
    assert 0.5 < model_p95_s(SELFTEST, 6) < 0.65
    assert model_p95_s(
        replace(SELFTEST, physics=replace(SELFTEST.physics, first_token_sigma=0, gap_sigma=0)), 1
    ) == pytest.approx(0.25 + 19 * 0.01)


def test_the_short_form_is_the_same_load_for_less_long():
    assert short(SELFTEST) == replace(SELFTEST, workload=replace(SELFTEST.workload, duration_s=4.0))


def test_twice_the_same_app_goes_to_the_last_pair():
    experiment = twice(ARTICLE, ARTICLE.arms[0], RULES, 8)

    assert [arm.name for arm in experiment.scenario.arms] == ["base", "same"]
    assert {arm.features for arm in experiment.scenario.arms} == {"none"}
    assert (experiment.scenario.pairs, experiment.rules.looks, experiment.scenario.bounds) == (8, (), ())


def test_an_arm_is_asked_for_by_name():
    assert arm_named(ARTICLE, None).name == "on"
    assert arm_named(ARTICLE, "off").name == "off"
    with pytest.raises(BadInput, match='--arm: "of" is not an arm'):
        arm_named(ARTICLE, "of")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A repository whose reference app says "old" in its first commit, and "new" in its working tree; we are in it."""
    app = tmp_path / "reference_app"
    app.mkdir()
    git(tmp_path, "init", "-q", "-b", "main")
    (app / "__main__.py").write_text("old")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "old")
    (app / "__main__.py").write_text("new")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_base_is_the_revision_and_candidate_the_working_tree(here):
    with against(ARTICLE, ARTICLE.arms[1], "main", RULES, here / "runs") as experiment:
        base, candidate = experiment.scenario.arms
        said = [(arm.folder / "reference_app" / "__main__.py").read_text() for arm in (base, candidate)]
        checkout = base.folder

    assert said == ["old", "new"]
    assert [(arm.name, arm.features) for arm in (base, candidate)] == [("base", "all"), ("candidate", "all")]
    assert not checkout.exists()
    told = experiment.told["against"]
    assert (told["revision"], told["changed_files"], told["commit"]) == ("main", 1, told["candidate_commit"])
    assert experiment.scenario.pairs == 12


def test_the_same_code_twice_is_told(here):
    git(here, "commit", "-q", "-a", "-m", "new")
    with against(ARTICLE, ARTICLE.arms[1], "HEAD", RULES, here / "runs") as experiment:
        assert experiment.told["told"] == ["The working tree is HEAD, nothing was changed: both arms are the same code."]


def test_the_first_look_may_be_the_only_one(here):
    with against(ARTICLE, ARTICLE.arms[1], "HEAD", replace(RULES, looks=(Look(2, 0.25),)), here / "runs") as experiment:
        assert experiment.scenario.pairs == 2


def test_an_app_that_is_not_there_would_be_compared_with_itself(here):
    """Python would take the installed one, for both."""
    git(here, "rm", "-q", "-r", "--cached", "reference_app")
    git(here, "commit", "-q", "-m", "without")
    with pytest.raises(BadInput, match="--against: HEAD has no reference_app in"), refused(here, "HEAD"):
        pass


def test_an_app_of_the_users_own_is_started_in_its_folder(here):
    app = OwnApp(("python", "app.py", "{port}"), "OLLAMA_HOST", directory=here / "reference_app")
    with against(replace(ARTICLE, app=app), ARTICLE.arms[1], "HEAD", RULES, here / "runs") as experiment:
        base, candidate = experiment.scenario.arms

        assert (base.folder / "__main__.py").read_text() == "old"
        assert candidate.folder == here / "reference_app"


def test_a_revision_without_the_users_folder_is_one_sentence(here):
    (here / "fresh").mkdir()
    app = OwnApp(("python", "app.py", "{port}"), "OLLAMA_HOST", directory=here / "fresh")
    with pytest.raises(BadInput, match=r"--against: HEAD has no folder .*fresh"), refused(here, "HEAD", app=app):
        pass


def test_an_unknown_revision_is_refused_before_anything_is_checked_out(here):
    with pytest.raises(BadInput, match='--against: "v2" is no revision'), refused(here, "v2"):
        pass


def refused(here, revision, **changes):
    return against(replace(ARTICLE, **changes), ARTICLE.arms[1], revision, RULES, here / "runs")


def test_the_code_of_a_folder_comes_before_any_that_is_installed(tmp_path, monkeypatch):
    """Also of the project around it, which may be installed as a link to itself."""
    monkeypatch.setenv("PYTHONPATH", "inherited")
    (tmp_path / "app").mkdir()
    (tmp_path / "pyproject.toml").touch()
    app = tmp_path / "app"

    paths = from_folder(app)["PYTHONPATH"].split(":")
    assert paths == [*map(str, (app, app / "src", tmp_path, tmp_path / "src")), "inherited"]
    assert from_folder(None) == {}


def test_how_long_it_takes_is_told_before():
    """12 arms of 4 s, 6 pairs of 3 arms, each with 5 s to start and end; at most 14 pairs, and 5 s for the last answers."""
    assert told_length(on_trial(short(SELFTEST), RULES)) == (
        "6 pairs of 3 arms of 4 s take about 3 minutes; it is over after 10 minutes at most."
    )
    assert told_length(twice(short(SELFTEST), SELFTEST.arms[0], RULES, 6)).startswith(
        "6 pairs of 2 arms of 4 s take about 2 min"
    )
