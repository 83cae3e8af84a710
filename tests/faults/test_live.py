"""Live control on the wire: a real proxy, changed while calls come."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import httpx
import pytest

from records.rows import ChangeRow

FAULTS = "/__headwind__/faults"
PLAN = """
seed = 7
[[fault]]
name = "busy"
kind = "answer"
status = 503
on = false
[[fault]]
name = "stall"
kind = "stall"
at = 2
seconds = 1
headers = { x-fault = "stall" }
"""


class Live:
    """A proxy of its own, with its plan and its files."""

    def __init__(self, start, upstream, folder, plan=PLAN):
        self.plan, self.calls, self.changes = (folder / name for name in ("plan.toml", "calls.jsonl", "changes.jsonl"))
        self.plan.write_text(plan)
        files = ["--plan", self.plan, "--rows", self.calls, "--changes", self.changes]
        self.upstream, self.one = upstream, start("faults", "--upstream", upstream.url, *files)
        self.url = self.one.url + FAULTS

    def ask(self, id_="call", **headers):
        return httpx.post(self.one.url + "/api/chat", headers={"x-request-id": id_, **headers}, json={"model": "m"})

    def tell(self, method="POST", **change):
        return httpx.request(method, self.url, json=change)

    def told(self):
        return httpx.get(self.url).json()

    def fault(self, name):
        (found,) = [fault for fault in self.told()["faults"] if fault["name"] == name]
        return found

    def rows(self, path=None):
        return [json.loads(line) for line in (path or self.changes).read_text().splitlines()]


@pytest.fixture
def live(start, upstream, tmp_path):
    return Live(start, upstream, tmp_path)


def test_a_change_holds_from_the_next_call_on_and_is_a_row(live):
    before_s = time.monotonic()
    assert live.told()["at_s"] is None
    assert live.ask().status_code == 200
    assert live.tell("PATCH", fault="busy", on=True, by="web ui", why="look").status_code == 200
    assert live.ask().status_code == 503
    assert live.fault("busy")["struck"] == 1 and 0 < live.fault("busy")["last_struck_at_s"] <= live.told()["at_s"]
    assert live.tell(fault="busy", share=0).status_code == 200
    assert live.ask().status_code == 200
    assert live.tell(fault="busy", share=1).json()["digest"] == live.told()["digest"]
    assert live.tell(stop=True, why="enough").status_code == 200
    assert live.ask().status_code == 200
    assert live.told()["stopped"] == "by control: enough"

    rows = live.rows()
    assert [(row["action"], row["fault"], row["value"], row["by"], row["why"]) for row in rows] == [
        ("on", "busy", None, "web ui", "look"),
        ("share", "busy", 0, "control", ""),
        ("share", "busy", 1, "control", ""),
        ("stop", "", None, "control", "enough"),
    ]
    assert all(row.keys() == asdict(ChangeRow(0, "on", "")).keys() for row in rows)
    assert before_s < rows[0]["at_s"] < rows[-1]["at_s"] < time.monotonic()


def test_asking_it_is_no_call(live, seen):
    """Never passed on, no row, and windows do not begin with it."""
    for _ in range(3):
        live.tell(fault="busy", share=0.5)
        httpx.post(live.one.url + "/__headwind__/other", json={})
        httpx.get(live.url, headers={"x-request-id": "control"})

    assert live.told()["at_s"] is None
    assert live.rows(live.calls) == [] and seen("control") is None


def test_calls_in_flight_keep_what_was_decided_for_them(live):
    with ThreadPoolExecutor() as pool:
        stalled = pool.submit(live.ask, "stalled", **{"x-fault": "stall"})
        while not live.fault("stall")["struck"]:
            assert not stalled.done()
        live.tell(plan="", name="calm")
        assert len(stalled.result().content.splitlines()) == 10
    live.ask("after", **{"x-fault": "stall"})

    first, after = live.rows(live.calls)
    assert live.rows()[0]["at_s"] < first["struck"][0]["at_s"] + 1 < first["finished_s"]
    assert after["planned"] == []
    assert (live.told()["plan"], live.told()["faults"]) == ("calm", [])


def test_a_new_plan_is_taken_whole_or_refused_with_every_problem(live):
    before = live.told()
    refused = live.tell(
        plan='[[fault]]\nname = "a"\nkind = "ct"\n[[fault]]\nname = "b"\nkind = "drop"\nshare = 2\n', name="bad"
    )
    assert refused.status_code == 400
    told = refused.json()["problems"]
    assert told[0].startswith('bad.toml, fault[0].kind: "ct" is not a kind. Did you mean "cut"?') and len(told) == 2
    assert live.told() == before and live.rows() == []

    new = '[[fault]]\nname = "gone"\nkind = "answer"\nstatus = 418\nduring = [0, 0.4]\n'
    live.ask()
    taken = live.tell(plan=new, name="teapot").json()
    assert (taken["plan"], [one["name"] for one in taken["faults"]], taken["at_s"]) == ("teapot", ["gone"], None)
    assert live.rows()[-1]["value"] == f"teapot {taken['digest']}"
    # Its windows count from the next call: not from one that met the plan before it.
    assert live.ask().status_code == 418
    deadline_s = time.monotonic() + 5
    while live.ask().status_code == 418:
        assert time.monotonic() < deadline_s


def test_strangers_are_refused(live):
    """The host that the browser asked, not the one that mitmproxy makes of it."""
    json_ = {"content-type": "application/json"}
    for headers, status in [
        ({"host": f"rebound.example:{live.one.url.rpartition(':')[2]}"} | json_, 403),
        ({"origin": "https://example.org"} | json_, 403),
        ({"x-headwind-asked-host": "127.0.0.1", "host": "rebound.example"} | json_, 403),
        ({"content-type": "text/plain"}, 415),
    ]:
        answer = httpx.post(live.url, headers=headers, content=b'{"stop": true}')
        assert answer.status_code == status and len(answer.json()["problems"]) == 1
        assert "access-control-allow-origin" not in answer.headers
    assert httpx.get(live.url, headers={"host": "rebound.example"}).status_code == 403
    assert live.told()["stopped"] is None
    assert httpx.get(live.url.replace("127.0.0.1", "localhost")).status_code == 200


def test_a_plan_ends_by_itself_at_its_moment(start, upstream, tmp_path):
    """Also when no call comes just then; and once."""
    live = Live(
        start, upstream, tmp_path, "stop_after_s = 0.6\nhalt_if = { error_share = 0.5 }\n" + PLAN.replace("on = false", "")
    )
    assert live.one.log.read_text().endswith(
        "· plan plan: 2 faults · halt_if is not watched here: only who sees the users can\n"
    )
    assert live.ask().status_code == 503
    deadline_s = time.monotonic() + 5
    while not live.rows():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)

    assert live.ask().status_code == 200
    live.tell(stop=True)
    (row,) = live.rows()
    assert (row["action"], row["by"], row["fault"], row["why"]) == ("stop", "stop_after_s", "", "the plan ends after 0.6 s")
    assert row["at_s"] == pytest.approx(live.rows(live.calls)[0]["started_s"] + 0.6, abs=1e-3)
    assert live.told()["stopped"] == "by stop_after_s: the plan ends after 0.6 s"


def test_a_plan_that_replaced_another_is_not_ended_by_that_ones_clock(start, upstream, tmp_path):
    live = Live(start, upstream, tmp_path, "stop_after_s = 0.5\n" + PLAN)
    live.ask()
    live.tell(plan=PLAN.replace("on = false", ""), name="for ever")
    until_s = time.monotonic() + 0.8
    while time.monotonic() < until_s:
        assert live.ask().status_code == 503
    assert [row["action"] for row in live.rows()] == ["plan"]


def test_with_the_end_of_chaos_a_provider_that_died_is_back(start, upstream, tmp_path):
    dies = '[[fault]]\nname = "dies"\nkind = "refuse"\nseconds = 60\n'
    live = Live(start, upstream, tmp_path, "stop_after_s = 0.5\n" + dies)
    with pytest.raises(httpx.ReadError):
        live.ask()
    with pytest.raises(httpx.ConnectError):
        live.told()
    deadline_s = time.monotonic() + 5
    while not live.rows():
        assert time.monotonic() < deadline_s

    assert live.ask().status_code == 200
    assert live.told()["stopped"]
