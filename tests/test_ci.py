"""The action and docs/ci.md: every shell step is run, against a recorded run; GitHub and GitLab are stood in for."""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.cli import parser
from records.folder import RunFolder
from reports.verdict import EXIT_CODES
from reports.write import FORMATS, report
from tests.ci import ACTION, ROOT, Action, Job, gitlab
from tests.reports.conftest import simulate, write_run

DOCS = (ROOT / "docs" / "ci.md").read_text()
STEPS = [step for step in ACTION["runs"]["steps"] if "run" in step]
IN_TEXT = tuple(one for one in FORMATS if one.name != "html")
PULL_REQUEST = {"pull_request": {"number": 7, "base": {"sha": "ba5e"}}}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", DOCS, re.DOTALL | re.MULTILINE)


# `on` is a key here, and to YAML 1.1 it is true.
WORKFLOW, PIPELINE = (yaml.load(block, yaml.BaseLoader) for block in blocks("yaml"))
GITLAB = PIPELINE["headwind"]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A run's folder with its reports, of a scenario and with a verdict."""
    arms = {arm: simulate(arm, 60) for arm in ("off", "on")}
    made: dict[tuple[str, str], Path] = {}
    bounds = {"pass": ["on.wrong_share <= 0"], "fail": ["on.p95_s <= 0.1"], "inconclusive": ["on.wrong_share <= 0"]}

    def make(state: str, name: str = "rush hour") -> Path:
        if (state, name) not in made:
            told = {"scenario": {"name": name}, "state": "partial" if state == "inconclusive" else "complete"}
            folder = write_run(tmp_path_factory.mktemp("runs") / "20260101-120000-run", arms, bounds=bounds[state], **told)
            assert report(RunFolder(folder.path), formats=IN_TEXT).verdict.state == state
            (folder.path / "report.html").write_text("<!doctype html>")
            made[state, name] = folder.path
        return made[state, name]

    return make


def job(folder: Path, run: Path | None, code: int, **more: str) -> Job:
    return Job(folder, {"RECORDED": str(run or ""), "GATE_CODE": str(code), **more})


def acted(folder: Path, run: Path | None, code: int, event: Any = PULL_REQUEST, **inputs: str) -> tuple[Action, int]:
    """The action over a gate that left this run and this code, and what the job ends with."""
    told = {name.replace("_", "-"): value for name, value in inputs.items()}
    action = Action(job(folder, run, code), {"scenario": "load/rush hour.toml"} | told, event)
    return action, action.run()


def test_a_pass_is_told_everywhere_and_passes_the_job(tmp_path: Path, recorded: Callable[..., Path]):
    run = recorded("pass")
    action, code = acted(tmp_path, run, 0)

    assert code == 0, action.job.said
    assert action.ran == [step["name"] for step in ACTION["runs"]["steps"]]
    assert {name: action.filled(one["value"]) for name, one in ACTION["outputs"].items()} == {
        "verdict": "pass",
        "exit-code": "0",
        "report": str(run / "report.html"),
    }
    assert action.summary.read_text() == (run / "report.md").read_text()
    assert "ratio 1.028" in action.job.said, "the gate's own words are in the job's log"
    mine = action.job.comments[1]["body"]
    assert mine.startswith((run / "report.md").read_text())
    assert "[this run](https://github.com/a-team/an-app/actions/runs/42)" in mine


def test_the_gate_is_asked_what_the_inputs_say(tmp_path: Path, recorded: Callable[..., Path]):
    action, _ = acted(tmp_path / "some", recorded("pass"), 0)
    asked = action.job.file("asked").read_text().splitlines()
    assert asked == ["gate", "load/rush hour.toml", "--against", "ba5e", "--p95-tolerance", "0.10"]
    options = parser().parse_args(asked)
    assert (options.what, options.against, options.p95_tolerance) == ("load/rush hour.toml", "ba5e", 0.1)

    # None of them is ever read as shell.
    action, _ = acted(tmp_path / "all", recorded("pass"), 0, against="$(id)", arm="`id` on", p95_tolerance="0.2; exit 9")
    asked = action.job.file("asked").read_text().splitlines()
    assert asked[2:] == ["--against", "$(id)", "--p95-tolerance", "0.2; exit 9", "--arm", "`id` on"]

    action, _ = acted(tmp_path / "push", recorded("pass"), 0, event={"before": "01dc0de"})
    assert "01dc0de" in action.job.file("asked").read_text()
    assert "Comment on the pull request" not in action.ran, "a push has no pull request"


def test_it_installs_itself_from_its_lock_into_a_place_of_its_own(tmp_path: Path, recorded: Callable[..., Path]):
    action, _ = acted(tmp_path, recorded("pass"), 0)
    installed = [shlex.split(line) for line in action.job.file("installed").read_text().splitlines()]

    assert [line[-1] for line in installed] == [str(ROOT / "requirements.lock"), str(ROOT)]
    assert "--require-hashes" in installed[0] and "--no-deps" in installed[1]
    assert (action.job.temp / "headwind" / "bin" / "headwind").exists()


