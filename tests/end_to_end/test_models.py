"""Two models on the real stack, a plan that strikes one of them, and an arm that it spares."""

import json

import pytest

from tests.end_to_end.small import SCENARIO, Ran, headwind, write_scenario
from tests.json_schema import problems

BELOW = """
[model.also."small:1b"]
first_token_s = 0.05

[arms.calm]
features = "none"
faults = false

[arms.on]
features = "fallback,semantic_cache"

[arms.on.environment]
APP_FALLBACK_MODEL = "small:1b"

[bounds]
available = "on.failure_share <= 0"
calm = "calm.failure_share <= 0"
"""
PLAN = """
[[fault]]
name = "the large one is overloaded"
kind = "answer"
share = 0.6
status = 503
models = "llama3.1"
routes = "/api/chat"
"""


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("two")
    above = SCENARIO.partition("[arms.off]")[0]
    done = headwind("run", write_scenario(folder, above + BELOW, PLAN), cwd=folder)
    (run,) = (folder / "runs").iterdir()
    return Ran(run, done.returncode, done.stdout + done.stderr)


def rows(ran: Ran, arm: str, name: str):
    return [json.loads(line) for line in (ran.folder / f"{arm}-01" / name).read_text().splitlines()]


def test_a_right_answer_of_the_other_model_is_right_and_marked(two):
    assert two.code == 0, two.said
    on, requests = json.loads((two.folder / "report.json").read_text())["arms"]["on"], rows(two, "on", "requests.jsonl")
    others = [row for row in requests if row["served_by"] == "other model"]

    print(f"{len(others)} of {len(requests)} requests served by the other model, outcomes {on['outcomes']}")
    assert len(others) > len(requests) / 4 and {row["outcome"] for row in others} == {"degraded"}
    assert {row["proof"] for row in others} == {"complete"}
    assert on["outcomes"]["degraded"] == len(others) and on["metrics"]["failure_share"] == 0
    assert {row["model"] for row in rows(two, "on", "model.jsonl")} == {"llama3.1", "small:1b"}


def test_the_plan_strikes_the_model_that_it_names_and_no_other(two):
    calls = [row for row in rows(two, "on", "calls.jsonl") if row["path"] == "/api/chat"]
    struck = {row["model"] for row in calls if row["struck"]}

    assert struck == {"llama3.1"} and {row["status"] for row in calls if row["model"] == "small:1b"} == {200}


def test_the_arm_without_faults_is_spared_and_says_so(two):
    told = json.loads((two.folder / "report.json").read_text())
    schema = json.loads((two.folder / "report.schema.json").read_text())

    assert problems(told, schema) == []
    assert [row for row in rows(two, "calm", "calls.jsonl") if row["planned"]] == []
    assert [arm.get("faults") for arm in told["run"]["arms"]] == [False, None]
    assert (told["arms"]["calm"]["faults"], told["arms"]["calm"]["metrics"]["fault_met_share"]) == ([], 0)
    assert "spared this arm" in (two.folder / "report.html").read_text()
    assert "calm (features none, without faults)" in (two.folder / "report.html").read_text()


def test_embeddings_are_made_for_requests_and_are_no_attempts_at_them(two):
    requests, calls = rows(two, "on", "requests.jsonl"), rows(two, "on", "calls.jsonl")
    embeds = [row for row in calls if row["path"] == "/api/embed"]
    chats = [row for row in calls if row["path"] == "/api/chat"]
    metrics = json.loads((two.folder / "report.json").read_text())["arms"]["on"]["metrics"]

    print(f"{len(embeds)} embeddings beside {len(chats)} attempts of {len(requests)} requests")
    assert embeds and {row["status"] for row in embeds} == {200}
    assert {row["request_id"] for row in embeds} <= {row["request_id"] for row in requests}
    assert metrics["attempts_per_request"] == pytest.approx(len(chats) / len(requests))
