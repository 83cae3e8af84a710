"""On the wire, through real mitmdump: what an app sees of each fault that strikes a response."""

import asyncio
import errno
import hashlib
import json
import socket
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from mitmproxy.connection import Client

from faults import carrier


def on_the_wire(what):
    async def run():
        async with httpx.AsyncClient(timeout=5) as client:
            return await what(client)

    return asyncio.run(run())


@pytest.mark.parametrize("path", ["/api/chat", "/v1/chat/completions"])
@pytest.mark.parametrize("at", [0, 1, 3, 7, 10])
@pytest.mark.parametrize("how", ["reset", "close"])
def test_a_cut_delivers_exactly_k_messages_and_then_breaks_as_asked(proxy, get, row, path, at, how):
    """Whether the messages came one by one or all in one read; the next call is whole."""
    id_ = f"cut-{path}-{at}-{how}"

    async def calls(client):
        for shape in ("stream", "together"):
            yield await get(client, proxy.url + path, f"{id_}-{shape}", f"cut-{at}-{how}", x_gap_s=0.005, x_shape=shape)
        yield await get(client, proxy.url + path, f"{id_}-next")

    async def every(client):
        return [got async for got in calls(client)]

    *cut, after = on_the_wire(every)
    for got, shape in zip(cut, ("stream", "together"), strict=True):
        assert got.status == 200
        assert [message["n"] for message in got.messages] == list(range(at))
        assert type(got.error) is (httpx.ReadError if how == "reset" else httpx.RemoteProtocolError)
        (struck,) = row(f"{id_}-{shape}")["struck"]
        assert (struck["kind"], struck["message"], struck["byte"]) == ("cut", at, len(got.body))
        assert row(f"{id_}-{shape}")["bytes"] == len(got.body)
    assert after.error is None and len(after.messages) == 10


