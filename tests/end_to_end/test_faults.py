"""Faults of the user's own and rare ones in a real run, and one request of it asked again."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from statistics import fmean

import psutil
import pytest

from tests.end_to_end.locusts import Locust, arm_folder, calls_of, requests_of, told, wait_for
from tests.end_to_end.small import Ran, headwind, write_scenario

SCRIPT = '''from faults.actions import Pause, Seconds


def stutter(message, gap_s: Seconds):
    """Come late."""
    if message.index == 3:
        yield Pause(gap_s)
    yield message.data


def breaks(message):
    """Has a bug."""
    if message.index == 2:
        raise KeyError("oh no")
    yield message.data
'''
PLAN = """
seed = 7

[[fault]]
name = "rare 529"
kind = "answer"
share = 0.001
status = 529
at_least = 8

[[fault]]
name = "rare stutter"
kind = "stutter"
share = 0.002
gap_s = [0.05, 0.1]
at_least = 8

[[fault]]
name = "rare cut"
kind = "cut"
share = 0.003
at = [5, 9]
reset = [false, true]
at_least = 8

[[fault]]
name = "late"
kind = "answer"
status = 503
share = 0.5
during = [3, inf]
"""
SCENARIO = """
name = "rare"
summary = "rare faults, each as often as it is asked for"
seed = 7
plan = "small-plan.toml"
faults_dir = "mine"

[workload]
rate_per_s = 25.0
users = 40
spawn_per_s = 40.0
duration_s = 4.0
deadline_s = 6.0

[model]
first_token_s = 0.1
gap_s = 0.005
words = 10

[arms.off]
features = "none"
"""


def write(folder: Path) -> Path:
    (folder / "mine").mkdir()
    (folder / "mine" / "any.py").write_text(SCRIPT)
    return write_scenario(folder, SCENARIO, PLAN)


@pytest.fixture(scope="module")
def rare(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A run of one arm without a cache: so that every request meets the weather."""
    folder = tmp_path_factory.mktemp("rare")
    done = headwind("run", write(folder), cwd=folder)
    (run,) = (folder / "runs").iterdir()
    return Ran(run, done.returncode, done.stdout + done.stderr)


def landed(run: Path) -> Counter[str]:
    return Counter(strike["fault"] for call in calls_of(run) for strike in call["struck"] if call["attempt"] == 1)


def test_each_rare_fault_landed_as_often_as_it_was_asked_to(rare):
    assert rare.code == 0, rare.said
    found = landed(rare.folder)

    assert all(found[name] >= 8 for name in ("rare 529", "rare stutter", "rare cut")), found
    assert found["late"] > 0


def test_every_request_has_a_weight_and_they_are_one_on_average(rare):
    strata = told(rare.folder, "strata.json")

    assert strata["faults"].keys() == {"rare 529", "rare stutter", "rare cut"}
    assert strata["weights"].keys() == {row["request_id"] for row in requests_of(rare.folder)}
    # With 8 strikes each the average is known to about 1 / sqrt(8) of the small shares, and no better.
    assert fmean(strata["weights"].values()) == pytest.approx(1, abs=0.03)
    for fault in told(rare.folder, "run.json")["plan"]["faults"]:
        assert fault.get("raised_to") == strata["faults"].get(fault["name"], {}).get("raised_to")


def test_the_report_also_tells_the_ordinary_day(rare):
    report = told(rare.folder, "report.json")

    assert report["arms"]["off"]["metrics"]["failure_share"] > 0.2
    assert "ordinary day" in rare.said


def test_the_scripts_are_kept_with_the_run(rare):
    assert (rare.folder / "plan" / "scripts" / "any.py").read_text() == SCRIPT
    strikes = [strike for call in calls_of(rare.folder) for strike in call["struck"] if strike["kind"] == "stutter"]

    assert strikes and all(0.05 <= strike["params"]["gap_s"] <= 0.1 for strike in strikes)


def struck_by(rare: Ran, name: str) -> str:
    """A request that met this fault alone."""
    return next(call["request_id"] for call in calls_of(rare.folder) if [one["fault"] for one in call["struck"]] == [name])


@pytest.mark.parametrize("fault", ["rare cut", "late"])
def test_a_request_of_it_meets_the_same_fate_again(rare, fault):
    """Its scripts, its raised share and its moment come from the run's folder; the originals are gone."""
    done = headwind("faults", "replay", rare.folder, struck_by(rare, fault), cwd=rare.folder)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "They agree: the same faults, attempts and outcome." in done.stdout
    strike = next(line for line in done.stdout.splitlines() if "1: struck" in line)
    assert strike.count(f"{fault} · ") == 2


def test_what_comes_out_differently_is_told(rare, tmp_path):
    """The plan of the run's folder was changed meanwhile."""
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", str(rare.folder), str(copy)], check=True)
    plan = copy / "plan" / "small-plan.toml"
    plan.write_text(plan.read_text().replace("status = 529", "status = 500"))
    done = headwind("faults", "replay", copy, struck_by(rare, "rare 529"), "--arm", "off", cwd=tmp_path)

    assert done.returncode == 3, done.stdout + done.stderr
    assert "They do not agree: 1: struck, 1: status." in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes left behind, by their environment")
def test_ctrl_c_in_a_replay_leaves_nothing_behind(rare, tmp_path):
    mark = str(tmp_path)
    command = [sys.executable, "-m", "harness", "faults", "replay", str(rare.folder), struck_by(rare, "rare cut")]
    environment = {**os.environ, "TMPDIR": mark, "HEADWIND_TEST_MARK": mark}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_for(lambda: len(marked(mark)) > 2)

    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)

    assert process.returncode == 130 and "Traceback" not in said, said
    assert marked(mark) == [] and list(tmp_path.iterdir()) == []


def marked(mark: str) -> list[int]:
    """Every process that came of it."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("HEADWIND_TEST_MARK") == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes left behind, by their environment")
def test_locust_takes_kinds_of_ones_own_too(tmp_path):
    """A fault with a bug is severed, and the row says where."""
    write(tmp_path)
    (tmp_path / "buggy.toml").write_text('[[fault]]\nname = "b"\nkind = "breaks"\nat_least = 3\nshare = 0.01')
    words = [
        "--headless",
        "-t",
        "2s",
        "--features",
        "none",
        "--plan",
        tmp_path / "buggy.toml",
        "--faults-dir",
        tmp_path / "mine",
    ]
    locust = Locust(tmp_path, *words)
    try:
        locust.ended()
        bugs = [strike["bug"] for call in calls_of(locust.run()) for strike in call["struck"]]
        assert len(bugs) >= 3 and set(bugs) == {"KeyError('oh no') at any.py:14"}
        assert (locust.run() / "plan" / "scripts" / "any.py").exists() and (locust.run() / "strata.json").exists()
        assert arm_folder(locust.run()).name == "off-01"
        assert json.loads((locust.run() / "run.json").read_text())["plan"]["name"] == "buggy"
    finally:
        locust.kill()
    wait_for(lambda: not locust.left(), 20, lambda: str(locust.left()))
