"""An app of the user's own under test, which tells us nothing: neither its attempts nor whose a call is."""

import json
import sys
from collections import defaultdict
from pathlib import Path

import orjson
import pytest

from records.folder import CALLS, MODEL, REQUESTS, RunFolder
from records.foreign import owners
from records.jsonl import read_rows
from records.rows import PROBES
from reports.load import load
from tests.end_to_end.small import PLAN, SCENARIO, headwind, write_scenario

APP = Path(__file__).with_name("own_app.py")
LOAD = SCENARIO.partition("[arms.off]")[0].replace("rate_per_s = 8.0", "rate_per_s = 12.0").replace("= 8.0", "= 6.0")
ARMS = ("plain", "tuned")


def scenario(folder):
    """Few prompts, so that many ask the same at once."""
    environment = "\n".join(
        f'[arms.{name}]\n{features}environment = {{ SIDE_LOG = "{folder}/{name}.jsonl" }}\n'
        for name, features in (("plain", ""), ("tuned", 'features = "retry"\n'))
    )
    app = f"""
[app]
command = ["{sys.executable}", "{APP.name}", "{{port}}"]
directory = "{APP.parent}"
provider_variable = "OLLAMA_HOST"
ready = "/up"
"""
    bounds = '[bounds]\nfailures = "tuned.failure_share <= 0.8 * plain.failure_share"\nwrong = "tuned.wrong_share <= 0"\n'
    return LOAD + app + environment + bounds


class Ran:
    """The run's folder, and of each arm: requests, calls, whose each is as the app alone knows, and whose we think it is."""

    def __init__(self, folder, run, said):
        self.run, self.said = run, said
        self.report = json.loads((run / "report.json").read_text())
        self.rows = {arm: self._rows(arm) for arm in ARMS}
        self.truth = {arm: self._truth(arm, folder / f"{arm}.jsonl") for arm in ARMS}

    def _rows(self, arm):
        read = {name: read_rows(self.run / f"{arm}-01" / name, orjson.loads).rows for name in (REQUESTS, CALLS, MODEL)}
        return read | {CALLS: [row for row in read[CALLS] if row["path"] not in PROBES]}

    def _truth(self, arm, side_log):
        """The nth call with a body, by the proxy, is the nth that the app made with it."""
        made, called = defaultdict(list), defaultdict(list)
        for row in sorted(read_rows(side_log, orjson.loads).rows, key=lambda row: row["at_s"]):
            made[row["body"]].append(row["request_id"])
        for at, row in sorted(enumerate(self.rows[arm][CALLS]), key=lambda one: one[1]["started_s"]):
            called[row["request_id"]].append(at)
        assert {body: len(ids) for body, ids in made.items()} == {body: len(at) for body, at in called.items()}
        return {at: id_ for body, ids in made.items() for at, id_ in zip(called[body], ids, strict=True)}

    def owned(self, arm):
        """Whose each call is: as we think, in truth, how we know, and whether a fault struck it."""
        rows = self.rows[arm]
        found = owners(rows[REQUESTS], rows[CALLS])
        return [(one, self.truth[arm][at], bool(rows[CALLS][at]["struck"])) for at, one in enumerate(found)]


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    done = headwind("run", write_scenario(folder, scenario(folder), PLAN), cwd=folder)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    (run,) = (folder / "runs").iterdir()
    return Ran(folder, run, said)


def test_its_arms_are_what_their_features_and_environment_make_of_it(ran):
    plain, tuned = (ran.report["arms"][arm]["metrics"] for arm in ARMS)

    assert plain["attempts_per_request"] == pytest.approx(1, abs=0.02)
    assert tuned["attempts_per_request"] > 1.05
    assert plain["failure_share"] > tuned["failure_share"] > 0


def test_answers_prove_themselves_though_the_app_wraps_the_questions(ran):
    for arm in ARMS:
        proofs = {row["proof"] for row in ran.rows[arm][REQUESTS] if row["outcome"] == "ok"}
        assert proofs == {"complete"}
        assert ran.report["arms"][arm]["metrics"]["wrong_share"] == 0


def test_calls_are_joined_to_the_requests_that_made_them(ran):
    """Certain joins are all right, and of all of them at least 95 % are, retries among them."""
    owned = [one for arm in ARMS for one in ran.owned(arm)]

    right = [found.request_id == truth for found, truth, _ in owned if found]
    assert len(right) == len(owned) > 100
    assert sum(right) >= 0.95 * len(right)
    assert {found.how for found, _, _ in owned} == {"prompt", "uncertain"}
    assert all(found.request_id == truth for found, truth, _ in owned if found.how == "prompt")
    assert sum(found.attempt > 1 for found, _, _ in owned) >= 5


def test_faults_are_joined_to_the_requests_that_met_them(ran):
    struck = [(found.request_id, truth) for arm in ARMS for found, truth, was_struck in ran.owned(arm) if was_struck]

    assert len(struck) >= 20
    assert sum(found == truth for found, truth in struck) >= 0.95 * len(struck)
    for arm in load(RunFolder(ran.run)).arms:
        met = {truth for _, truth, was_struck in ran.owned(arm.name) if was_struck}
        found = set(arm.rows.index[arm.rows["met"]])
        assert len(met & found) >= 0.95 * max(len(met), len(found))


def test_generations_go_with_their_calls(ran):
    """So that tokens have an owner."""
    for arm in ARMS:
        spent = sum(row["tokens_in"] + row["tokens_out"] for row in ran.rows[arm][MODEL])
        assert spent == ran.report["arms"][arm]["metrics"]["tokens_spent"] > 0


def test_what_could_not_be_known_is_told(ran):
    for arm in ARMS:
        calls, uncertain = len(ran.truth[arm]), sum(found.how == "uncertain" for found, _, _ in ran.owned(arm))
        told = " ".join(ran.report["arms"][arm]["ledger"]["unknowns"])
        assert f"{calls} of {calls} calls came without the id of their request" in told
        assert uncertain > 0 and f"{uncertain} of them could belong to another request" in told
        assert "app.jsonl" in told
    assert "Traceback" not in ran.said


def test_the_run_keeps_the_prompts_and_how_the_app_is_started(ran):
    prompts = json.loads((ran.run / "prompts.json").read_text())
    manifest = json.loads((ran.run / "run.json").read_text())

    assert {row["prompt_key"] for arm in ARMS for row in ran.rows[arm][CALLS]} <= prompts.keys()
    assert manifest["app"]["provider_variable"] == "OLLAMA_HOST"
