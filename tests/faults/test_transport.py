"""The plan under httpx clients: in virtual time beside a provider in this process, in real time over a network."""

import asyncio
import gc
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from math import inf

import httpx
import pytest

from faults.actions import Finish, Occupy, Refuse, Reply, Sever
from faults.kinds.answer import answer
from faults.kinds.cold_load import cold_load
from faults.kinds.hang import hang
from faults.kinds.latency import latency
from faults.kinds.stall import stall
from faults.places import Places
from faults.plan import Fault, Plan
from faults.transport import AsyncTransport, Transport
from faults.weather import Weather
from records.jsonl import RowFile, read_rows
from records.rows import CallRow
from tests.faults.virtual import run_virtually


class Paced(httpx.AsyncBaseTransport):
    """A provider in this process, which answers with pieces at their times and honours the client's read timeout."""

    def __init__(self, *pieces, first_s=0.0, gap_s=0.0, headers=None):
        self.pieces, self.first_s, self.gap_s = pieces, first_s, gap_s
        self.headers = headers or {"content-type": "application/x-ndjson"}
        self.closed = 0
        self.asked = []

    async def handle_async_request(self, request):
        self.asked.append(request)
        await self.silence(self.first_s, request.extensions["timeout"]["read"])
        return httpx.Response(200, headers=self.headers, stream=_Pieces(self, request.extensions["timeout"]["read"]))

    async def silence(self, seconds, read_s):
        await asyncio.sleep(seconds if read_s is None else min(seconds, read_s))
        if read_s is not None and seconds > read_s:
            raise httpx.ReadTimeout("the provider's own")


class _Pieces(httpx.AsyncByteStream):
    def __init__(self, of, read_s):
        self.of, self.read_s = of, read_s

    async def __aiter__(self):
        for piece in self.of.pieces:
            await self.of.silence(self.of.gap_s, self.read_s)
            yield piece

    async def aclose(self):
        self.of.closed += 1


LINES = [b'{"n": %d}\n' % n for n in range(5)]


def virtually(fault, inner, read_s=None, timeout=None):
    """What a client got of one call under this fault: body, error, virtual seconds; and the weather."""
    weather = Weather(Plan((fault,)) if isinstance(fault, Fault) else Plan(tuple(fault)))

    async def call():
        body, loop = b"", asyncio.get_running_loop()
        async with httpx.AsyncClient(
            transport=AsyncTransport(weather, inner), timeout=httpx.Timeout(None, read=read_s)
        ) as client:
            began_s = loop.time()
            try:
                async with asyncio.timeout(timeout), client.stream("POST", "http://m/api/chat", json={}) as response:
                    async for data in response.aiter_raw():
                        body += data
            except (httpx.HTTPError, TimeoutError) as error:
                return body, error, loop.time() - began_s
            return body, None, loop.time() - began_s

    (body, error, took_s), _ = run_virtually(call())
    return body, error, pytest.approx(took_s), weather


def test_a_fault_takes_virtual_time_on_a_virtual_loop():
    """An hour of silence, at once; the row is in the loop's time."""
    began_s = time.monotonic()
    body, error, took_s, weather = virtually(Fault(stall, {"at": 2, "seconds": 3600.0}), Paced(*LINES, gap_s=1))

    assert (body, error, took_s) == (b"".join(LINES), None, 3605)
    assert time.monotonic() - began_s < 2
    (row,) = weather.rows
    assert row.keys() == asdict(CallRow("", 1, "", "", 0, 0, 0, 0)).keys()
    assert (row["started_s"], row["finished_s"]) == (1000, 4605)
    assert row["struck"][0]["at_s"] == 1003 and row["bytes"] == len(body)


@pytest.mark.parametrize(
    ("fault", "provider", "messages", "took_s"),
    [
        (Fault(latency, {"seconds": 6.0}), Paced(*LINES), 0, 5),
        (Fault(latency, {"seconds": 3.0}), Paced(*LINES, first_s=3), 0, 5),
        (Fault(latency, {"seconds": 3.0}), Paced(*LINES, first_s=1.5, gap_s=4), 5, 24.5),
        (Fault(hang, {"seconds": inf}), Paced(*LINES, first_s=2), 0, 5),
        (Fault(hang, {"seconds": 2.0}), Paced(*LINES, first_s=2, gap_s=1), 5, 9),
        (Fault(stall, {"at": 2, "seconds": inf}), Paced(*LINES, gap_s=1), 2, 2 + 5),
        (Fault(stall, {"at": 2, "seconds": 3.9}), Paced(*LINES, gap_s=1), 5, 5 + 3.9),
        (Fault(stall, {"at": 2, "seconds": 4.1}), Paced(*LINES, gap_s=1), 2, 2 + 5),
    ],
)
def test_silence_beyond_the_clients_read_timeout_is_its_read_timeout(fault, provider, messages, took_s):
    """However much of the silence is the fault's and how much the provider's; a word in between, and it counts anew."""
    body, error, took, weather = virtually(fault, provider, read_s=5)

    assert (body, took) == (b"".join(LINES[:messages]), took_s)
    assert type(error) is (type(None) if messages == 5 else httpx.ReadTimeout)
    assert not weather.open and len(weather.rows) == 1
    assert provider.closed == bool(provider.asked) or not messages


