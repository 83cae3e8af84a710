import json
import os
import time
from dataclasses import replace

import pytest

from harness.conditions import cpu_shares
from harness.scenario import read_scenario, with_plan
from harness.single_run import SingleRun, arm_of, summary_of
from records.rows import RequestRow

ARTICLE = read_scenario("article")
TARGET = replace(ARTICLE.arms[0], name="target", features="unknown")


@pytest.mark.parametrize(
    ("features", "name"),
    [("", "on"), ("all", "on"), ("none", "off"), ("all,-retry", "custom"), ("cache", "custom")],
)
def test_an_arm_goes_by_the_scenarios_name_for_its_features(features, name):
    assert arm_of(ARTICLE, features).name == name


def test_an_arm_of_our_own_speaks_the_scenarios_api():
    assert arm_of(replace(ARTICLE, api="openai"), "cache").environment == {"APP_PROVIDER": "openai"}
    assert arm_of(ARTICLE, "cache").environment == {}


def test_the_scenarios_own_names_come_first():
    spared = replace(ARTICLE.arms[0], name="calm", plain=True)
    assert arm_of(replace(ARTICLE, arms=(*ARTICLE.arms, spared)), "none").name == "off"
    plain = replace(ARTICLE, arms=(replace(ARTICLE.arms[0], name="plain"),))
    assert arm_of(plain, "none").name == "plain"
    assert arm_of(plain, "").name == "plain"


@pytest.mark.parametrize(
    ("plan", "load", "but_with"),
    [
        ("bad-day", {}, "another plan"),
        ("article", {"rate_per_s": 3.0}, "another load"),
        ("calm", {"duration_s": 5.0}, "another plan and another load"),
    ],
)
def test_a_run_is_not_about_what_was_overridden(plan, load, but_with):
    """The report's first line told of 12 % cuts under every plan."""
    other = with_plan(replace(ARTICLE, workload=replace(ARTICLE.workload, **load)), plan)

    assert summary_of(other, ARTICLE) == f"the scenario article, but with {but_with}"
    assert summary_of(with_plan(ARTICLE, "article"), ARTICLE) == ARTICLE.summary


def begun(tmp_path, **more):
    run = SingleRun(ARTICLE, TARGET, None, **more)
    return run, run.start(tmp_path)


def manifest(folder):
    return json.loads((folder.path.parent / "run.json").read_text())


def test_a_run_of_one_arm_is_judged_by_no_bound_of_another(tmp_path):
    _, folder = begun(tmp_path)
    assert manifest(folder)["bounds"] == []
    assert (manifest(folder)["pairs"], manifest(folder)["plan"], manifest(folder)["state"]) == (1, None, "partial")


def test_where_nothing_else_ends_a_run_no_number_of_requests_is_promised(tmp_path):
    assert manifest(begun(tmp_path)[1])["planned"]
    assert manifest(begun(tmp_path, endless=True)[1])["planned"] == {}


def test_two_runs_of_the_same_second_get_a_folder_each(tmp_path):
    assert begun(tmp_path)[1].path != begun(tmp_path)[1].path


def test_stopped_before_any_request_it_leaves_nothing(tmp_path):
    run, _ = begun(tmp_path)
    assert run.end(complete=False).exit_code == 4
    assert os.listdir(tmp_path) == []


def test_an_end_leaves_state_and_report_and_tells_the_figures(tmp_path):
    run, folder = begun(tmp_path)
    now_s = time.monotonic()
    row = RequestRow("p01-000000", "target", 1, "chat", "q000", now_s, now_s, finished_s=now_s + 0.5, status=200, outcome="ok")
    (folder.path / "requests.jsonl").write_text(json.dumps(vars(row)) + "\n")

    ending = run.end(complete=False)

    assert ending.exit_code == 4
    assert "partial" in ending.told and ending.told.endswith("report.html")
    assert manifest(folder)["state"] == "partial"
    assert (folder.path.parent / "report.json").exists()


def test_what_a_process_used_to_start_is_not_load():
    assert cpu_shares({"proxy": 1.0}, {"proxy": 1.5, "locust": 2.0}, 10.0) == {"proxy": 0.05, "locust": 0.2}
    assert cpu_shares({}, {"proxy": 1.0}, 0.0) == {}
