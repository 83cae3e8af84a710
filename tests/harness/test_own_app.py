import sys
from pathlib import Path

import pytest

from harness.foreseen import foresee, spared, stratified
from harness.manifest import make_manifest
from harness.own_app import OwnApp, as_told, from_told
from harness.preview import preview
from harness.run import check_features
from harness.scenario import parse_scenario
from harness.single_run import arm_of
from harness.stack import stack_plan
from records.bad_input import BadInput
from records.folder import RunFolder

PYTHON = sys.executable
APP = {"command": [PYTHON, "app.py", "--port", "{port}"], "provider_variable": "OLLAMA_HOST"}
ARMS = {"plain": {}, "tuned": {"features": "retry", "environment": {"MODE": "tuned"}}}


def read(app=APP, path="mine.toml", arms=ARMS, **more):
    return parse_scenario({"app": app, "arms": arms} | more, "", Path(path))


def problems_of(app, **more):
    with pytest.raises(BadInput) as caught:
        read(app, **more)
    return list(caught.value.problems)


def test_the_table_is_read_and_features_need_not_be_told(tmp_path):
    (tmp_path / "app").mkdir()
    more = {"provider_path": "/v1", "ready": "/health", "directory": "app", "environment": {"LISTEN": "{port}"}}
    scenario = read(APP | more, tmp_path / "mine.toml")

    assert scenario.app == OwnApp(
        (PYTHON, "app.py", "--port", "{port}"), "OLLAMA_HOST", "/v1", "/health", tmp_path / "app", {"LISTEN": "{port}"}
    )
    assert [(arm.features, arm.environment) for arm in scenario.arms] == [("", {}), ("retry", {"MODE": "tuned"})]


def test_it_is_told_its_port_its_provider_and_its_features():
    app = OwnApp(("run", "--port={port}"), "BASE", "/v1", environment={"LISTEN": ":{port}", "MODE": "plain", "BASE": "x"})

    assert app.words(8000) == ["run", "--port=8000"]
    assert app.told(8000, "http://127.0.0.1:9", "retry", {"MODE": "tuned", "BASE": "y"}) == {
        "LISTEN": ":8000",
        "MODE": "tuned",
        "BASE": "http://127.0.0.1:9/v1",
        "APP_FEATURES": "retry",
    }
    assert "APP_FEATURES" not in app.told(8000, "", "", {})


@pytest.mark.parametrize(
    ("app", "told"),
    [
        ({"provider_variable": "X"}, "mine.toml, app.command: is missing. A list of words, such as"),
        (APP | {"command": "python app.py"}, "mine.toml, app.command: must be a list of words, got 'python app.py'"),
        (APP | {"command": ["python", 3]}, "mine.toml, app.command: must be a list of words, got ['python', 3]"),
        (APP | {"command": []}, "mine.toml, app.command: must be a list of words, got []"),
        (APP | {"command": [PYTHON, "app.py"]}, "mine.toml, app.command: never says {port}"),
        (APP | {"command": ["pithon3", "{port}"]}, 'mine.toml, app.command: "pithon3" is not there to be started'),
        (APP | {"command": ["./serve", "{port}"]}, 'mine.toml, app.command: "./serve" is not there to be started'),
        ({"command": APP["command"]}, "mine.toml, app.provider_variable: is missing"),
        (APP | {"provider_variable": "a-b"}, 'mine.toml, app.provider_variable: "a-b" is no name of a variable'),
        (APP | {"provider_path": "v1"}, 'mine.toml, app.provider_path: must begin with "/", got "v1"'),
        (APP | {"ready": "health"}, 'mine.toml, app.ready: must begin with "/", got "health"'),
        (APP | {"directory": "nowhere"}, "mine.toml, app.directory: "),
        (APP | {"directry": "x"}, 'mine.toml, app.directry: "directry" is not a key. Did you mean "directory"?'),
        (APP | {"environment": {"A": 1}}, "mine.toml, app.environment.A: must be a text, got 1"),
    ],
)
def test_bad_input_is_told_in_one_sentence(app, told):
    (problem,) = problems_of(app)

    assert problem.startswith(told)


def test_every_problem_is_told_at_once():
    told = problems_of({"command": [PYTHON], "provider_variable": "a b", "ready": "x"}, arms={"on": {"feature": "x"}}, sed=1)

    assert len(told) == 5


def test_a_program_with_a_slash_is_looked_for_where_the_app_is_started(tmp_path):
    program = tmp_path / "serve"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)

    assert read(APP | {"command": ["./serve", "{port}"]}, tmp_path / "mine.toml").app.command[0] == "./serve"


def test_nothing_of_the_reference_app_is_told_to_it(tmp_path):
    scenario = read(model={"api": "openai"})
    plan = stack_plan(scenario, scenario.arms[0], RunFolder(tmp_path))

    assert scenario.environment == scenario.arms[0].environment == {}
    assert arm_of(scenario, "").name == "tuned" and arm_of(scenario, "other").environment == {}
    assert (plan.app, plan.prompts_path) == (scenario.app, tmp_path / "prompts.json")


def test_it_is_not_asked_whether_it_knows_its_features(monkeypatch):
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("asked"))

    check_features(read(), read().arms)


def test_the_manifest_holds_what_it_takes_to_start_it_again():
    scenario = read()
    told = make_manifest(scenario, "id", scenario.arms, ())["app"]

    assert from_told(told) == scenario.app
    assert as_told(None) is None and from_told(None) is None


def test_whom_faults_strike_is_not_foretold(tmp_path):
    plan = tmp_path / "rare.toml"
    plan.write_text('[[fault]]\nname = "a"\nkind = "cut"\nshare = 0.0001\n')
    scenario = read(plan=str(plan))

    assert foresee(scenario).calls == () and spared(scenario) == {}
    with pytest.raises(BadInput, match="cannot be foreseen of an app of your own"):
        preview(scenario)
    plan.write_text('[[fault]]\nname = "a"\nkind = "cut"\nshare = 0.0001\nat_least = 5\n')
    with pytest.raises(BadInput, match="at_least foresees whom it strikes, which cannot be told of an app of your own"):
        stratified(read(plan=str(plan)))