def test_what_a_fault_withholds_is_silence_too():
    """Half a message arrives every 2 s: nothing a client would see."""
    halves = [line[:3] for line in LINES], [line[3:] for line in LINES]
    provider = Paced(*[half for both in zip(*halves, strict=True) for half in both], gap_s=2)

    body, error, took_s, _ = virtually(Fault(stall, {"at": 9}), provider, read_s=3)

    assert (body, type(error), took_s) == (b"", httpx.ReadTimeout, 3)


def test_a_fault_ends_with_its_call_though_the_error_is_remembered():
    """As a retry does: who leaves while a model loads ends that, and the next call loads it anew."""
    weather = Weather(Plan((Fault(cold_load, {"seconds": 10.0}),)))

    async def calls():
        async with httpx.AsyncClient(transport=AsyncTransport(weather, Paced(*LINES)), base_url="http://m") as client:
            with pytest.raises(httpx.ReadTimeout) as remembered:
                await client.post("/api/chat", timeout=4)
            await client.post("/api/chat", timeout=None)
            return remembered

    assert run_virtually(calls())[1] == 14


def test_rows_go_by_a_clock_that_is_given():
    """Waiting does not."""
    weather = Weather(Plan((Fault(stall, {"at": 2, "seconds": 3.0}),)), clock=lambda: 7.0)

    async def call():
        async with httpx.AsyncClient(transport=AsyncTransport(weather, Paced(*LINES))) as client:
            return (await client.post("http://m/api/chat")).content

    assert run_virtually(call()) == (b"".join(LINES), pytest.approx(3))
    assert (weather.rows[0]["started_s"], weather.rows[0]["finished_s"]) == (7, 7)


def test_without_a_timeout_for_ever_is_for_ever():
    with pytest.raises(RuntimeError, match="for ever"):
        virtually(Fault(stall, {"at": 2}), Paced(*LINES))


def test_an_app_that_cancels_leaves_nothing_open():
    """In a stall as in latency: the provider is left, the row written."""
    for fault, messages in ((Fault(stall, {"at": 2}), 2), (Fault(latency, {"seconds": inf}), 0)):
        provider = Paced(*LINES)
        body, error, took_s, weather = virtually(fault, provider, timeout=7)
        assert (len(body.splitlines()), type(error), took_s) == (messages, TimeoutError, 7)
        assert not weather.open and [one["fault"] for one in weather.rows[0]["struck"]] == [fault.name]
        assert provider.closed >= len(provider.asked)


def test_a_call_that_meets_no_fault_passes_as_it_is():
    """Even compressed; one that does is asked for in plain text, and its length is open."""
    headers = {"content-type": "application/x-ndjson", "content-length": "45", "x-bytes": b"\xff\xfe"}
    plain, faulted = Paced(*LINES, headers=headers), Paced(*LINES, headers=headers)

    async def call(transport):
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.post("http://m/api/chat", json={}, headers={"accept-encoding": "gzip", "X-Case": "Kept"})

    untouched = run_virtually(call(AsyncTransport(Plan(), plain)))[0]
    touched = run_virtually(call(AsyncTransport(Plan((Fault(stall, {"at": 9}),)), faulted)))[0]

    assert (plain.asked[0].headers["accept-encoding"], faulted.asked[0].headers["accept-encoding"]) == ("gzip", "identity")
    assert plain.asked[0].headers["x-case"] == faulted.asked[0].headers["x-case"]
    assert untouched.content == touched.content == b"".join(LINES)
    assert untouched.headers.raw == httpx.Headers(headers).raw
    assert "content-length" not in touched.headers and touched.headers["transfer-encoding"] == "chunked"
    assert (b"x-bytes", b"\xff\xfe") in touched.headers.raw


