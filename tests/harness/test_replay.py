"""What is compared of a request's two fates, and what a recorded run must hold."""

import json

import pytest

from harness.recorded import Fate, Recorded
from harness.replay import compare
from records.bad_input import BadInput


def call(attempt=1, fault=None, status=200, **params):
    struck = [{"fault": fault, "kind": "cut", "at_s": 1.0, "message": 3, "byte": 9, "params": params}] if fault else []
    return {
        "request_id": "p01-000001",
        "attempt": attempt,
        "status": status,
        "planned": [fault] if fault else [],
        "struck": struck,
    }


def a_fate(*calls, outcome="ok", sent_s=100.0, first_s=0.2):
    return Fate(
        {"outcome": outcome, "status": 200, "sent_s": sent_s, "first_token_s": sent_s + first_s, "finished_s": None},
        list(calls),
    )


def differing(one, other):
    return [line.label for line in compare(one, other) if line.differs]


def test_the_same_fate_at_another_moment_agrees():
    one = a_fate(call(1, "cuts", at=3, seconds=0.123456789), call(2))

    assert differing(one, a_fate(call(1, "cuts", at=3, seconds=0.123456789), call(2), sent_s=5.0, first_s=0.9)) == []
    shown = {line.label: line.recorded for line in compare(one, one)}
    assert shown["1: struck"] == "cuts · at = 3 · seconds = 0.123457"
    assert (shown["2: struck"], shown["first token"], shown["finished"]) == ("-", "after 0.20 s", "never")


def test_an_answer_that_came_whole_had_no_first_token():
    whole = {"outcome": "ok", "status": 200, "sent_s": 1.0, "finished_s": 2.0, "first_token_s": None, "task": "chat"}
    lines = compare(Fate(whole, [call(1)]), Fate(whole | {"outcome": "http_error"}, [call(1)]))

    (first,) = [line for line in lines if line.label == "first token"]
    assert (first.recorded, first.replayed) == ("not streamed", "never")


@pytest.mark.parametrize(
    ("other", "labels"),
    [
        (a_fate(call(1, "cuts", at=4)), ["1: struck"]),
        (a_fate(call(1, "stalls", at=3)), ["1: planned", "1: struck"]),
        (a_fate(call(1, "cuts", at=3), outcome="cut"), ["outcome"]),
        (a_fate(call(1, "cuts", at=3, status=503)), ["1: status"]),
        (a_fate(call(1, "cuts", at=3), call(2)), ["attempts", "2: planned", "2: struck", "2: status"]),
        (a_fate(), ["attempts", "1: planned", "1: struck", "1: status"]),
    ],
)
def test_another_fate_does_not(other, labels):
    assert differing(a_fate(call(1, "cuts", at=3)), other) == labels
    assert differing(other, a_fate(call(1, "cuts", at=3))) == labels


@pytest.fixture
def run(tmp_path):
    """run(**manifest): a run of two pairs of one arm, with three requests each."""

    def make(**changes):
        manifest = {
            "arms": [{"name": "on", "features": "all"}],
            "pairs": 2,
            "state": "complete",
            "deadline_s": 10.0,
            "embedded": True,
        }
        (tmp_path / "run.json").write_text(json.dumps(manifest | changes))
        for pair in (1, 2):
            folder = tmp_path / f"on-{pair:02d}"
            folder.mkdir()
            ids = [f"p{pair:02d}-{n:06d}" for n in range(3)]
            (folder / "requests.jsonl").write_text(
                "".join(json.dumps({"request_id": id_, "sent_s": 1.0}) + "\n" for id_ in ids)
            )
        return tmp_path

    return make


@pytest.mark.parametrize(
    ("manifest", "request_id", "arm", "sentence"),
    [
        (
            {},
            "p02-00001",
            None,
            '"p02-00001" is not a request of arm "on". Did you mean "p02-000001"? Known: 6, from p01-000000 to p02-000002',
        ),
        ({}, "x", None, '"x" is not a request of arm "on". Known: 6'),
        ({}, "p01-000001", "onn", '--arm: "onn" is not an arm. Did you mean "on"? Known: on'),
        ({"embedded": False}, "p01-000001", None, "its app was there already (--host), so there is no stack of ours"),
        ({}, "p01-000001", None, "does not say its workload, model and seed as this version of Headwind does"),
        ({"workload": {}, "model": {}}, "p01-000001", None, "does not say its workload, model and seed"),
        ({"app": {"command": ["x"]}}, "p01-000001", None, "p01-000001: no call bears its id. Of an app of your own, only"),
        ({"deadline_s": -1}, "p01-000001", None, "deadline_s must be a number of seconds above 0"),
    ],
)
def test_what_cannot_be_asked_again_is_told(run, manifest, request_id, arm, sentence):
    with pytest.raises(BadInput) as told:
        Recorded(run(**manifest), request_id, arm)

    assert len(told.value.problems) == 1 and sentence in told.value.problems[0]
