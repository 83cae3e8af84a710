"""What can be changed while calls come, and what is told of it: no proxy, no clock."""

from dataclasses import replace

import pytest

from faults.actions import Request
from faults.armed import KEPT, Armed, Change
from faults.kinds.answer import answer
from faults.kinds.cut import cut
from faults.plan import Fault, HaltIf, Plan
from faults.script import Script
from records.rows import ChangeRow


def count_calls(request, shared: list):
    """Answers with how many calls it has met."""
    shared.append(request.id)
    yield {"x-met": str(len(shared))}


BUSY = Fault(answer, {"status": 503}, "busy", 0.5, routes="/api/chat", attempts=2, during_s=(0.0, 60.0))
CUT = Fault(cut, {"at": 3}, "cut")


@pytest.fixture
def armed():
    return Armed(Plan((BUSY, CUT), 7, "two"))


def call(n=0, **more):
    return Request(f"p01-{n:06d}", path="/api/chat", **more)


def struck(armed, count=1000, **more):
    """How many of so many calls each fault strikes."""
    decided = [fault.name for n in range(count) for fault in armed.decide(call(n, **more))]
    return {name: decided.count(name) for name in ("busy", "cut")}


def test_off_and_on_again(armed):
    before = struck(armed)

    assert armed.make(Change("off", "busy", by="web ui", why="too much"), 5.0) == [
        ChangeRow(5.0, "off", "web ui", "busy", None, "too much")
    ]
    assert struck(armed) == {"busy": 0, "cut": 1000}
    assert [row.action for row in armed.make(Change("on", "busy"), 6.0)] == ["on"]
    assert struck(armed) == before


def test_a_raised_share_strikes_the_same_calls_and_more(armed):
    before = {n for n in range(1000) if "busy" in [one.name for one in armed.decide(call(n))]}
    (row,) = armed.make(Change("share", "busy", 0.6), 5.0)
    after = {n for n in range(1000) if "busy" in [one.name for one in armed.decide(call(n))]}

    assert (row.action, row.fault, row.value) == ("share", "busy", 0.6)
    assert before < after and 550 < len(after) < 650


def test_a_share_set_by_hand_holds_for_first_attempts_too():
    armed = Armed(Plan((replace(BUSY, share=0.01, raised_to=0.9),), 7, "rare"))
    armed.make(Change("share", "busy", 0.01), 5.0)

    assert struck(armed)["busy"] < 50
    assert armed.told(5.0)["faults"][0]["share"] == 0.01


@pytest.mark.parametrize("change", [Change("on", "busy"), Change("share", "busy", 0.5)])
def test_what_changes_nothing_is_no_change(armed, change):
    assert armed.make(change, 5.0) == []
    assert armed.told(5.0)["changes"] == []


def test_stopped_nothing_strikes_until_another_plan_is_armed(armed):
    armed.began_s = 1.0
    assert armed.make(Change("stop", by="halt_if", why="40 % of 50 users"), 5.0) == [
        ChangeRow(5.0, "stop", "halt_if", "", None, "40 % of 50 users")
    ]
    assert armed.make(Change("stop"), 6.0) == []
    armed.make(Change("on", "busy"), 6.0)
    assert struck(armed) == {"busy": 0, "cut": 0}
    assert armed.told(6.0)["stopped"] == "by halt_if: 40 % of 50 users"

    plan = Plan((CUT,), 7, "other")
    assert armed.make(Change("plan", plan=plan), 7.0) == [ChangeRow(7.0, "plan", "control", "", f"other {plan.digest}")]
    assert struck(armed) == {"busy": 0, "cut": 1000}
    assert (armed.told(8.0)["stopped"], armed.told(8.0)["at_s"]) == (None, None)


def test_the_same_plan_again_is_a_change_for_its_clock_starts_anew(armed):
    armed.began_s = 1.0
    assert len(armed.make(Change("plan", plan=armed.plan), 9.0)) == 1
    assert armed.began_s is None


def test_what_a_fault_remembers_survives_its_switch():
    armed = Armed(Plan((Fault(count_calls, {}, "count"),), 7, "one"))
    for n in (0, 1):
        for action in ("off", "on"):
            armed.make(Change(action, "count"), 5.0)
        list(Script(call(n), armed.decide(call(n)), lambda: 0.0).on_request())

    assert len(armed.plan.faults[0].shared["shared"]) == 2


def a_script(armed, n, at_s, meets=True):
    """A call that met what was planned for it, or not."""
    script = Script(call(n), armed.decide(call(n)), lambda: at_s)
    list(script.on_request())
    list(script.on_headers({"content-type": "application/x-ndjson"}))
    if meets:
        list(script.on_data(b"{}\n" * 10))
    return script


def test_what_landed_is_told_of_calls_that_ended_and_of_those_in_flight(armed):
    armed.began_s = 100.0
    armed.make(Change("off", "busy"), 100.0)
    armed.count(101.0, a_script(armed, 1, 103.0))
    armed.count(101.0, a_script(armed, 2, 102.0, meets=False))
    told = armed.told(110.0, [(105.0, a_script(armed, 3, 106.0))])["faults"][1]

    assert (told["planned"], told["struck"], told["last_struck_at_s"]) == (3, 2, 6.0)
    told = armed.told(110.0)["faults"][1]
    assert (told["planned"], told["struck"], told["last_struck_at_s"]) == (2, 1, 3.0)


def test_calls_of_an_earlier_plan_say_nothing_about_this_one(armed):
    script = a_script(armed, 1, 3.0)
    armed.make(Change("plan", plan=armed.plan), 5.0)
    armed.count(4.0, script)

    assert [fault["planned"] for fault in armed.told(6.0, [(4.0, script)])["faults"]] == [0, 0]


def test_all_that_is_told(armed):
    armed.began_s = 10.0
    armed.plan = replace(armed.plan, halt_if=HaltIf(0.4), stop_after_s=90.0)
    told = armed.told(12.5)

    assert told["faults"].pop(0) == {
        "name": "busy",
        "kind": "answer",
        "share": 0.5,
        "on": True,
        "planned": 0,
        "struck": 0,
        "last_struck_at_s": None,
        "meant_for": {"routes": ["/api/chat"], "models": "*", "headers": {}, "attempts": 2, "during_s": [0.0, 60.0]},
    }
    assert told["faults"].pop()["meant_for"]["during_s"] == [0.0, None]
    assert told == {
        "plan": "two",
        "digest": armed.plan.digest,
        "seed": 7,
        "at_s": 2.5,
        "stopped": None,
        "stop_after_s": 90.0,
        "halt_if": {"error_share": 0.4, "over_s": 10.0, "at_least": 20},
        "faults": [],
        "changes": [],
    }


def test_the_last_changes_are_told_with_how_long_ago_they_were(armed):
    for n in range(KEPT + 5):
        armed.make(Change("off" if n % 2 == 0 else "on", "busy"), float(n))
    told = armed.told(KEPT + 6.0)["changes"]

    assert len(told) == KEPT
    assert told[-1] == {"ago_s": 2.0, **vars(ChangeRow(KEPT + 4.0, "off", "control", "busy"))}


def test_probes_of_readiness_do_not_start_the_clock(armed):
    """GET and HEAD only look; Ollama's own command asks HEAD / before all else."""
    assert [armed.begins_with(method) for method in ("GET", "HEAD", "POST")] == [False, False, True]

    armed.began_s = 1.0
    assert not armed.begins_with("POST")
