"""What the documents say is run or compared here."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from faults.__main__ import parse_arguments as parse_proxy
from faults.actions import name_of
from faults.kinds import KINDS
from faults.reading import parse_plan, read_plan
from harness.cli import PROCESSES, parser
from harness.scenario import parse_scenario
from model_server.cli import parse as parse_model
from reference_app.as_published.repairs import REPAIRS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands():
    return [
        line.split("  #")[0].strip() for block in blocks("sh") for line in block.splitlines() if line.startswith(".venv/bin/")
    ]


@pytest.mark.parametrize("command", [one for one in commands() if "/headwind " in one])
def test_every_headwind_command_of_the_readme_is_understood(command):
    name, *words = shlex.split(command)[1:]
    if name == "proxy":
        parse_proxy(words)
    elif name == "model":
        parse_model(words)
    elif name not in PROCESSES:
        parser().parse_args([name, *words])


def test_every_locust_option_of_the_readme_exists():
    asked = {word for one in commands() if "/locust " in one for word in shlex.split(one) if word.startswith("--")}
    # Locust's --help does not list a locustfile's own options.
    ours = set(re.findall(r'"(--[a-z-]+)"', (ROOT / "scenarios" / "options.py").read_text()))
    told = subprocess.run([sys.executable, "-m", "locust", "--help"], capture_output=True, text=True, check=True, timeout=60)

    assert asked
    assert asked <= ours | set(re.findall(r"--[a-z-]+", told.stdout))


def test_the_commands_of_make_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert set(re.findall(r"make ([a-z-]+)", README)) <= targets


def test_the_kinds_are_those_there_are():
    told = README.partition("| how a call fails |")[2].partition("\n\n")[0]

    assert sorted(re.findall(r"`([a-z_]+)`", told)) == sorted(name_of(kind) for kind in KINDS)


def test_the_plan_of_the_readme_is_good():
    plan, _ = blocks("toml")

    assert [fault.name for fault in parse_plan(plan, "README.md", KINDS).faults] == ["cut between chunk 3 and 7"]


def test_the_own_app_of_the_readme_can_be_run():
    _, text = blocks("toml")
    scenario = parse_scenario(tomllib.loads(text), text, ROOT / "README.toml")

    assert scenario.app is not None and [arm.name for arm in scenario.arms] == ["plain", "tuned"]


def test_the_fault_of_the_readme_arms_itself(tmp_path):
    script = next(block for block in blocks("python") if "addons = " in block)
    path = tmp_path / "my_fault.py"
    path.write_text(script + "\nprint(addons[0].armed.plan.faults[0].name)\n")

    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=60, check=False)

    assert done.stdout == "stutter\n", done.stderr


def test_the_test_of_the_readme_passes(tmp_path):
    """The fixture comes with the package: nothing is imported for it."""
    path = tmp_path / "test_my_client.py"
    path.write_text(next(block for block in blocks("python") if "headwind_faults" in block))

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", path.name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_the_table_of_callers_tells_every_fault_of_the_gallery():
    """Made by `make faults-table`; who adds a fault makes it anew."""
    told = re.findall(r"^\| (\S+) \| `([a-z_]+)` \|", (ROOT / "docs" / "faults.md").read_text(), re.MULTILINE)

    assert told == [(fault.name, name_of(fault.kind)) for fault in read_plan(ROOT / "faults" / "plans" / "gallery.toml").faults]


@pytest.mark.parametrize("path", sorted((ROOT / "faults" / "plans").glob("*.toml")), ids=lambda path: path.stem)
def test_every_plan_of_ours_is_good(path):
    assert read_plan(path).name == path.stem


def test_the_lock_names_no_host():
    lock = (ROOT / "requirements.lock").read_text()

    assert not re.findall(r"https?://|file:|index-url|find-links|trusted-host", lock)
    assert lock.count("--hash=sha256:") > 500


def test_what_the_articles_revisited_name_is_there():
    """Each test exists under its name, each row of an article names one, and the repairs are those of the code."""
    text = (ROOT / "docs" / "articles-revisited.md").read_text()
    here = ROOT / "tests" / "reference_app" / "articles"
    named = re.findall(r"`([\w./]+\.py)::(test_\w+)`", text)
    missing = [f"{file}::{test}" for file, test in named if f"\ndef {test}(" not in (here / file).read_text()]
    rows = [line for line in text.partition("## Article A")[2].splitlines() if line.startswith("| ") and "claim or" not in line]

    assert len(named) > 50 and not missing
    assert rows and all("::test_" in row for row in rows)
    assert [row for row in text.splitlines() if re.match(r"\| \d ", row)] == [
        f"| {one.number} | {one.was} | {one.error} | {one.now} |" for one in REPAIRS
    ]