@pytest.mark.parametrize("how", ["reset", "close"])
def test_a_raw_socket_sees_a_reset_or_an_end(proxy, how):
    """ECONNRESET itself, not a client library's word for it."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as app:
        head = f"POST /api/chat HTTP/1.1\r\nhost: x\r\nx-request-id: raw-{how}\r\nx-fault: cut-3-{how}\r\nx-gap-s: 0.01\r\n"
        app.sendall(head.encode() + b"content-length: 0\r\n\r\n")
        body, ended = read_all(app)

    assert body.count(b'"n":') == 3
    assert b"\r\n0\r\n\r\n" not in body
    assert ended == (errno.ECONNRESET if how == "reset" else None)


def read_all(connection: socket.socket) -> tuple[bytes, int | None]:
    body = b""
    try:
        while data := connection.recv(65536):
            body += data
    except ConnectionResetError as error:
        return body, error.errno
    return body, None


def test_a_cut_beyond_the_end_is_missed(proxy, get, row):
    got = on_the_wire(lambda client: get(client, proxy.url + "/api/chat", "missed", "cut-99-reset"))

    assert got.error is None and len(got.messages) == 10
    told = row("missed")
    assert (told["planned"], told["struck"], told["missed"]) == (["cut 99 true"], [], ["cut 99 true"])


def test_a_cut_after_bytes_is_exact_to_the_byte(proxy, get):
    got = on_the_wire(lambda client: get(client, proxy.url + "/api/chat", "bytes", "cut-bytes", x_gap_s=0.005))

    assert len(got.body) == 250 and isinstance(got.error, httpx.RemoteProtocolError)


def test_a_cut_before_the_end_withholds_only_the_end(proxy, get):
    got = on_the_wire(lambda client: get(client, proxy.url + "/v1/chat/completions", "end", "cut-end"))

    assert len(got.messages) == 10 and isinstance(got.error, httpx.RemoteProtocolError)


def test_a_body_of_known_length_can_be_cut_too(proxy, get):
    got = on_the_wire(lambda client: get(client, proxy.url + "/api/chat", "json", "cut-0-close", x_shape="json"))

    assert got.body == b"" and isinstance(got.error, httpx.RemoteProtocolError)


def test_a_stall_waits_and_goes_on(proxy, get, row):
    got = on_the_wire(lambda client: get(client, proxy.url + "/api/chat", "stall", "stall", x_gap_s=0.02))

    assert got.error is None and len(got.messages) == 10
    assert 0.35 < max(got.gaps_s) < 1
    assert row("stall")["struck"][0]["message"] == 4


@pytest.mark.parametrize("first_s", [0.1, 0.3])
def test_a_slow_first_token_takes_three_times_as_long(proxy, get, first_s):
    """And the tokens behind it are not slowed."""

    async def both(client):
        await get(client, proxy.url + "/api/chat", "warm")
        clean = await get(client, proxy.url + "/api/chat", "clean", x_first_s=first_s)
        return clean, await get(client, proxy.url + "/api/chat", "slow", "slow", x_first_s=first_s)

    clean, slow = on_the_wire(both)
    assert slow.arrivals[0][0] == pytest.approx(3 * clean.arrivals[0][0], rel=0.15)
    assert len(slow.messages) == 10 and max(slow.gaps_s, default=0) < 0.05


def test_what_the_provider_sent_before_it_broke_arrives_before_the_break(proxy, get, row):
    """Though the script was still pausing when it broke."""

    async def one(client):
        return await get(client, proxy.url + "/api/chat", "broken", "slow", x_first_s=0.1, x_n=3, x_shape="break")

    got = on_the_wire(one)
    assert len(got.messages) == 3 and isinstance(got.error, httpx.RemoteProtocolError)
    assert row("broken")["bytes"] == len(got.body)


def test_two_faults_on_one_call(proxy, get, row):
    async def one(client):
        return await get(client, proxy.url + "/api/chat", "two", "slow cut-3-close", x_first_s=0.1)

    got = on_the_wire(one)
    assert len(got.messages) == 3 and got.arrivals[0][0] > 0.28
    assert [struck["fault"] for struck in row("two")["struck"]] == ["slow", "cut 3 false"]


def test_an_app_that_leaves_an_endless_stall_is_noticed(proxy, get, row, seen):
    """The provider is hung up on, and the row is written."""

    async def one(client):
        return await get(client, proxy.url + "/api/chat", "left", "stall-for-ever", x_n=500, x_gap_s=0.02)

    async def impatient():
        async with httpx.AsyncClient(timeout=0.4) as client:
            return await one(client)

    got = asyncio.run(impatient())
    assert isinstance(got.error, httpx.ReadTimeout) and len(got.messages) == 2
    told = row("left")
    assert told["status"] == 200 and told["bytes"] == len(got.body)
    assert told["finished_s"] - told["started_s"] < 1
    wait_until(lambda: seen("left")["left"])


def wait_until(true):
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_stalled_streams_delay_no_neighbour(proxy, get):
    """Gap P95 of a stream beside 20 stalled ones, against the same stream alone."""

    async def neighbours():
        limits = httpx.Limits(max_connections=50)
        async with httpx.AsyncClient(timeout=2.5, limits=limits) as stalled, httpx.AsyncClient(timeout=5) as client:
            alone = await get(client, proxy.url + "/api/chat", "alone", x_n=60, x_gap_s=0.02)
            twenty = [
                asyncio.create_task(get(stalled, proxy.url + "/api/chat", f"stalled-{n}", "stall-for-ever")) for n in range(20)
            ]
            await asyncio.sleep(0.3)
            beside = await get(client, proxy.url + "/api/chat", "beside", x_n=60, x_gap_s=0.02)
            waiting = sum(not one.done() for one in twenty)
            return alone, beside, waiting, await asyncio.gather(*twenty)

    alone, beside, waiting, twenty = asyncio.run(neighbours())
    without_s, with_s = p95(alone.gaps_s), p95(beside.gaps_s)
    print(f"neighbour's gap P95: {without_s * 1000:.1f} ms alone, {with_s * 1000:.1f} ms beside 20 stalled streams")
    assert waiting == 20 and all(len(one.messages) == 2 for one in twenty)
    assert with_s < without_s + 0.01


def p95(values):
    return sorted(values)[int(0.95 * len(values))]


@pytest.mark.parametrize("path", ["/api/chat", "/v1/chat/completions"])
def test_an_unfaulted_body_passes_identical_and_unbuffered(proxy, get, row, seen, path):
    """Byte for byte, and every message as soon as the provider wrote it."""

    async def one(client):
        await get(client, proxy.url + path, "warm-up")
        return await get(client, proxy.url + path, f"pure{path}", x_n=30, x_gap_s=0.02)

    got = on_the_wire(one)
    assert hashlib.sha256(got.body).hexdigest() == seen(f"pure{path}")["sha256"]
    assert len(got.arrivals) == 30, "one arrival a message: none were held back, none merged"
    late_s = sorted(later - sent for later, sent in zip(arrived(got), stamped(got), strict=True))
    print(f"{path}: median way of a message through the proxy {(late_s[15] - late_s[0]) * 1000:.2f} ms over the fastest")
    assert late_s[28] - late_s[0] < 0.015
    assert row(f"pure{path}")["bytes"] == len(got.body)


def arrived(got):
    return [at_s for at_s, _ in got.arrivals]


def stamped(got):
    return [message["at_s"] for message in got.messages]


def test_json_bodies_keep_their_length(proxy, get):
    got = on_the_wire(lambda client: get(client, proxy.url + "/api/chat", "plain", x_shape="json"))

    assert int(got.headers["content-length"]) == len(got.body)
    assert all(json.loads(line) for line in got.body.splitlines())


BROKEN = """
from faults.actions import Sever
from faults.addon import Faults
from faults.carrier import ScriptedStream
from faults.plan import Fault