def test_head_is_answered_without_a_body():
    weather = Weather(Plan((Fault(answer, {"status": 503}),)))

    async def calls():
        async with httpx.AsyncClient(transport=AsyncTransport(weather, Paced()), base_url="http://m") as client:
            return await client.head("/api/chat")

    got = run_virtually(calls())[0]
    assert (got.content, int(got.headers["content-length"]) > 50, weather.rows[0]["bytes"]) == (b"", True, 0)


def test_windows_count_from_the_first_call_that_asks_and_attempts_by_id():
    early = Fault(lambda request: iter([Reply(503, {}, b"")]), name="early", during_s=(0, 10))
    weather = Weather(Plan((early,)))

    async def calls():
        async with httpx.AsyncClient(transport=AsyncTransport(weather, Paced(*LINES)), base_url="http://m") as client:
            await client.get("/api/tags")
            await client.head("/")
            await asyncio.sleep(60)
            first = await client.post("/api/chat", headers={"x-request-id": "one"})
            await asyncio.sleep(9)
            second = await client.post("/api/chat?again", headers={"x-request-id": "one"})
            await asyncio.sleep(2)
            third = await client.post("/api/chat", headers={"x-request-id": "one", "x-attempt": "7"})
            return [one.status_code for one in (first, second, third)]

    assert run_virtually(calls())[0] == [503, 503, 200]
    told = [(row["request_id"], row["attempt"], row["path"], row["planned"]) for row in weather.rows[2:]]
    assert told == [("one", 1, "/api/chat", ["early"]), ("one", 2, "/api/chat", ["early"]), ("one", 7, "/api/chat", [])]


