"""The same job with a provider that speaks OpenAI's API: one word of the scenario, and nothing else of it."""

import json
from collections import Counter

import pytest

from tests.end_to_end.small import SCENARIO, headwind, write_scenario

ROUTE = "/v1/chat/completions"
FAULTS = {
    "cuts": ('kind = "cut"\nat = [3, 7]\nreset = [false, true]', 0.2),
    "too early": ('kind = "silent_truncation"\nat = [2, 12]\nattempts = 1', 0.15),
    "inside": ('kind = "stream_error"\nat = [0, 6]\nattempts = 1', 0.1),
    "503": ('kind = "answer"\nstatus = 503\nattempts = 1', 0.1),
    "429": ('kind = "rate_limit"\nretry_after_s = 0.3\nattempts = 1', 0.1),
    "spent": ('kind = "quota_spent"\nattempts = 1', 0.06),
}
PLAN = "seed = 7\n" + "".join(
    f'\n[[fault]]\nname = "{name}"\nshare = {share}\nroutes = "{ROUTE}"\n{rest}\n' for name, (rest, share) in FAULTS.items()
)
SHORT = {'"small"': '"openai"', "[model]": '[model]\napi = "openai"', "duration_s = 8.0": "duration_s = 4.0"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder, scenario = tmp_path_factory.mktemp("openai"), SCENARIO.replace("rate_per_s = 8.0", "rate_per_s = 12.0")
    for old, new in SHORT.items():
        scenario = scenario.replace(old, new)
    done = headwind("run", write_scenario(folder, scenario, PLAN), cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = (folder / "runs").iterdir()
    return found


def rows(run, arm, name):
    return [json.loads(line) for line in (run / f"{arm}-01" / name).read_text().splitlines()]


def calls(run, arm):
    """Those for answers: not the probes, nor what a cache asks for its own ends."""
    others = ("/v1/models", "/api/version", "/v1/embeddings")
    return [row for row in rows(run, arm, "calls.jsonl") if row["path"] not in others]


def struck(call):
    return {entry["fault"] for entry in call["struck"]}


def test_the_provider_is_asked_with_openais_api_and_every_fault_lands(run):
    for arm in ("off", "on"):
        assert {call["path"] for call in calls(run, arm)} == {ROUTE}
        assert set().union(*map(struck, calls(run, arm))) == set(FAULTS)


def test_off_is_off_and_on_survives(run):
    """What a plain ChatOpenAI does not notice, its users do; against a spent quota nothing helps."""
    off, on = ({row["request_id"]: row for row in rows(run, arm, "requests.jsonl")} for arm in ("off", "on"))
    first = {call["request_id"]: struck(call) for call in calls(run, "off")}

    assert off.keys() == on.keys() and len(off) >= 30
    assert {off[key]["outcome"] for key in first if not first[key]} == {"ok"}
    assert {off[key]["outcome"] for key in first if "too early" in first[key]} == {"truncated"}
    assert all(row["outcome"] != "ok" for key, row in off.items() if first[key])
    assert {on[key]["outcome"] for key in on if "spent" not in first[key]} == {"ok"}


def test_a_spent_quota_is_asked_once(run):
    spent = {call["request_id"] for call in calls(run, "on") if "spent" in struck(call)}
    asked = Counter(call["request_id"] for call in calls(run, "on"))
    told = {row["request_id"]: row["status"] for row in rows(run, "on", "requests.jsonl")}

    assert spent and {asked[key] for key in spent} == {1} and {told[key] for key in spent} == {429}


def test_the_app_tells_why_it_asked_and_what_it_cost(run):
    attempts = [row for row in rows(run, "on", "app.jsonl") if row["event"] == "attempt"]

    assert {row["reason"] for row in attempts} == {"first", "retry", "recovery"}
    assert all(row["tokens_in"] and row["tokens_out"] for row in attempts if row["outcome"] == "ok")
