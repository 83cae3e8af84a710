"""Watching the users of one arm, against a real proxy and files that grow."""

import json
import time

import pytest

from faults.kinds.answer import answer
from faults.plan import Fault, HaltIf, Plan
from harness.chaos import ChaosWatch, ProxyControl, in_words
from records.folder import ArmFolder
from records.rows import ChangeRow, RequestRow

LIMIT = HaltIf(error_share=0.5, over_s=10.0, at_least=4)


@pytest.fixture
def folder(tmp_path):
    return ArmFolder(tmp_path, "off", 1)


@pytest.fixture
def control(start, folder):
    changes = folder.path / "changes.jsonl"
    return ProxyControl(start("faults", "--upstream", "http://127.0.0.1:9", "--changes", changes).url)


def users(folder, outcome, count=4, at_s=None):
    finished_s = time.monotonic() if at_s is None else at_s
    row = RequestRow("p01-000000", "off", 1, "chat", "q000", 0.0, 0.0, finished_s=finished_s, outcome=outcome)
    with (folder.path / "requests.jsonl").open("a") as file:
        file.write(f"{json.dumps(vars(row))}\n" * count)


def test_the_limit_of_the_plan_ends_its_chaos_and_the_change_is_told(folder, control):
    watch = ChaosWatch(folder, Plan((Fault(answer, {"status": 503}),), halt_if=LIMIT), control)
    assert watch.look() == []
    users(folder, "ok")
    assert watch.look() == [] and control.told()["stopped"] is None

    users(folder, "http_error", 5)
    with (folder.path / "requests.jsonl").open("a") as file:
        file.write('{"torn\n')
    assert watch.look() == []
    why = "5 of 9 users of the last 10 s got no right answer, 55.6 % where 50.0 % is the limit"
    assert control.told()["stopped"] == f"by halt_if: {why}"
    users(folder, "http_error", 50)
    assert watch.look() == [f"Faults: all of them are stopped, by halt_if: {why}"]
    assert watch.look() == [] and len(control.told()["changes"]) == 1


def test_a_plan_that_comes_while_the_load_runs_brings_its_own_limit(folder, control):
    """And is not ended by those who failed before it came."""
    watch = ChaosWatch(folder, None, control)
    users(folder, "cut", 50)
    control.change({"plan": "halt_if = { error_share = 0.5, at_least = 4 }", "name": "new"})
    assert [told[:28] for told in watch.look()] == ["Faults: the plan is now new "]
    assert control.told()["stopped"] is None

    users(folder, "cut")
    watch.look()
    assert control.told()["stopped"].startswith("by halt_if: 4 of 4 users")

    control.change({"plan": ""})
    users(folder, "cut", 50)
    assert len(watch.look()) == 2 and control.told()["stopped"] is None


def test_a_proxy_that_does_not_answer_is_asked_again(folder, start):
    watch = ChaosWatch(folder, Plan(halt_if=LIMIT), ProxyControl("http://127.0.0.1:9"))
    users(folder, "cut")
    assert watch.look() == []

    url = start("faults", "--upstream", "http://127.0.0.1:9").url
    watch._control = ProxyControl(url)
    watch.look()
    assert watch._control.told()["stopped"]


def test_what_is_refused_is_told(control):
    assert control.change({"fault": "cut", "on": True}) == (
        400,
        {"problems": ['the change.fault: "cut" is not a fault. Known: none']},
    )


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (ChangeRow(0, "off", "control", "503"), "503 is off, by control"),
        (ChangeRow(0, "on", "web ui", "503", why="again"), "503 is on, by web ui: again"),
        (ChangeRow(0, "share", "control", "{odd}", 0.25), "{odd} strikes a share of 0.25, by control"),
        (ChangeRow(0, "plan", "control", "", "calm 12345678"), "the plan is now calm 12345678, by control"),
        (ChangeRow(0, "stop", "stop_after_s", why="over"), "all of them are stopped, by stop_after_s: over"),
    ],
)
def test_changes_in_words(row, words):
    assert in_words(vars(row)) == words
