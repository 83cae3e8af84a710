"""The same plan through real mitmdump and under httpx clients, against one provider: the same bytes, the same end."""

import asyncio
import json
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from faults.actions import name_of, state_of
from faults.kinds import KINDS
from faults.reading import read_plan
from faults.transport import AsyncTransport, Transport
from faults.weather import Weather
from records.jsonl import RowFile, read_rows
from tests.faults.provider import Answer, Provider

GALLERY = Path("faults/plans/gallery.toml").resolve()
PLAN = read_plan(GALLERY)
FAULTS = {fault.name: fault for fault in PLAN.faults}
ROUTES = {"ollama": "/api/chat", "openai": "/v1/chat/completions"}
REQUESTS = {"text": {}, "tools": {"tools": [{"type": "function", "function": {"name": "weather"}}]}, "json": {"stream": False}}
PATIENCE_S = 3.0
"""Of the client with silence; longer than any pause of the gallery that has an end."""
WATCHED_S = 3.5
"""How long something that goes on for ever is looked at."""
AT_ONCE = 30
TIMEOUT = httpx.Timeout(30, read=PATIENCE_S)
NUMBERS = re.compile(rb"\d+(\.\d+)?")


@dataclass
class Seen:
    """What the client saw of a call."""

    status: int = 0
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    end: str = "clean"
    """Or the exception's class, or "goes on"."""


def refuses(fault):
    """It breaks every other call too, so it is played when there is none."""
    return "Refuse" in fault.kind.__code__.co_names


def remembers(name):
    """What its calls meet depends on those before, and on the moment."""
    return "shared" in state_of(FAULTS[name].kind)


def cases():
    for name in FAULTS:
        for route in ROUTES:
            for request in REQUESTS:
                yield name, route, request


def key(name, route, request):
    return f"{name}-{route}-{request}"


def asked(name, route, request):
    told = {"model": key(name, route, request), "messages": [{"role": "user", "content": "Wörter?"}], **REQUESTS[request]}
    headers = {"x-request-id": key(name, route, request), "x-fault": name, "accept-encoding": "gzip"}
    return {"method": "POST", "url": ROUTES[route], "headers": headers, "json": told}


def head(seen, response):
    seen.status = response.status_code
    seen.headers = tuple(sorted((name.lower(), value) for name, value in response.headers.raw))


class Watch:
    """Keeps what arrives; whoever still talks after so long goes on for ever, whoever is silent meets the client's timeout."""

    def __init__(self):
        self.seen, self.until_s = Seen(), None

    def leaves(self, data):
        self.seen.body += data
        self.until_s = self.until_s or time.monotonic() + WATCHED_S
        if time.monotonic() > self.until_s:
            self.seen.end = "goes on"
        return self.seen.end == "goes on"


async def call(client, case):
    watch = Watch()
    try:
        async with client.stream(**asked(*case)) as response:
            head(watch.seen, response)
            async for data in response.aiter_raw():
                if watch.leaves(data):
                    break
    except httpx.HTTPError as error:
        watch.seen.end = type(error).__name__
    return watch.seen


def call_without_a_loop(client, case):
    watch = Watch()
    try:
        with client.stream(**asked(*case)) as response:
            head(watch.seen, response)
            for data in response.iter_raw():
                if watch.leaves(data):
                    break
    except httpx.HTTPError as error:
        watch.seen.end = type(error).__name__
    return watch.seen