def cannot(stream, reset):
    raise RuntimeError("cannot sever")
    yield

def cut_third(message):
    if message.index == 3: yield Sever()
    yield message.data

ScriptedStream.sever = cannot
addons = [Faults(Fault(cut_third, headers={"x-fault": "cut"}))]
"""


def test_an_app_that_has_just_left_needs_no_reset(monkeypatch):
    """Its socket is closed, but mitmproxy has not told us yet: no bug of ours."""

    async def left():
        here, there = socket.socketpair()
        _, writer = await asyncio.open_connection(sock=here)
        there.close()
        writer.close()
        await writer.wait_closed()
        app = Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2))
        handler = SimpleNamespace(transports={app: SimpleNamespace(writer=writer)})
        monkeypatch.setattr(carrier, "addon_named", lambda name: SimpleNamespace(connections={app.id: handler}))
        carrier.reset_on_close(app)
        return writer.get_extra_info("socket").fileno()

    assert asyncio.run(left()) == -1


def test_a_connection_that_nobody_reads_yet_is_reset_too(monkeypatch):
    """What reads it was cancelled before its first step, and so closes nothing: the app would wait for ever."""

    async def refused():
        here, there = socket.socketpair()
        _, writer = await asyncio.open_connection(sock=here)
        there.settimeout(5)
        app = Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2))
        reads = asyncio.create_task(asyncio.sleep(0))
        handler = SimpleNamespace(
            client=app, transports={app: SimpleNamespace(writer=writer)}, close_connection=lambda _: reads.cancel()
        )
        monkeypatch.setattr(carrier, "addon_named", lambda name: SimpleNamespace(connections={app.id: handler}))
        carrier.reset_all(but=Client(peername=("127.0.0.1", 3), sockname=("127.0.0.1", 2)))
        return await asyncio.to_thread(there.recv, 1)

    assert asyncio.run(refused()) == b""


def test_what_cannot_even_be_severed_is_closed(run, upstream, get, tmp_path):
    """A bug in the carrier itself: the app is not left waiting, the provider is left, the row says why, the proxy lives on."""
    script, rows = tmp_path / "broken.py", tmp_path / "calls.jsonl"
    script.write_text(BROKEN)
    mitmdump = Path(sys.executable).with_name("mitmdump")
    settings = ["--set", f"faults_rows={rows}", "--set", f"confdir={tmp_path}"]
    url = run(mitmdump, "--mode", f"reverse:{upstream.url}@127.0.0.1:0", "-s", script, *settings).url + "/api/chat"

    async def both(client):
        return [await get(client, url, id_, fault, x_n=200, x_gap_s=0.01) for id_, fault in (("stuck", "cut"), ("free", ""))]

    stuck, free = on_the_wire(both)
    assert len(stuck.messages) == 3 and isinstance(stuck.error, httpx.RemoteProtocolError)
    assert free.error is None and len(free.messages) == 200
    told = {row["request_id"]: row for row in map(json.loads, rows.read_text().splitlines())}
    assert [one.get("bug") for one in told["free"]["struck"]] == []
    assert [one["fault"] for one in told["stuck"]["struck"]] == ["cut_third", "bug"]
    assert "cannot sever" in told["stuck"]["struck"][1]["bug"]
    wait_until(lambda: httpx.get(f"{upstream.url}/seen").json()["stuck"]["left"])
