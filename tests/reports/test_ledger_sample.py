"""Which requests a page holds one by one."""

from types import SimpleNamespace

import pytest

from reports import ledger_sample
from reports.arm import Arm
from reports.ledger import ledger
from reports.ledger_sample import MET, MOST_UNSTRUCK, TWIN, UNSTRUCK, Sample, sample
from reports.load import load

CUT = {"name": "cut", "kind": "cut"}
RARE = {"name": "rare", "kind": "answer"}


def an_arm(rows: SimpleNamespace, name: str, met: dict[int, dict[str, str]], count: int, cut: set[int] = set()) -> Arm:
    requests = [rows.a_request(n, arm=name, outcome="cut" if n in cut else "ok") for n in range(count)]
    calls = [rows.a_call(f"p01-{n:06d}", faults=[fault]) for n, fault in met.items()]
    return rows.an_arm(requests, calls, name=name)


def picked(*arms: Arm) -> Sample:
    return sample(arms, {arm.name: ledger(arm).entries for arm in arms}, [arms[0].name, arms[-1].name])


def ids(found: Sample, arm: str, listed: str) -> list[str]:
    chosen = found.chosen
    return sorted(chosen["id"][(chosen["arm"] == arm) & (chosen["listed"] == listed)])


def test_few_are_all_there_each_with_its_twin(rows: SimpleNamespace):
    off, on = an_arm(rows, "off", {3: CUT, 7: CUT}, 40), an_arm(rows, "on", {7: CUT}, 40)
    found = picked(off, on)

    assert ids(found, "off", MET) == ["p01-000003", "p01-000007"]
    assert ids(found, "on", MET) == ["p01-000007"]
    assert ids(found, "on", TWIN) == ["p01-000003"]
    assert (dict(found.met), found.count(MET)) == ({"off": 2, "on": 1}, 3)


def test_places_are_those_of_the_arms_rows(rows: SimpleNamespace):
    off, on = an_arm(rows, "off", {3: CUT}, 40), an_arm(rows, "on", {30: CUT}, 40)
    chosen = picked(off, on).chosen

    for arm in (off, on):
        mine = chosen[chosen["arm"] == arm.name]
        assert list(arm.rows.index[mine["place"]]) == list(mine["id"])


def test_many_are_sampled_by_request_and_none_of_the_rare_is_missed(rows: SimpleNamespace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ledger_sample, "MOST", 60)
    struck = {n: RARE if n in (151, 153) else CUT for n in range(300)}
    off, on = an_arm(rows, "off", struck, 300), an_arm(rows, "on", struck, 300)
    found = picked(off, on)

    assert found.met == {"off": 300, "on": 300}
    assert 60 <= found.count(MET) <= 60 + 3 * 4
    assert ids(found, "off", MET) == ids(found, "on", MET), "what one arm tells of a request the other tells too"
    assert {"p01-000151", "p01-000153"} <= set(ids(found, "off", MET))
    numbers = [int(one[4:]) for one in ids(found, "off", MET)]
    assert min(numbers) < 20 and max(numbers) > 280, "from all over the run"


def test_whoever_failed_or_was_slow_without_a_fault_is_there_too(rows: SimpleNamespace):
    found = picked(an_arm(rows, "off", {3: CUT}, 500, cut={3, 5, 9}))

    assert ids(found, "off", UNSTRUCK) == ["p01-000005", "p01-000009"]
    assert found.unstruck == 2


def test_of_many_failures_without_a_fault_some_are_there(rows: SimpleNamespace):
    found = picked(an_arm(rows, "off", {}, 500, cut=set(range(450))))

    assert found.unstruck == 450
    assert MOST_UNSTRUCK / 2 < found.count(UNSTRUCK) <= MOST_UNSTRUCK


def test_only_the_arms_compared_have_twins(rows: SimpleNamespace):
    found = picked(*(an_arm(rows, name, {3: CUT} if name == "off" else {}, 40) for name in ("off", "other", "on")))

    assert ids(found, "on", TWIN) == ["p01-000003"]
    assert ids(found, "other", TWIN) == []


def test_a_request_that_never_finished_in_the_other_arm_has_no_twin(rows: SimpleNamespace):
    found = picked(an_arm(rows, "off", {30: CUT}, 40), an_arm(rows, "on", {}, 20))

    assert ids(found, "off", MET) == ["p01-000030"]
    assert ids(found, "on", TWIN) == []


def test_every_request_is_there_once(a_run, rows: SimpleNamespace):
    arms = load(a_run("off-on", off=rows.simulate("off", 400), on=rows.simulate("on", 400))).arms
    chosen = picked(*arms).chosen

    assert not chosen.duplicated(["arm", "id"]).any()