@pytest.mark.parametrize(
    ("state", "code", "inputs", "ends"),
    [
        ("fail", 3, {}, 3),
        ("fail", 3, {"fail_on_inconclusive": "false"}, 3),
        ("inconclusive", 4, {}, 4),
        ("inconclusive", 4, {"fail_on_inconclusive": "false"}, 0),
        ("pass", 5, {}, 5),
    ],
)
def test_the_job_ends_as_the_gate_did(
    tmp_path: Path, recorded: Callable[..., Path], state: str, code: int, inputs: dict[str, str], ends: int
):
    action, ended = acted(tmp_path, recorded(state), code, **inputs)

    assert ended == ends, action.job.said
    assert f"Headwind::{state}" in action.job.said
    assert len(action.job.comments) == 2, "it is told before the job fails"
    assert f"**{state}**" in action.summary.read_text()


def test_later_pushes_write_the_one_comment_of_the_scenario_anew(tmp_path: Path, recorded: Callable[..., Path]):
    for state, name, code in (
        ("fail", "rush hour", 3),
        ("pass", "rush hour", 0),
        ("pass", "night", 0),
        ("fail", "rush hour", 3),
    ):
        action, ended = acted(tmp_path, recorded(state, name), code)
        assert ended == code
    told = [one["body"].splitlines()[:3] for one in action.job.comments]

    assert told == [
        ["Looks good to me"],
        ["<!-- headwind: rush hour -->", "", "### ❌ Headwind: rush hour: **fail**"],
        ["<!-- headwind: night -->", "", "### ✅ Headwind: night: **pass**"],
    ]


def test_the_token_of_a_fork_cannot_comment_and_the_verdict_stays(tmp_path: Path, recorded: Callable[..., Path]):
    for state, code in (("pass", 0), ("fail", 3)):
        action = Action(job(tmp_path / state, recorded(state), code, GH_DENIED="1"), {"scenario": "x"}, PULL_REQUEST)

        assert action.run() == code
        assert len(action.job.comments) == 1
        assert "::warning title=Headwind::The comment could not be written" in action.job.said
        assert f"**{state}**" in action.summary.read_text()


def test_nobody_who_asked_for_none_gets_a_comment(tmp_path: Path, recorded: Callable[..., Path]):
    action, code = acted(tmp_path, recorded("pass"), 0, comment="false")

    assert (code, len(action.job.comments)) == (0, 1)


def test_without_a_report_the_job_fails_and_says_why(tmp_path: Path):
    action, code = acted(tmp_path, None, 2)

    assert code == 2
    assert action.outputs["gate"] == {"exit-code": "2", "verdict": "error", "report": "", "folder": "", "run": ""}
    assert "Headwind: no report" in action.summary.read_text()
    assert "    pair 1: P95 0.512 s" in action.summary.read_text()
    assert not {"Keep the report", "Comment on the pull request"} & set(action.ran)


def test_the_action_is_as_github_wants_it():
    assert {"name", "description", "inputs", "outputs", "runs"} == ACTION.keys()
    for step in ACTION["runs"]["steps"]:
        assert ("run" in step) == (step.get("shell") == "bash")
        assert "${{" not in step.get("run", ""), "what a pull request says must never be read as shell"
        assert re.fullmatch(r"actions/[a-z-]+@v[0-9]+", step["uses"]) if "uses" in step else True


SCRIPTS = [*(step["run"] for step in STEPS), *GITLAB["script"], *GITLAB["before_script"], *blocks("bash")]


