"""What the documents say is run or compared here."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from faults.__main__ import parse_arguments as parse_proxy
from faults.actions import name_of
from faults.kinds import KINDS
from faults.reading import parse_plan, read_plan
from harness.cli import PROCESSES, parser
from model_server.cli import parse as parse_model

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
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert set(re.findall(r"make ([a-z]+)", README)) <= targets


def test_the_kinds_are_those_there_are():
    told = re.search(r"Kinds so far: (.*?)\.\n", README, re.DOTALL)
    assert told is not None

    assert set(re.findall(r"`([a-z_]+)`", told[1])) == {name_of(kind) for kind in KINDS}


def test_the_plan_of_the_readme_is_good():
    (plan,) = blocks("toml")

    assert [fault.name for fault in parse_plan(plan, "README.md", KINDS).faults] == ["cut between chunk 3 and 7"]


def test_the_fault_of_the_readme_arms_itself(tmp_path):
    (script,) = blocks("python")
    path = tmp_path / "my_fault.py"
    path.write_text(script + "\nprint(addons[0].plan.faults[0].name)\n")

    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=60, check=False)

    assert done.stdout == "stutter\n", done.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "faults" / "plans").glob("*.toml")), ids=lambda path: path.stem)
def test_every_plan_of_ours_is_good(path):
    assert read_plan(path).name == path.stem


def test_the_lock_names_no_host():
    lock = (ROOT / "requirements.lock").read_text()

    assert not re.findall(r"https?://|file:|index-url|find-links|trusted-host", lock)
    assert lock.count("--hash=sha256:") > 500
