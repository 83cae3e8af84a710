"""On the wire, through real mitmdump: what happens before the body, and the row of every call."""

import asyncio
import json
import socket
import time
from dataclasses import asdict

import httpx
import pytest

from records.rows import CallRow


def on_the_wire(what, timeout=5):
    async def run():
        async with httpx.AsyncClient(timeout=timeout) as client:
            return await what(client)

    return asyncio.run(run())


def call_and_next(proxy, get, id_, fault, path="/api/chat", **headers):
    """The faulted call, and that the next one on the same client is whole."""

    async def both(client):
        faulted = await get(client, proxy.url + path, id_, fault, **headers)
        return faulted, await get(client, proxy.url + path, f"{id_}-next")

    faulted, after = on_the_wire(both)
    assert after.error is None and len(after.messages) == 10
    return faulted


def test_503_in_ollamas_shape(proxy, get, row, seen):
    got = call_and_next(proxy, get, "503", "503")

    assert got.status == 503 and "server busy" in json.loads(got.body)["error"]
    assert got.headers["content-type"] == "application/json"
    assert (row("503")["status"], row("503")["bytes"]) == (503, len(got.body))
    assert seen("503") is None, "the provider was never asked"


def test_429_in_openais_shape_with_headers(proxy, get):
    got = call_and_next(proxy, get, "429", "429", path="/v1/chat/completions")

    assert got.status == 429 and json.loads(got.body)["error"]["type"] == "rate_limit_error"
    assert (got.headers["retry-after"], got.headers["x-ratelimit-remaining-requests"]) == ("1", "0")


def test_head_is_answered_without_a_body(proxy, row):
    """Or the next response on the connection begins with it."""
    with httpx.Client() as client:
        for id_ in ("head-1", "head-2"):
            struck = client.head(proxy.url + "/api/chat", headers={"x-request-id": id_, "x-fault": "503"})
            control = client.head(proxy.url + "/__headwind__/faults")
            assert (struck.status_code, int(struck.headers["content-length"]) > 50, control.status_code) == (503, True, 405)
            assert row(id_)["bytes"] == 0


def test_a_status_comes_with_its_words(proxy):
    with socket.create_connection(("127.0.0.1", proxy.port)) as app:
        app.sendall(b"POST /api/chat HTTP/1.1\r\nHost: h\r\nX-Fault: 429\r\nContent-Length: 0\r\n\r\n")
        assert app.makefile("rb").readline() == b"HTTP/1.1 429 Too Many Requests\r\n"


def test_422_on_the_first_attempt_only(proxy, get):
    async def attempts(client):
        return [await get(client, proxy.url + "/api/chat", "422", "422", x_attempt=n) for n in (1, 2)]

    first, second = on_the_wire(attempts)
    assert (first.status, json.loads(first.body), second.status) == (422, {"error": "no"}, 200)


@pytest.mark.parametrize(("fault", "error"), [("drop", httpx.RemoteProtocolError), ("drop-reset", httpx.ReadError)])
def test_a_drop_breaks_before_headers(proxy, get, row, seen, fault, error):
    got = call_and_next(proxy, get, fault, fault)

    assert got.status == 0 and type(got.error) is error
    told = row(fault)
    assert (told["status"], told["bytes"], [one["kind"] for one in told["struck"]]) == (0, 0, ["drop"])
    assert seen(fault) is None


def test_latency_waits_before_the_call_is_passed_on(proxy, get, row):
    got = call_and_next(proxy, get, "latency", "latency")

    assert 0.4 < got.arrivals[0][0] < 0.8 and len(got.messages) == 10
    assert row("latency")["struck"][0]["params"] == {"seconds": 0.4}


def test_an_app_that_leaves_endless_latency_is_noticed(proxy, get, row):
    got = on_the_wire(lambda client: get(client, proxy.url + "/api/chat", "gone", "endless-latency"), timeout=0.3)

    assert isinstance(got.error, httpx.ReadTimeout)
    told = row("gone")
    assert (told["status"], told["struck"][0]["params"]) == (0, {"seconds": "inf"})
    assert told["finished_s"] - told["started_s"] < 1


