"""Who is heard, and what a change must look like: values in, values out."""

import json

import pytest

from faults.armed import Armed, Change
from faults.control import ASKED_HOST, PATH, Asked, Control, parse_changes, refused
from faults.kinds import KINDS
from faults.kinds.answer import answer
from faults.kinds.cut import cut
from faults.plan import Fault, Plan
from faults.reading import parse_plan
from records.bad_input import BadInput

PLAN = Plan((Fault(answer, {"status": 503}, "503 busy"), Fault(cut, {}, "cut")), 7, "two")
JSON = {"content-type": "application/json"}


def asked(method="POST", path=PATH, host="127.0.0.1:9", **headers):
    told = {ASKED_HOST: host} | {name.replace("_", "-"): value for name, value in headers.items()}
    return Asked(method, path, told if method == "GET" else JSON | told)


@pytest.mark.parametrize(
    "heard",
    [
        asked("GET"),
        asked("GET", host="localhost:9"),
        asked("GET", host="127.0.0.1"),
        asked("GET", host="[::1]:9"),
        asked(),
        asked("PATCH"),
        asked(content_type="application/json; charset=utf-8"),
        asked(host="localhost:9", origin="http://localhost:9"),
        asked()._replace(peer="127.0.0.7"),
        asked()._replace(peer="::1"),
        asked()._replace(peer="::ffff:127.0.0.1"),
    ],
)
def test_programs_of_this_machine_are_heard(heard):
    assert refused(heard) is None


@pytest.mark.parametrize(
    ("stranger", "status"),
    [
        (asked("GET", host="rebound.example:9"), 403),
        (asked("GET", host="127.0.0.1.example:9"), 403),
        (asked("GET", host="192.168.0.7:9"), 403),
        (asked("GET", host=""), 403),
        (asked("GET")._replace(peer="192.168.0.7"), 403),
        (asked("GET")._replace(peer="::ffff:192.168.0.7"), 403),
        (Asked("GET", PATH, {"host": "127.0.0.1:9"}), 403),
        (asked("GET", origin="https://example.org"), 403),
        (asked(host="localhost:9", origin="http://127.0.0.1:9"), 403),
        (asked(origin="http://127.0.0.1:8089"), 403),
        (asked(origin="null"), 403),
        (asked(origin=""), 403),
        (asked(content_type="text/plain"), 415),
        (asked(content_type="application/x-www-form-urlencoded"), 415),
        (asked("PATCH", content_type=""), 415),
        (asked("DELETE"), 405),
        (asked("OPTIONS"), 405),
        (asked("GET", path=f"{PATH}/x"), 404),
        (asked("GET", path=f"{PATH}?x=1"), 404),
    ],
)
def test_others_are_refused_with_a_sentence(stranger, status):
    found, sentence = refused(stranger)
    assert found == status and sentence.endswith((".", PATH + "."))


def parse(text, where):
    return parse_plan(text, where, KINDS)


def changes(**told):
    return parse_changes(json.dumps(told).encode(), PLAN, parse)


def problems(body):
    with pytest.raises(BadInput) as told:
        parse_changes(body if isinstance(body, bytes) else json.dumps(body).encode(), PLAN, parse)
    return list(told.value.problems)


def test_every_form_of_a_change():
    assert changes(fault="cut", on=False) == [Change("off", "cut")]
    assert changes(fault="cut", on=True, share=1) == [Change("share", "cut", 1), Change("on", "cut")]
    assert changes(stop=True, by="halt_if", why="too many") == [Change("stop", by="halt_if", why="too many")]
    (change,) = changes(plan='seed = 3\n[[fault]]\nname = "a"\nkind = "drop"', name="my plan")
    assert (change.action, change.plan.name, change.plan.seed, len(change.plan.faults)) == ("plan", "my plan", 3, 1)
    assert changes(plan="")[0].plan == Plan(name="pasted")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"stop": tru', ["the change: not readable as JSON: "]),
        (b"\xff", ["the change: not readable as JSON: "]),
        ([], ["the change: must be a table, got []"]),
        ({}, ["the change: must name one of fault, plan or stop, got none of them"]),
        ({"fault": "cut", "stop": True}, ["the change: must name one of fault, plan or stop, got fault and stop"]),
        ({"fault": "ct", "on": True}, ['the change.fault: "ct" is not a fault. Did you mean "cut"? Known: 503 busy, cut']),
        ({"fault": 5, "on": True}, ["the change.fault: must be a text, got 5"]),
        ({"fault": "cut"}, ["the change: must say on (true or false), share (0 to 1), or both"]),
        ({"fault": "cut", "share": 1.5}, ["the change.share: must be between 0 and 1, got 1.5"]),
        ({"fault": "cut", "share": True}, ["the change.share: must be a number, got True"]),
        ({"fault": "cut", "on": 1}, ["the change.on: must be true or false, got 1"]),
        ({"fault": "cut", "on": None}, ["the change.on: must be true or false, got None"]),
        ({"stop": False}, ["the change.stop: must be true; chaos goes on with a new plan"]),
        (
            {"stop": True, "by": "stop_after_s"},
            ['the change.by: "stop_after_s" is not a hand. Known: control, halt_if, web ui'],
        ),
        ({"plan": "", "name": "../x"}, ["the change.name: must be 1 to 80 letters, digits, blanks, _ and -, got '../x'"]),
        (
            {"fault": "ct", "share": -1, "onn": True, "why": 3},
            [
                "the change.why: must be a text, got 3",
                'the change.fault: "ct" is not a fault. Did you mean "cut"? Known: 503 busy, cut',
                "the change.share: must be between 0 and 1, got -1",
                'the change.onn: "onn" is not a key. Did you mean "on"? Known: by, fault, on, share, why',
            ],
        ),
        (
            {"plan": 'sed = 1\n[[fault]]\nname = "a"\nkind = "ct"\nshare = 2\n'},
            [
                "pasted.toml, fault[0].share: must be between 0 and 1, got 2",
                'pasted.toml, fault[0].kind: "ct" is not a kind. Did you mean "cut"?',
                'pasted.toml, sed: "sed" is not a key. Did you mean "seed"?',
            ],
        ),
        ({"plan": "[["}, ["pasted.toml: not readable as TOML: "]),
    ],
)
def test_a_bad_change_is_told_in_full(body, told):
    found = problems(body)
    assert len(found) == len(told)
    assert all(one.startswith(begin) for one, begin in zip(found, told, strict=True)), found


def test_what_is_refused_changes_nothing_and_what_is_heard_is_written():
    armed, written = Armed(PLAN), []
    control = Control(armed, parse, written.append)

    def post(**told):
        return control.answer(asked()._replace(body=json.dumps(told).encode()), 5.0)

    assert post(fault="cut", share=7)[0] == 400
    assert post(plan="oh no")[0] == 400
    assert control.answer(asked(origin="https://example.org"), 5.0)[0] == 403
    assert armed.plan == PLAN and written == []

    status, told = post(fault="cut", share=0.5, on=False)
    assert status == 200 and [(one["share"], one["on"]) for one in told["faults"]] == [(1.0, True), (0.5, False)]
    assert [(row.at_s, row.action, row.value) for row in written] == [(5.0, "share", 0.5), (5.0, "off", None)]