def checked_by(*command: str, text: str) -> str:
    """What it has to say against the text."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=20, check=False)
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_is_well_formed(script: str):
    assert checked_by("bash", "-n", text=script) == ""
    if shutil.which("shellcheck"):
        assert checked_by("shellcheck", "-s", "bash", "-", text=script) == ""


def test_the_workflow_uses_the_action_as_it_is():
    (gate,) = WORKFLOW["jobs"].values()
    (ours,) = [step for step in gate["steps"] if "/headwind@" in step.get("uses", "")]
    checkout = next(step for step in gate["steps"] if step.get("uses", "").startswith("actions/checkout@v"))

    assert WORKFLOW["on"] == "pull_request"
    assert WORKFLOW["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert checkout["with"]["fetch-depth"] == "0"
    assert ours["with"].keys() <= ACTION["inputs"].keys()
    assert {name for name, one in ACTION["inputs"].items() if one.get("required")} <= ours["with"].keys()
    used = set(re.findall(rf"steps\.{ours['id']}\.outputs\.([a-z-]+)", blocks("yaml")[0]))
    assert used and used <= ACTION["outputs"].keys()
    assert all(re.search(r"@v[0-9]", step["uses"]) for step in gate["steps"] if "uses" in step)


def test_the_documents_tell_every_input_and_output():
    table = DOCS.partition("<!-- inputs -->")[2].partition("<!-- /inputs -->")[0]
    told = dict(re.findall(r"^\| `([a-z0-9-]+)` \|(?:[^|]*)\| (.*) \|$", table, re.MULTILINE))
    defaults = dict(re.findall(r"^\| `([a-z0-9-]+)` \| `([^`]*)` \|", table, re.MULTILINE))

    assert told == {name: one["description"] for name, one in ACTION["inputs"].items()}
    assert defaults == {
        name: one["default"] for name, one in ACTION["inputs"].items() if one.get("default") and "${{" not in one["default"]
    }
    assert all(f"`{name}`" in DOCS for name in ACTION["outputs"])


def test_every_exit_code_is_told():
    codes = {int(code) for code in re.findall(r"^\| (\d) \|", DOCS, re.MULTILINE)}

    assert codes == {1, 2, *EXIT_CODES.values()}


def test_every_headwind_command_of_the_documents_is_understood():
    lines = [line for block in blocks("bash") for line in block.splitlines() if line.startswith("headwind ")]
    for line in lines:
        words = shlex.split(line.partition("|")[0])[1:]
        parser().parse_args([word.replace("$SCENARIO", "a.toml") for word in words])

    assert len(lines) >= 4


def gitlab_job(folder: Path, run: Path | None, code: int, url: str = "", token: str = "t0ken") -> tuple[Job, int]:
    """The script of the GitLab job as its runner runs it, and what it ends with."""
    variables = {"CI_API_V4_URL": url, "CI_PROJECT_ID": "5", "CI_MERGE_REQUEST_IID": "9", "HOME": str(folder)}
    variables |= {"CI_MERGE_REQUEST_DIFF_BASE_SHA": "ba5e", "GITLAB_TOKEN": token if url else ""}
    told = job(folder, run, code, **variables, **GITLAB["variables"])
    made = told.shell('python -m venv "$HOME/headwind"')
    return told, made or told.shell("\n".join(GITLAB["script"]))


def test_the_gitlab_job_keeps_one_note_and_the_artifacts_it_names(tmp_path: Path, recorded: Callable[..., Path]):
    notes: list[dict[str, Any]] = [{"id": 1, "body": "Looks good"}]
    with gitlab(notes) as url:
        for state, code in (("fail", 3), ("pass", 0)):
            told, ended = gitlab_job(tmp_path, recorded(state), code, url)
            assert ended == code, told.said

    assert [note["body"].partition("**")[2][:4] for note in notes] == ["", "pass"]
    assert notes[1]["body"] == (recorded("pass") / "report.md").read_text()
    assert told.file("asked").read_text().splitlines()[1:4] == ["load/rush_hour.toml", "--against", "ba5e"]
    kept = {path.name for path in (tmp_path / "work").iterdir()}
    assert {*GITLAB["artifacts"]["paths"], GITLAB["artifacts"]["reports"]["junit"]} <= kept


def test_the_gitlab_job_ends_as_the_gate_did_without_a_token_without_rights_and_without_a_report(
    tmp_path: Path, recorded: Callable[..., Path]
):
    told, ended = gitlab_job(tmp_path / "no token", recorded("fail"), 3)
    assert (ended, "could not be written" in told.said) == (3, False)

    with gitlab([], refuses=True) as url:
        told, ended = gitlab_job(tmp_path / "no rights", recorded("pass"), 0, url)
    assert (ended, "The note could not be written" in told.said) == (0, True)

    told, ended = gitlab_job(tmp_path / "no report", None, 2)
    assert ended == 2, told.said


def test_the_plain_steps_leave_the_reports_and_the_code(tmp_path: Path, recorded: Callable[..., Path]):
    plain, one_format, *_ = blocks("bash")
    told = job(tmp_path, recorded("fail"), 3, SCENARIO="a.toml", BASE="main")

    assert told.shell(plain) == 3, told.said
    assert (tmp_path / "work" / "report.junit.xml").exists()
    told.said = ""
    assert told.shell(one_format, {"RUN": str(recorded("fail"))}) == 3
    assert told.said == (recorded("fail") / "report.md").read_text()


def test_the_filter_that_finds_the_comment_is_jqs(tmp_path: Path):
    """The stand-in for gh knows it by heart; here jq itself reads it, where there is one."""
    (script,) = [step["run"] for step in STEPS if step["name"] == "Comment on the pull request"]
    (found,) = re.findall(r"--jq '([^']+)'", script)
    comments = [{"id": 1, "body": "hello <!-- headwind: a -->"}, {"id": 2, "body": "<!-- headwind: a -->\n"}]
    if jq := shutil.which("jq"):
        environment = {"MARKER": "<!-- headwind: a -->"}
        done = subprocess.run(
            [jq, found], input=json.dumps(comments), env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout == "2\n"
    assert found.count("startswith") == 1
