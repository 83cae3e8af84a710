"""docs/write-a-fault.md: every block of it is run, compared with our code, or read as what it is."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from faults.__main__ import check
from faults.__main__ import parse_arguments as parse_proxy
from faults.actions import ALLOWED, SUBJECTS, Message, Request
from faults.found import find_kinds
from faults.reading import parse_plan
from harness.cli import parser
from harness.scenario import read_scenario

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "write-a-fault.md").read_text()
BIN = Path(sys.executable).parent


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def named(language: str) -> dict[str, list[str]]:
    """Blocks by the file that their first line names; those without one by ""."""
    found: dict[str, list[str]] = {}
    for block in blocks(language):
        name = re.match(r"# (\S+\.(?:py|toml))\n", block)
        found.setdefault(name[1] if name else "", []).append(block)
    return found


PYTHON = named("python")
OURS = [(name, block.partition("\n")[2]) for name, of in PYTHON.items() if name.startswith("faults/") for block in of]
COMMANDS = [line for block in blocks("sh") for line in block.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the reader has done all that the page says."""
    home = tmp_path_factory.mktemp("reader")
    (home / "my_faults").mkdir()
    for files in (PYTHON, named("toml")):
        for name, (text, *_) in files.items():
            if name and not name.startswith("faults/"):
                (home / name).write_text(text)
    return home


def run(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    program, *words = shlex.split(command)
    return subprocess.run(
        [str(BIN / Path(program).name), *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize(("name", "code"), OURS, ids=[code.split("(")[0] for _, code in OURS])
def test_a_kind_of_ours_is_shown_as_it_is(name, code):
    assert code.strip() in (ROOT / name).read_text()


def test_every_kind_of_the_page_is_found(folder):
    own = {name for files in PYTHON for name in re.findall(r"my_faults/(\w+)", files)}

    assert (
        {kind.__name__ for kind in find_kinds(folder / "my_faults")} >= own == {"stutter", "sold_out", "worn_out", "careless"}
    )


def test_python_without_a_name_runs(folder):
    for code in PYTHON[""]:
        done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr


def test_plans_and_the_scenario_are_good(folder):
    kinds = find_kinds(folder / "my_faults")
    plans = [parse_plan((folder / name).read_text(), name, kinds) for name in ("my-plan.toml", "rare.toml")]

    assert [len(plan.faults) for plan in plans] == [1, 1]
    assert read_scenario(folder / "my-scenario.toml").plan.digest == plans[0].digest
    assert len(named("toml")) == len(blocks("toml")) == 3


@pytest.mark.parametrize("command", [one for one in COMMANDS if "/headwind " in one])
def test_every_headwind_command_is_understood(command, folder, monkeypatch):
    monkeypatch.chdir(folder)
    name, *words = shlex.split(command)[1:]
    if name == "proxy":
        check(parse_proxy([*words[: words.index("--port")], "--rows", "calls.jsonl"]))
    else:
        parser().parse_args([name, *words])


@pytest.mark.parametrize("command", [one for one in COMMANDS if re.search("faults (show|check|preview)|scenarios check", one)])
def test_commands_that_start_nothing_do_what_they_say(command, folder):
    done = run(command, folder, COLUMNS="160")

    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert re.search("stutter|good", done.stdout)


def test_the_readers_own_test_passes(folder):
    """With our fixture as one has it who installed us."""
    (command,) = [one for one in COMMANDS if "pytest" in one]
    done = run(f"{command} -p faults.pytest_plugin -p no:cacheprovider", folder, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")

    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout + done.stderr


def test_locusts_command_names_options_of_ours():
    (command,) = [one for one in COMMANDS if "/locust " in one]
    ours = set(re.findall(r'"(--[a-z-]+)"', (ROOT / "scenarios" / "options.py").read_text()))

    assert {"--plan", "--faults-dir"} <= set(shlex.split(command)) & ours


def test_ten_lines_in_plain_mitmdump(folder, tmp_path, start):
    """The page's own command, from a folder where nothing of ours lies; only the ports are others."""
    (script,) = PYTHON["my_fault.py"]
    assert len([line for line in script.splitlines() if line.strip()]) <= 10
    (tmp_path / "my_fault.py").write_text(script)
    (command,) = [one for one in COMMANDS if "/mitmdump " in one]
    upstream = start("model_server", "--words", 2, "--first-token-s", 0.01, "--gap-s", 0.001).url
    words = shlex.split(command.replace("http://127.0.0.1:11434@8080", f"{upstream}@127.0.0.1:0"))[1:]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    log = tmp_path / "log"
    with log.open("w") as said, subprocess.Popen([BIN / "mitmdump", *words], cwd=tmp_path, env=environment, stdout=said) as one:
        try:
            url = listening(one, log)
            codes = {ask(url, f"r{n}").status_code for n in range(10)}
        finally:
            one.terminate()

    strikes = [strike for row in rows(tmp_path / "calls.jsonl", 10) for strike in row["struck"]]
    assert codes == {200} and 1 <= len(strikes) < 10
    assert all(strike["kind"] == "stutter" and 0.1 <= strike["params"]["seconds"] <= 0.4 for strike in strikes)


def listening(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + 30
    while not (found := re.search(r"^listening on (http://\S+)", log.read_text(), re.MULTILINE)):
        assert time.monotonic() < deadline and process.poll() is None, log.read_text()
        time.sleep(0.02)
    return found[1]


def ask(url: str, id_: str) -> httpx.Response:
    asked = {"model": "llama3.1", "messages": [{"role": "user", "content": "Hi"}]}
    return httpx.post(url + "/api/chat", json=asked, headers={"x-request-id": id_})


def rows(path: Path, count: int) -> list[dict]:
    """Once they are there: a row is written when its answer is through."""
    deadline = time.monotonic() + 5
    while len(lines := path.read_text().splitlines()) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    return [json.loads(line) for line in lines]


def test_the_row_of_a_bug_is_as_it_is_shown(folder, tmp_path, start):
    upstream = start("model_server", "--words", 8, "--first-token-s", 0.01, "--gap-s", 0.001).url
    (tmp_path / "plan.toml").write_text('[[fault]]\nname = "c"\nkind = "careless"')
    words = ["--plan", tmp_path / "plan.toml", "--faults-dir", folder / "my_faults", "--rows", tmp_path / "calls.jsonl"]
    proxy = start("faults", "--upstream", upstream, *words)
    with pytest.raises(httpx.RemoteProtocolError):
        ask(proxy.url, "r1")

    (shown,) = map(json.loads, blocks("json"))
    (strike,) = rows(tmp_path / "calls.jsonl", 1)[0]["struck"]
    assert {name: strike[name] for name in shown} == shown


def test_the_table_of_actions_is_whole():
    about = {"request": Request, "headers": dict, "message": Message}
    for name, type_ in about.items():
        told = {row[0] for row in ACTIONS if name in row[1].split(", ") or row[1] == "all three"}
        assert told == {WORDS.get(action, action.__name__) for action in ALLOWED[type_]}
    assert set(about) == set(SUBJECTS)


WORDS = {dict: "a dict", bytes: "bytes"}
ACTIONS = re.findall(r"^\| `?(\w+|a dict)(?:\([^)]*\)`)? \| [^|]+ \| ([a-z, ]+) \|$", PAGE, re.MULTILINE)
