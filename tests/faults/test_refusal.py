"""On the wire, through real mitmdump: a provider whose process died."""

import asyncio
import errno
import json
import socket
import time

import httpx
import pytest
from mitmproxy.test import tflow

from faults.addon import Faults

PLAN = """
[[fault]]
name = "late"
kind = "latency"
seconds = 20
headers = { x-fault = "late" }
[[fault]]
name = "down"
kind = "refuse"
seconds = 0.6
headers = { x-fault = "down" }
[[fault]]
name = "brief"
kind = "refuse"
seconds = 0.1
headers = { x-fault = "brief" }
[[fault]]
name = "gone"
kind = "refuse"
seconds = 600
headers = { x-fault = "gone" }
"""


@pytest.fixture
def dying(start, upstream, tmp_path):
    plan, rows = tmp_path / "dying.toml", tmp_path / "calls.jsonl"
    plan.write_text(PLAN)
    proxy = start("faults", "--upstream", upstream.url, "--plan", plan, "--rows", rows)
    return proxy, lambda: {row["request_id"]: row for row in map(json.loads, rows.read_text().splitlines())}


def port_of(proxy):
    return int(proxy.url.rpartition(":")[2])


def test_everything_breaks_nothing_connects_and_then_it_is_back(dying, get, seen):
    """A stream, a call that waits, an idle connection and the struck call end by a reset; the port stays the same."""
    proxy, rows = dying
    url = proxy.url + "/api/chat"

    async def crash():
        async with httpx.AsyncClient(timeout=15) as app, httpx.AsyncClient(timeout=5) as other:
            streaming = asyncio.create_task(get(app, url, "streaming", x_n=500, x_gap_s=0.02))
            waiting = asyncio.create_task(get(app, url, "waiting", "late"))
            await get(other, url, "idle")
            while not (seen("streaming") and rows().keys() >= {"idle"}):
                await asyncio.sleep(0.01)
            with socket.create_connection(("127.0.0.1", port_of(proxy))) as quiet:
                struck = await get(httpx.AsyncClient(), url, "struck", "down")
                began = time.monotonic()
                broken = [struck, await streaming, await waiting]
                assert quiet.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET
                with socket.socket() as other_listener, pytest.raises(OSError, match="in use"):
                    other_listener.bind(("127.0.0.1", port_of(proxy)))  # nobody takes the port meanwhile
            refused = [await get(one, url, "refused") for one in (app, other)]
            while isinstance((back := await get(other, url, "back")).error, httpx.ConnectError):
                await asyncio.sleep(0.01)
            return broken, refused, back, time.monotonic() - began

    broken, refused, back, down_s = asyncio.run(crash())
    assert [type(got.error) for got in broken] == [httpx.ReadError] * 3
    assert [type(got.error) for got in refused] == [httpx.ConnectError] * 2
    assert (back.status, len(back.messages)) == (200, 10)
    assert 0.4 < down_s < 2

    assert set(rows()) == {"idle", "struck", "streaming", "waiting", "back"}, "what cannot connect is no call"
    said = {id_: [one["fault"] for one in row["struck"]] for id_, row in rows().items()}
    assert said == {"idle": [], "struck": ["down"], "streaming": ["down"], "waiting": ["late", "down"], "back": []}
    assert rows()["streaming"]["status"] == 200 and rows()["streaming"]["struck"][0]["byte"] > 0
    assert seen("struck") is None


def test_who_connects_in_the_moment_of_a_refusal_is_not_forgotten(dying, get):
    """Connections that asyncio accepts while its listener closes: before this was mended, 100 of 1,500 calls heard nothing."""
    proxy, _ = dying
    url = proxy.url + "/api/chat"

    async def late(app, name, wait_s):
        await asyncio.sleep(wait_s)
        return await get(app, url, name, "brief")

    async def again_and_again():
        ends = []
        async with httpx.AsyncClient(timeout=3) as app:
            for n in range(12):
                await asyncio.gather(*(get(app, url, f"warm-{n}-{m}") for m in range(4)))
                # Four connections are open and idle; two more are opened just then.
                ends += await asyncio.gather(*(late(app, f"struck-{n}-{m}", 0.0007 * m) for m in range(6)))
                while isinstance((await get(app, url, f"back-{n}")).error, httpx.ConnectError):
                    await asyncio.sleep(0.01)
        return ends

    ends = asyncio.run(again_and_again())
    assert {type(got.error) for got in ends} <= {httpx.ReadError, httpx.ConnectError}


def test_a_call_that_comes_too_late_to_be_reset_says_why_it_broke():
    """Its connection was being accepted when the provider died: the call begins on what is closed already."""
    addon, flow = Faults(), tflow.tflow()
    addon.refusal.on, addon.refused_by = True, {"fault": "down", "kind": "refuse", "params": {}}

    addon.requestheaders(flow)

    assert [one["fault"] for one in addon.calls[flow.id].row(1.0).struck] == ["down"]


def test_one_that_ends_while_it_refuses_ends_in_order(dying, get):
    proxy, rows = dying
    got = asyncio.run(get(httpx.AsyncClient(), proxy.url + "/api/chat", "last", "gone"))

    assert isinstance(got.error, httpx.ReadError)
    began = time.monotonic()
    assert proxy.stop() == 0
    assert time.monotonic() - began < 3
    assert [one["fault"] for one in rows()["last"]["struck"]] == ["gone"]
    assert proxy.log.read_text().count("\n") == 1, "it said nothing but where it listens"
