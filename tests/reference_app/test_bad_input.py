"""What no client of good faith sends: each ends in a clear 4xx or a quiet end, and leaves nothing behind."""

import asyncio
import json
import os
import resource
import socket
import time

import httpx
import pytest

from tests.reference_app.conftest import until

pytestmark = pytest.mark.parametrize("api", ["ollama"], indirect=True)
GOOD = b'{"question": "n=1"}'


def raw(app, request, patience_s=5.0):
    """The status and the whole answer to these bytes; 0 where the connection ends without any."""
    host, port = app.url.removeprefix("http://").split(":")
    answer = b""
    with socket.create_connection((host, int(port)), timeout=patience_s) as user:
        try:
            user.sendall(request)
            while piece := user.recv(65536):
                answer += piece
        except (ConnectionError, TimeoutError):
            pass
    return (int(answer.split()[1]) if answer else 0), answer


def post(body=GOOD, *headers, route="/chat"):
    head = [b"POST %b HTTP/1.1" % route.encode(), b"host: a", b"content-type: application/json", b"connection: close"]
    return b"\r\n".join([*head, b"content-length: %d" % len(body), *headers, b"", body])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"n=1"',
        b"{}",
        b'{"question": ""}',
        b'{"question": " \\n "}',
        b'{"question": 7}',
        b'{"question": null}',
        b'{"question": ["n=1"]}',
        b'{"question": "n=1", "temperature": "hot"}',
        b'{"question": "n=1", "temperature": 1e400}',
        b'{"question": "n=1", "temperature": NaN}',
        b'{"question": "n=1", "max_tokens": -1}',
        b'{"question": "n=1", "seed": 1.5}',
        b'{"question": "n=1", "seed": 9223372036854775808}',
        b'{"question": "n=1", "max_tokens": 9223372036854775808}',
        b'{"question": "n=1", "nobody": 1}',
        b'{"question": "n=1\xff\xfe"}',
        b"\xff\xfe\x00\x01",
        b'{"question": "n=1 \\ud800"}',
        b'{"quest\\ud800ion": "n=1"}',
        b"[" * 100_000,
        json.dumps({"question": "x" * 32_001}).encode(),
    ],
)
@pytest.mark.parametrize("route", ["/chat", "/chat/stream"])
def test_a_bad_body_is_a_clear_refusal(app_with, provider, body, route):
    app, asked = app_with("none"), len(provider.seen)
    status, answer = raw(app, post(body, route=route))

    assert status in (400, 413, 422), answer
    assert b'"detail"' in answer or b'"error"' in answer or status == 400
    assert b"Traceback" not in answer and len(provider.seen) == asked


@pytest.mark.parametrize(
    "given",
    [
        b"../../etc/passwd",
        b"a b",
        b"a%0d%0ax",
        b"a\tb",
        b"\xff\xfe",
        b"a" * 129,
        b"",
        b"../\x01",
        "é".encode(),
        b"<script>",
        b"a;b",
        b"a/b",
    ],
)
@pytest.mark.parametrize("name", [b"x-request-id", b"traceparent", b"x-user-id"])
def test_what_is_no_name_is_not_taken_for_one(app_with, provider, given, name):
    app, asked = app_with("none"), len(provider.seen)
    status, answer = raw(app, post(GOOD, name + b": " + given))

    if status == 400:  # The HTTP parser itself refuses signs that no header may hold.
        return
    assert status == 200 and (not given or given not in answer)
    seen = provider.seen[asked]
    assert len(seen.request_id) == 32 or name != b"x-request-id"
    assert given.decode("latin1") not in seen.headers.values() or not given


def test_a_line_break_in_an_id_makes_no_header_of_its_own(app_with, provider):
    app, asked = app_with("none"), len(provider.seen)
    status, answer = raw(app, post(GOOD, b"x-request-id: a\r\n evil: yes"))

    assert status in (200, 400) and b"\r\nevil:" not in answer
    assert all("evil" not in seen.headers for seen in provider.seen[asked:])