def test_a_fault_that_raises_severs_and_says_where():
    def broken(message):
        yield message.data[1 // (2 - message.index) :]

    _, error, _, weather = virtually(Fault(broken), Paced(*LINES))

    assert isinstance(error, httpx.RemoteProtocolError)
    (struck,) = weather.struck("broken")[-1:]
    assert "ZeroDivisionError" in struck["bug"] and "test_transport.py:" in struck["bug"]


def test_who_asks_for_a_fault_that_is_not_planned_is_told():
    with pytest.raises(ValueError, match='"stal" is not a fault'):
        Weather(Plan((Fault(stall),))).struck("stal")


@pytest.mark.parametrize("how", ["read", "closed", "cancelled", "severed", "abandoned"])
def test_a_place_is_given_back_however_the_call_ends(how):
    """And who waited for it gets it."""
    places = Places(1)

    def crowded(request):
        yield Occupy(places)

    def severed(message):
        yield Sever() if message.index == 2 and how == "severed" and message.request.id == "first" else message.data

    weather = Weather(Plan((Fault(crowded), Fault(severed))))

    async def second(client):
        response = await client.post("http://m/api/chat", headers={"x-request-id": "second"})
        return response.text, asyncio.get_running_loop().time()

    async def two():
        async with httpx.AsyncClient(transport=AsyncTransport(weather, Paced(*LINES, gap_s=1)), timeout=None) as client:
            ask = client.build_request("POST", "http://m/api/chat", headers={"x-request-id": "first"})
            first = await client.send(ask, stream=True)
            waiting = asyncio.create_task(second(client))
            await asyncio.sleep(0.5)
            assert (places.free, places.waiting) == (0, 1)
            if how == "read":
                await first.aread()
            elif how == "closed":
                await first.aclose()
            elif how == "severed":
                with pytest.raises(httpx.RemoteProtocolError):
                    await first.aread()
            elif how == "cancelled":
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(2):
                        await first.aread()
                await first.aclose()
            else:
                del first, ask
                gc.collect()
            return await waiting

    (text, at_s), _ = run_virtually(two())
    assert text == b"".join(LINES).decode()
    assert (places.free, places.waiting, len(weather.open)) == (1, 0, 0)
    assert [row["request_id"] for row in weather.rows] == ["first", "second"]
    assert at_s == pytest.approx({"read": 1010.5, "severed": 1008.5, "cancelled": 1007.5}.get(how, 1005.5))
    assert [one["fault"] for one in weather.rows[1]["struck"]] == ["crowded"]


def test_who_waits_too_long_for_a_place_leaves_the_queue():
    places = Places(0)

    def crowded(request):
        yield Occupy(places)

    _, error, took_s, _ = virtually(Fault(crowded), Paced(*LINES), read_s=4)

    assert (type(error), took_s, places.waiting) == (httpx.ReadTimeout, 4, 0)


def refuse(request, seconds):
    yield Refuse(seconds)


def test_a_refusal_breaks_every_call_and_lets_nobody_in_until_it_is_over():
    provider = Paced(*LINES, first_s=1, gap_s=1)
    weather = Weather(
        Plan(
            (
                Fault(refuse, {"seconds": 10.0}, name="down", headers={"x-fault": "down"}),
                Fault(latency, {"seconds": inf}, name="late", headers={"x-fault": "late"}),
            )
        )
    )

    async def ask(client, id_, fault="", after_s=0.0):
        await asyncio.sleep(after_s)
        loop = asyncio.get_running_loop()
        try:
            response = await client.post("http://m/api/chat", headers={"x-request-id": id_, "x-fault": fault})
            return response.status_code, loop.time()
        except httpx.HTTPError as error:
            return type(error), loop.time()

    async def crash():
        async with httpx.AsyncClient(transport=AsyncTransport(weather, provider), timeout=None) as client:
            return await asyncio.gather(
                ask(client, "streaming"),
                ask(client, "waiting", "late"),
                ask(client, "asking", after_s=3),
                ask(client, "down", "down", after_s=3.5),
                ask(client, "refused", after_s=13.4),
                ask(client, "back", after_s=13.6),
            )

    ends, _ = run_virtually(crash())
    reset = (httpx.ReadError, pytest.approx(1003.5))
    assert ends[:4] == [reset] * 4
    assert ends[4:] == [(httpx.ConnectError, pytest.approx(1013.4)), (200, pytest.approx(1019.6))]
    said = {row["request_id"]: [one["fault"] for one in row["struck"]] for row in weather.rows}
    assert said == {"streaming": ["down"], "asking": ["down"], "waiting": ["late", "down"], "down": ["down"], "back": []}
    assert {row["request_id"]: row["bytes"] for row in weather.rows}["streaming"] == 2 * len(LINES[0])


# In real time, over a network


@pytest.fixture
def client(upstream):
    """client(plan, read timeout): a blocking client, and its weather."""
    clients = []

    def make(*faults, read_s=5.0, file=None):
        weather = Weather(Plan(faults), file)
        clients.append(httpx.Client(transport=Transport(weather), base_url=upstream.url, timeout=httpx.Timeout(5, read=read_s)))
        return clients[-1], weather

    yield make
    for one in clients:
        one.close()


@pytest.mark.parametrize(
    ("fault", "messages"),
    [
        (Fault(latency, {"seconds": 20.0}), 0),
        (Fault(hang, {"seconds": 20.0}), 0),
        (Fault(stall, {"at": 3, "seconds": 20.0}), 3),
    ],
)
def test_a_blocking_client_keeps_its_read_timeout(client, fault, messages, seen):
    app, weather = client(fault, read_s=0.4)
    body, id_ = b"", f"blocking-{fault.name}"

    began_s = time.monotonic()
    headers = {"x-request-id": id_, "x-n": "200", "x-gap-s": "0.02"}
    with pytest.raises(httpx.ReadTimeout), app.stream("POST", "/api/chat", headers=headers) as response:
        for data in response.iter_raw():
            body += data
    took_s = time.monotonic() - began_s

    assert body.count(b"\n") == messages
    assert 0.4 < took_s < 2
    assert [one["fault"] for one in weather.rows[0]["struck"]] == [fault.name]
    deadline = time.monotonic() + 5
    while messages and not seen(id_)["left"]:
        assert time.monotonic() < deadline, "the provider is hung up on"


def test_a_blocking_client_adds_the_faults_silence_to_the_providers(client):
    """As long as it waits for the first word; then each silence counts anew."""
    app, _ = client(Fault(latency, {"seconds": 0.5}), read_s=1.0)

    began_s = time.monotonic()
    with pytest.raises(httpx.ReadTimeout):
        app.post("/api/chat", headers={"x-first-s": "0.8"})
    assert time.monotonic() - began_s > 0.95
    assert app.post("/api/chat", headers={"x-n": "2", "x-gap-s": "0.7"}).text.count("\n") == 2


def test_the_next_call_on_a_client_is_whole(client, upstream):
    """After a cut, and after an end that came too early; the provider's connection is not taken for a free one."""

    def early(message):
        yield Finish() if message.index == 3 else message.data

    def cut(message):
        yield Sever(reset=True) if message.index == 3 else message.data

    app, _ = client(Fault(early, headers={"x-fault": "early"}), Fault(cut, headers={"x-fault": "cut"}))
    for _ in range(20):
        assert app.post("/api/chat", headers={"x-fault": "early", "x-n": "50"}).text.count("\n") == 3
        with pytest.raises(httpx.ReadError):
            app.post("/api/chat", headers={"x-fault": "cut", "x-n": "50"})
        assert app.post("/api/chat").text.count("\n") == 10


def test_threads_share_places_and_memory(client):
    """Forty threads: never more than three inside, and each counted once."""
    places, inside, most = Places(3), [], []

    def crowded(request):
        yield Occupy(places)
        inside.append(1)
        most.append(len(inside))

    def leaving(message):
        if message.last:
            inside.pop()
        yield message.data

    def counting(request, shared: list):
        before = len(shared)
        time.sleep(0.0005)  # a thread that came between would be seen
        shared.append(before)
        yield {"x-count": str(before)}

    app, weather = client(Fault(crowded), Fault(leaving), Fault(counting), read_s=20.0)
    with ThreadPoolExecutor(40) as threads:
        told = list(
            threads.map(lambda n: app.post("/api/chat", headers={"x-n": "2", "x-request-id": f"{n}"}).headers, range(40))
        )

    assert sorted(int(headers["x-count"]) for headers in told) == list(range(40))
    assert max(most) == 3 and (places.free, places.waiting) == (3, 0)
    assert len(weather.rows) == 40 and not weather.open


def test_a_refusal_wakes_threads_that_wait(client):
    app, weather = client(
        Fault(latency, {"seconds": 30.0}, headers={"x-fault": "late"}),
        Fault(refuse, {"seconds": 0.3}, headers={"x-fault": "down"}),
        read_s=40.0,
    )

    def ask(fault):
        try:
            return app.post("/api/chat", headers={"x-fault": fault}).status_code
        except httpx.HTTPError as error:
            return type(error)

    with ThreadPoolExecutor(4) as threads:
        late = [threads.submit(ask, "late") for _ in range(3)]
        deadline = time.monotonic() + 5
        while len(weather.struck("latency")) < 3:
            assert time.monotonic() < deadline
        assert (ask("down"), ask("")) == (httpx.ReadError, httpx.ConnectError)
        assert [one.result(5) for one in late] == [httpx.ReadError] * 3
    while ask("") is httpx.ConnectError:
        assert time.monotonic() < deadline + 5
    assert ask("") == 200


def test_a_dropped_response_of_a_blocking_client_gives_its_place_back(client):
    places = Places(1)

    def crowded(request):
        yield Occupy(places)

    app, weather = client(Fault(crowded))
    response = app.send(app.build_request("POST", "/api/chat", headers={"x-n": "50", "x-gap-s": "0.01"}), stream=True)
    assert next(response.iter_raw()) and places.free == 0
    del response
    gc.collect()
    assert places.free == 1 and len(weather.rows) == 1


def test_rows_go_to_a_file_as_well(client, tmp_path):
    app, weather = client(Fault(latency, {"seconds": inf}, share=0), file=RowFile(tmp_path / "calls.jsonl"))
    app.post("/api/chat", json={"model": "mm"})

    told = read_rows(tmp_path / "calls.jsonl")
    assert not told.problems and told.rows == json.loads(json.dumps(weather.rows))
    assert (told.rows[0]["model"], told.rows[0]["status"]) == ("mm", 200)


def test_a_provider_that_is_not_there_is_the_clients_own_error(client):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    app, weather = client(Fault(stall))

    with pytest.raises(httpx.ConnectError):
        app.post(f"http://127.0.0.1:{port}/api/chat")
    assert (weather.rows[0]["status"], weather.rows[0]["missed"]) == (0, ["stall"])


def test_two_hundred_calls_that_leave_leave_nothing_behind(upstream):
    """Tasks, threads, places, open calls: as many as before."""
    places = Places(1)

    def crowded(request):
        yield Occupy(places)

    faults = [Fault(crowded), Fault(latency, {"seconds": inf}), Fault(stall, {"at": 2})]
    weather = Weather(Plan(tuple(Fault(one.kind, one.params, headers={"x-fault": one.name}) for one in faults)))

    async def leave():
        transport = AsyncTransport(weather, httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=200)))
        async with httpx.AsyncClient(transport=transport, base_url=upstream.url, timeout=httpx.Timeout(30, read=0.5)) as client:
            headers = [{"x-fault": faults[n % 3].name, "x-first-s": "9" if n % 3 == 0 else "0"} for n in range(200)]
            ends = await asyncio.gather(*[client.post("/api/chat", headers=one) for one in headers], return_exceptions=True)
            await asyncio.sleep(0)
            return ends, len(asyncio.all_tasks())

    threads = threading.active_count()
    ends, tasks = asyncio.run(leave())
    assert {type(end) for end in ends} == {httpx.ReadTimeout}
    assert (tasks, threading.active_count()) == (1, threads)
    assert (places.free, places.waiting, len(weather.open), len(weather.rows)) == (1, 0, 0, 200)