def test_the_same_key_meets_the_same_fate(proxy, get, row):
    """Twice, and in any order; calls at once do not matter."""
    keys = [f"p01-{n:06d}" for n in range(40)]

    async def fates(client, attempt, order):
        headers = {"x_attempt": attempt, "x_gap_s": 0.001}
        gots = await asyncio.gather(*[get(client, proxy.url + "/api/chat", key, "maybe", **headers) for key in order])
        return {key: (len(got.messages), type(got.error)) for key, got in zip(order, gots, strict=True)}

    async def thrice(client):
        return [await fates(client, 1, keys), await fates(client, 1, keys[::-1]), await fates(client, 2, keys)]

    once, backwards, retried = on_the_wire(thrice)
    assert once == backwards
    assert once != retried
    assert 8 <= sum(error is not type(None) for _, error in once.values()) <= 32
    assert {count for count, _ in once.values()} == {3, 4, 5, 6, 7, 10}


def test_a_row_holds_what_was_agreed(proxy, get, row):
    begin = time.monotonic()
    on_the_wire(lambda client: get(client, proxy.url + "/api/chat?x=1", "fields", "cut-3-reset", x_attempt=4))

    told = row("fields")
    assert told.keys() == asdict(CallRow("", 1, "", "", 0, 0, 0, 0)).keys()
    assert (told["attempt"], told["path"], told["model"], told["planned"]) == (4, "/api/chat", "m", ["cut 3 true"])
    assert begin < told["started_s"] < told["struck"][0]["at_s"] < told["finished_s"] < time.monotonic()
    assert told["struck"][0].keys() == {"fault", "kind", "at_s", "message", "byte", "params"}


def test_attempts_are_counted_where_nobody_tells_them(proxy, rows_file):
    """By the OpenAI SDK's header, else by id; a call without an id is known by its body."""
    for headers in ({"x-stainless-retry-count": "2"}, {}, {}):
        httpx.post(proxy.url + "/api/generate", content=b'{"model": "mm"}', headers=headers).raise_for_status()

    rows = [json.loads(line) for line in rows_file.read_text().splitlines()]
    mine = [one for one in rows if one["path"] == "/api/generate"]
    assert [one["attempt"] for one in mine] == [3, 1, 2]
    assert len({one["request_id"] for one in mine}) == 1 and mine[0]["request_id"].startswith("body-")


def test_a_call_that_is_refused_as_smuggling_has_its_row(proxy, row):
    """mitmproxy answers it before any hook knows its body."""
    id_, bad = "bad", "content-length: 1\r\ntransfer-encoding: chunked"
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as app:
        app.sendall(f"POST /api/chat HTTP/1.1\r\nhost: x\r\nx-request-id: {id_}\r\n{bad}\r\n\r\n".encode())
        assert b"400 Bad Request" in app.recv(65536)

    assert row(id_)["status"] == 400


def test_an_app_that_leaves_in_the_middle_of_its_call_has_its_row(proxy, row):
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as app:
        app.sendall(b"POST /api/chat HTTP/1.1\r\nhost: x\r\nx-request-id: half\r\ncontent-length: 10\r\n\r\nhal")

    assert row("half")["status"] == 0


def test_windows_count_from_the_first_call_that_asks(start, upstream, tmp_path):
    """Arms start their stacks at different speeds: the load's own clock must decide, not the proxy's."""
    plan, rows = tmp_path / "window.toml", tmp_path / "calls.jsonl"
    plan.write_text('[[fault]]\nname = "early"\nkind = "answer"\nstatus = 503\nduring = [0, 0.5]\n')
    proxy = start("faults", "--upstream", upstream.url, "--plan", plan, "--rows", rows)
    httpx.get(proxy.url + "/api/version")
    until_s = time.monotonic() + 0.8
    while time.monotonic() < until_s:
        httpx.get(proxy.url + "/api/version")

    asked = httpx.post(proxy.url + "/api/chat", json={"model": "m"}).status_code
    while (later := httpx.post(proxy.url + "/api/chat", json={"model": "m"}).status_code) == 503:
        assert time.monotonic() < until_s + 5

    assert (asked, later) == (503, 200)