@pytest.mark.parametrize(
    "request_line",
    [
        b"\x16\x03\x01\x02\x00\x01",
        b"GET /\xff HTTP/1.1\r\nhost: a\r\n\r\n",
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\r\n" * 50,
    ],
)
def test_what_is_no_http_gets_a_quiet_end(app_with, request_line):
    app = app_with("none")
    status, answer = raw(app, request_line, patience_s=0.3)

    assert status in (0, 400, 404) and b"Traceback" not in answer
    assert httpx.get(app.url + "/health/live").status_code == 200


def test_fifty_megabytes_are_refused_early_and_kept_nowhere(app_with, provider):
    """As one length, and in pieces that tell none."""
    app, before_kb = app_with("none"), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    host, port = app.url.removeprefix("http://").split(":")
    for head, wrap in (
        (b"content-length: 52428800\r\n\r\n", lambda piece: piece),
        (b"transfer-encoding: chunked\r\n\r\n", lambda piece: b"%x\r\n%b\r\n" % (len(piece), piece)),
    ):
        piece, sent = wrap(b"x" * 65536), 0
        with socket.create_connection((host, int(port)), timeout=5) as user:
            user.sendall(b"POST /chat HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n" + head)
            try:
                for _ in range(800):
                    user.sendall(piece)
                    sent += len(piece)
                    user.setblocking(False)
                    try:
                        if user.recv(1, socket.MSG_PEEK):
                            break
                    except BlockingIOError:
                        pass
                    user.settimeout(5)
            except (ConnectionError, TimeoutError):
                pass
            user.settimeout(5)
            try:
                answer = user.recv(65536)
            except ConnectionError:
                answer = b"HTTP/1.1 413"
        assert b" 413" in answer and sent < 20_000_000
    # The test and the app are one process: both together have kept less than one such body.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 30_000


def test_a_body_that_never_ends_holds_up_nobody(app_with, provider):
    app = app_with("none")
    host, port = app.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as slow:
        slow.sendall(b"POST /chat HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{")
        assert app.ask("n=2").ended == "done"
    assert app.ask("n=2").ended == "done"


def open_files():
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("features", ["none", "all"])
def test_a_hundred_who_leave_leave_nothing_behind(app_with, provider, features):
    """No task, no connection, no place: of the stream, of the waiting for the first word, of the upload."""
    app = app_with(features)
    assert app.ask(f"n=1 first of {features}").ended == "done"
    before = open_files()
    host, port = app.url.removeprefix("http://").split(":")
    for number in range(100):
        question = json.dumps(
            {"question": ("n=99 every=0.05" if number % 2 else "n=2 first=30") + f" leaver {features} {number}"}
        )
        request = post(question.encode(), b"x-request-id: leaver-%b-%d" % (features.encode(), number), route="/chat/stream")
        with socket.create_connection((host, int(port))) as user:
            user.sendall(request if number % 5 else request[:-3])
            if number % 2 and number % 5:
                user.recv(10)
    leavers = [seen for seen in provider.seen if seen.request_id.startswith(f"leaver-{features}")]
    until(lambda: all(seen.ended == "left" for seen in leavers))
    until(lambda: open_files() <= before + 8)
    until(lambda: b"app_requests_in_flight 0.0" in httpx.get(app.url + "/metrics").content)
    assert app.ask(f"n=2 after {features}").ended == "done"


def test_tasks_of_the_app_end_with_their_requests(api):
    """In one loop with the app, so that its tasks can be counted."""
    from reference_app.app import create_app
    from reference_app.settings import Settings

    async def run():
        app = create_app(Settings(features="all", provider_url="http://127.0.0.1:9", retry_base_s=0.001, recovery_base_s=0.001))
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app")
        await client.post("/chat", json={"question": "x"})
        before = len(asyncio.all_tasks())
        await asyncio.gather(*(client.post("/chat", json={"question": f"{n}"}) for n in range(50)))
        deadline = time.monotonic() + 5
        while len(asyncio.all_tasks()) > before and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        return len(asyncio.all_tasks()) - before

    assert asyncio.run(run()) <= 0
