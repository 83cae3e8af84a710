"""The recovery ledger of a real run, against the rows of its four processes read plainly."""

import csv
import json
import shutil
from collections import defaultdict

import pytest

from records.folder import RunFolder
from reports.load import load
from reports.report import make_report

ARMS = ("off", "on")


def rows(folder, arm, name):
    return [json.loads(line) for line in (folder / f"{arm}-01" / name).read_text().splitlines()]


def by_request(rows):
    found = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["attempt"]):
        found[row["request_id"]].append(row)
    return found


def ledger(folder, arm):
    """The lines of its file, by request id."""
    with (folder / "ledger.csv").open(newline="") as file:
        return {line["request_id"]: line for line in csv.DictReader(file) if line["arm"] == arm}


@pytest.mark.parametrize("arm", ARMS)
def test_every_request_that_met_a_fault_is_in_the_ledger(ran, arm):
    struck = defaultdict(set)
    for call in rows(ran.folder, arm, "calls.jsonl"):
        struck[call["request_id"]].update(one["fault"] for one in call["struck"])
    asked = {row["request_id"] for row in rows(ran.folder, arm, "requests.jsonl") if row["outcome"] != "aborted"}
    found = ledger(ran.folder, arm)

    assert {id_: set(line["faults"].split(", ")) for id_, line in found.items()} == {
        id_: faults for id_, faults in struck.items() if faults and id_ in asked
    }
    assert len(found) > 5


@pytest.mark.parametrize("arm", ARMS)
def test_reasons_and_ends_are_those_the_app_logged(ran, arm):
    told = rows(ran.folder, arm, "app.jsonl")
    attempts = by_request([row for row in told if row["event"] == "attempt"])
    served = {row["request_id"]: row["served_by"] for row in told if row["event"] == "request"}
    calls = by_request([row for row in rows(ran.folder, arm, "calls.jsonl") if row["path"] == "/api/chat"])

    for id_, line in ledger(ran.folder, arm).items():
        assert line["reasons"] == ", ".join(row["reason"] for row in attempts[id_])
        assert line["ends"] == ", ".join(row["outcome"] for row in attempts[id_])
        assert int(line["attempts"]) == len(calls[id_])
        assert line["served_by"] == (served[id_] or "nothing")


@pytest.mark.parametrize("arm", ARMS)
def test_what_served_is_what_the_model_generated(ran, arm):
    """The last generation, whole, where a call served; none at all where every call was answered by a fault."""
    made = by_request(rows(ran.folder, arm, "model.jsonl"))
    asked = {row["request_id"]: row for row in rows(ran.folder, arm, "requests.jsonl")}

    for id_, line in ledger(ran.folder, arm).items():
        tokens = asked[id_]["tokens"]
        if line["saw"] == "right in time":
            last = made[id_][-1]
            assert (last["attempt"] > 1) == (line["served_by"] in ("retry", "recovery")), id_
            assert not last["cancelled"]
            # One that goes on where another stopped makes the rest only.
            assert last["tokens_out"] >= tokens or line["served_by"] == "recovery"
            assert sum(row["tokens_out"] for row in made[id_]) >= tokens
        if line["kinds"] == "answer" and line["attempts"] == "1":
            assert made[id_] == []
            assert line["saw"] in ("error", "rejected")
        assert float(line["tokens_spent"]) == sum(row["tokens_in"] + row["tokens_out"] for row in made[id_])


@pytest.mark.parametrize("arm", ARMS)
def test_what_the_user_saw_is_what_the_load_generator_judged(ran, arm):
    words = {"ok": "right in time", "http_error": "error"}
    outcomes = {row["request_id"]: row["outcome"] for row in rows(ran.folder, arm, "requests.jsonl")}

    for id_, line in ledger(ran.folder, arm).items():
        assert line["saw"] == words.get(outcomes[id_], outcomes[id_])
        assert (line["recovered"] == "true") == (line["saw"] == "right in time")


def test_the_features_are_what_recovered(ran):
    """With all of them off nothing was tried; with all of them on, what failed first was tried again."""
    off, on = ledger(ran.folder, "off").values(), ledger(ran.folder, "on").values()

    assert {line["mechanisms"] for line in off} == {"none"}
    assert {"retry", "recovery"} <= {word for line in on for word in line["mechanisms"].split(", ")}
    assert {line["served_by"] for line in on} >= {"retry", "recovery"}


def test_without_the_apps_log_the_same_requests_are_told_and_what_is_unknown(ran, tmp_path):
    shutil.copytree(ran.folder, tmp_path / "blind")
    for arm in ARMS:
        (tmp_path / "blind" / f"{arm}-01" / "app.jsonl").unlink()
    blind = make_report(load(RunFolder(tmp_path / "blind")))

    for arm in blind.arms:
        told = ledger(ran.folder, arm.name)
        assert arm.ledger.entries.index.tolist() == list(told)
        assert arm.ledger.overall.recovered == sum(line["recovered"] == "true" for line in told.values())
        assert "app.jsonl is missing" in arm.ledger.unknowns[0]
    assert set(blind.arms[1].ledger.entries["served_by"]) <= {"model", "another call", "nothing", "retry", "recovery"}


def test_a_waterfall_is_in_the_order_of_time(ran):
    found = make_report(load(RunFolder(ran.folder))).waterfalls
    begun = [one for one in found if one.tries]

    assert len(begun) > 20
    for one in begun:
        last_s = one.finished_s + 0.5
        assert 0 <= one.sent_s <= one.tries[0].started_s
        assert all(one.sent_s <= struck.at_s <= last_s for struck in one.struck)
        assert all(a < b for a, b in zip(one.tokens_s, one.tokens_s[1:], strict=False))
        assert all(one.tries[0].started_s <= token_s <= one.finished_s + 1e-6 for token_s in one.tokens_s)