async def all_of(ask):
    """All faults at once; the calls of one that remembers one after the other; those that break all others at the end."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(case):
        async with places:
            return case, await ask(case)

    async def one_by_one(mine):
        return [await one(case) for case in mine]

    groups = {name: [case for case in cases() if case[0] == name] for name in FAULTS if not refuses(FAULTS[name])}
    queues = [queue for name, mine in groups.items() for queue in ([mine] if remembers(name) else [[case] for case in mine])]
    found = {}
    for played in await asyncio.gather(*[one_by_one(queue) for queue in queues]):
        found.update(played)
    for case in [case for case in cases() if refuses(FAULTS[case[0]])]:
        found[case] = await ask(case)
        found["refused", *case] = await ask(case)
        async with asyncio.timeout(10):
            while (await ask(("none", *case[1:]))).end == "ConnectError":
                await asyncio.sleep(0.02)
    return found


@dataclass
class Carrier:
    """What clients saw by it, and its rows by request id."""

    seen: dict
    rows: dict


LIMITS = httpx.Limits(max_connections=300)


async def through_mitmdump(url, rows):
    async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT, limits=LIMITS) as client:
        seen = await all_of(lambda case: call(client, case))
    deadline = time.monotonic() + 10
    while True:
        told = by_id([json.loads(line) for line in rows.read_text().splitlines()])
        if not (missing := {key(*case) for case in cases()} - told.keys()):
            return Carrier(seen, told)
        assert time.monotonic() < deadline, f"no row of {missing}"
        await asyncio.sleep(0.05)


async def under_an_async_client(url):
    weather = Weather(read_plan(GALLERY))
    transport = AsyncTransport(weather, httpx.AsyncHTTPTransport(limits=LIMITS))
    async with httpx.AsyncClient(transport=transport, base_url=url, timeout=TIMEOUT) as client:
        seen = await all_of(lambda case: call(client, case))
    return Carrier(seen, by_id(weather.rows))


async def under_a_client(url):
    weather, loop = Weather(read_plan(GALLERY)), asyncio.get_running_loop()
    with (
        ThreadPoolExecutor(AT_ONCE) as threads,
        httpx.Client(transport=Transport(weather), base_url=url, timeout=TIMEOUT) as client,
    ):
        seen = await all_of(lambda case: loop.run_in_executor(threads, call_without_a_loop, client, case))
    return Carrier(seen, by_id(weather.rows))


def by_id(rows):
    return {row["request_id"]: row for row in rows if not row["request_id"].startswith("none")}


@pytest.fixture(scope="module")
def carriers(run, tmp_path_factory):
    """mitmdump, an async client, a blocking one: each has played all of the gallery."""
    rows = tmp_path_factory.mktemp("both") / "calls.jsonl"

    async def play():
        async with Provider() as provider:
            command = ("-m", "faults", "--upstream", provider.url, "--plan", GALLERY, "--rows", rows)
            proxy = await asyncio.to_thread(run, sys.executable, *command)
            proxied, *clients = await asyncio.gather(
                through_mitmdump(proxy.url, rows), under_an_async_client(provider.url), under_a_client(provider.url)
            )
            return proxied, dict(zip(("async", "blocking"), clients, strict=True))

    return asyncio.run(play())


def test_every_kind_is_in_the_gallery():
    assert {name_of(fault.kind) for fault in PLAN.faults} == {name_of(kind) for kind in KINDS}


@pytest.mark.parametrize("client", ["async", "blocking"])
@pytest.mark.parametrize("name", FAULTS)
def test_both_carriers_deliver_the_same(carriers, name, client):
    """Status, headers, bytes and end of every call, and its row but for the times."""
    proxied, clients = carriers
    mine = [case for case in proxied.seen if name in case]
    assert len(mine) == 6 * (1 + refuses(FAULTS[name]))
    for case in mine:
        one, other = proxied.seen[case], clients[client].seen[case]
        assert comparable(one, name) == comparable(other, name), case
        if one.end == "goes on":
            assert one.body.startswith(other.body) or other.body.startswith(one.body), case


@pytest.mark.parametrize("client", ["async", "blocking"])
@pytest.mark.parametrize("name", FAULTS)
def test_both_carriers_tell_the_same(carriers, name, client):
    """The rows, but for the times; and somewhere the fault struck."""
    proxied, clients = carriers
    ids = {key(*case): proxied.seen[case] for case in cases() if case[0] == name}
    for id_, seen in ids.items():
        exact = seen.end != "goes on" and not remembers(name)
        assert timeless(proxied.rows[id_], exact) == timeless(clients[client].rows[id_], exact)
    assert [id_ for id_ in ids if [struck["fault"] for struck in proxied.rows[id_]["struck"]] == [name]]
    assert not [struck for id_ in ids for struck in proxied.rows[id_]["struck"] if "bug" in struck]


def comparable(seen, name):
    """Nobody can cut what goes on for ever at the same byte, and what remembers tells times."""
    body, headers = seen.body, seen.headers
    if remembers(name):
        body = NUMBERS.sub(b"#", body)
        headers = [(key, NUMBERS.sub(b"#", value)) for key, value in headers if key != b"content-length"]
    return seen.status, seen.end, list(headers), b"" if seen.end == "goes on" else body


def timeless(row, exact):
    struck = [{**one, "at_s": 0} for one in row["struck"]]
    return {**row, "started_s": 0, "finished_s": 0, "struck": struck, "bytes": row["bytes"] if exact else 0}


BYTES = bytes(range(256)) * 40_000
"""10 MB, and no text in any encoding."""
NO_TEXT = b"caf\xe9 \xff\xfe"
UNTOUCHED = """
[[fault]]
name = "beyond the end"
kind = "cut"
at = 1_000_000
headers = { x-fault = "planned" }
"""


def no_text(path, body):
    """Lines that are no text either, and a header."""
    return Answer(
        b"application/x-ndjson", [b"%d: " % n + NO_TEXT + b"\n" for n in range(5)] + [body], headers=[(b"x-raw", NO_TEXT)]
    )


@pytest.mark.parametrize("carrier", ["mitmdump", "async", "blocking"])
def test_ten_megabytes_and_what_is_no_text_pass_byte_by_byte(run, tmp_path, carrier):
    """Body and headers, both ways, whether or not a script listens; the row can be read all the same."""
    plan, rows = tmp_path / "untouched.toml", tmp_path / "calls.jsonl"
    plan.write_text(UNTOUCHED)
    weather = Weather(read_plan(plan), RowFile(rows))

    async def calls():
        async with Provider(no_text) as provider:
            url = provider.url
            client = httpx.AsyncClient(transport=AsyncTransport(weather), timeout=30)
            if carrier == "mitmdump":
                command = ("-m", "faults", "--upstream", provider.url, "--plan", plan, "--rows", rows)
                url, client = (await asyncio.to_thread(run, sys.executable, *command)).url, httpx.AsyncClient(timeout=30)
            async with client:
                for fault in (b"none", b"planned"):
                    headers = [(b"x-request-id", b"id-" + NO_TEXT), (b"x-raw", NO_TEXT), (b"x-fault", fault)]
                    told = {"content": BYTES, "headers": headers}
                    if carrier == "blocking":
                        blocking = httpx.Client(transport=Transport(weather), timeout=30)
                        yield await asyncio.to_thread(blocking.post, url + "/api/chat", **told), provider.asked[-1]
                    else:
                        yield await client.post(url + "/api/chat", **told), provider.asked[-1]

    async def both():
        return [one async for one in calls()]

    for response, (head, body) in asyncio.run(both()):
        assert body == BYTES and b"x-raw: " + NO_TEXT + b"\r\n" in head
        assert response.content == b"".join(no_text("", BYTES).pieces)
        assert (b"x-raw", NO_TEXT) in [(name.lower(), value) for name, value in response.headers.raw]
    told = read_rows(rows)
    assert [(row["request_id"], row["missed"]) for row in told.rows] == [
        ("id-caf\\xe9 \\xff\\xfe", missed) for missed in ([], ["beyond the end"])
    ]
