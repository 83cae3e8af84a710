"""On the wire, through real mitmdump: apps that leave in the middle of a fault leave nothing behind."""

import asyncio
import json
import sys
import time
from pathlib import Path

import httpx
import pytest

COUNTING = """
import asyncio, gc, json
from math import inf
from mitmproxy.http import Response
from faults.actions import Occupy, Pause
from faults.addon import Faults
from faults.carrier import ScriptedStream, addon_named
from faults.places import Places
from faults.plan import Fault

PLACES = Places(1)

def crowded(request):
    yield Occupy(PLACES)

def late(request):
    yield Pause(inf)

def silent(message):
    if message.index == 2: yield Pause(inf)
    yield message.data

class Counting(Faults):
    async def request(self, flow):
        if flow.request.path != "/counts":
            return await super().request(flow)
        gc.collect()
        streams = sum(isinstance(one, ScriptedStream) for one in gc.get_objects())
        flow.response = Response.make(200, json.dumps({
            "tasks": len(asyncio.all_tasks()),
            "calls": len(self.calls),
            "connections": len(addon_named("proxyserver").connections),
            "streams": streams,
            "free": PLACES.free,
            "waiting": PLACES.waiting,
        }))

addons = [Counting(*[Fault(kind, headers={"x-fault": kind.__name__}) for kind in (crowded, late, silent)])]
"""


@pytest.fixture
def counting(run, upstream, tmp_path):
    script, rows = tmp_path / "counting.py", tmp_path / "calls.jsonl"
    script.write_text(COUNTING)
    mitmdump = Path(sys.executable).with_name("mitmdump")
    settings = ["--set", f"faults_rows={rows}", "--set", f"confdir={tmp_path}", "--set", "connection_strategy=lazy"]
    url = run(mitmdump, "--mode", f"reverse:{upstream.url}@127.0.0.1:0", "-s", script, *settings).url
    return url, lambda: {row["request_id"]: row for row in map(json.loads, rows.read_text().splitlines())}


def test_two_hundred_calls_that_leave_leave_nothing_behind(counting, get, upstream):
    """In a stall, in latency, and in the queue for a place: the provider is left, the place given back, the row written."""
    url, rows = counting
    faults = {f"{fault}-{n}": fault for n in range(70) for fault in ("silent", "late", "crowded") if n < 60 or fault != "late"}
    assert len(faults) == 200

    async def leave():
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(timeout=httpx.Timeout(30, read=1), limits=limits) as app:
            # The provider is still busy with all of them when they leave.
            paces = {"crowded": {"x_first_s": 30}, "silent": {"x_n": 500, "x_gap_s": 0.02}, "late": {}}
            return await asyncio.gather(
                *[get(app, url + "/api/chat", id_, fault, **paces[fault]) for id_, fault in faults.items()]
            )

    with httpx.Client() as client:
        client.post(url + "/api/chat", headers={"x-fault": "none"}, json={}).raise_for_status()
        before = client.get(url + "/counts").json()
        assert (before["free"], before["waiting"], before["calls"]) == (1, 0, 1)
        gots = asyncio.run(leave())
        deadline = time.monotonic() + 10
        while (after := client.get(url + "/counts").json()) != before and time.monotonic() < deadline:
            time.sleep(0.05)

    assert after == before
    assert {type(got.error) for got in gots} == {httpx.ReadTimeout}
    assert set(faults) < set(rows()), "a row each"
    seen = httpx.get(f"{upstream.url}/seen").json()
    asked = {id_ for id_ in faults if id_ in seen}
    assert all(seen[id_]["left"] for id_ in asked)
    assert not [id_ for id_ in asked if id_.startswith("late")]
    assert 0 < len([id_ for id_ in asked if id_.startswith("crowded")]) < 70, "who left the queue was never passed on"
