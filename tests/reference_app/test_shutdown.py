"""SIGTERM under load, and several workers on one port: real processes, real sockets, nothing lost."""

import os
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.reference_app.conftest import until

pytestmark = pytest.mark.parametrize("api", ["ollama"], indirect=True)


class Load:
    """Streams without a pause from some users, each request on a new connection; counts how each request ended."""

    def __init__(self, url, users=12, question="n=10 every=0.02"):
        self.url, self.question = url, question
        self.ends, self.over = Counter(), threading.Event()
        self.pool = ThreadPoolExecutor(users)
        self.running = [self.pool.submit(self._user, number) for number in range(users)]

    def _user(self, number):
        with httpx.Client(timeout=20, verify=False, limits=httpx.Limits(max_keepalive_connections=0)) as client:
            for count in range(10_000):
                if self.over.wait(0.02):
                    return
                self.ends[self._ask(client, f"{number}-{count}")] += 1

    def _ask(self, client, request_id):
        told = b""
        try:
            headers, body = {"x-request-id": f"load-{request_id}-{time.monotonic_ns()}"}, {"question": self.question}
            with client.stream("POST", self.url + "/chat/stream", json=body, headers=headers) as answer:
                for piece in answer.iter_bytes():
                    told += piece
        except (httpx.ConnectError, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError) as error:
            if told:
                return "cut"
            return "refused" if isinstance(error, httpx.ConnectError) else "lost"
        return "whole" if b"event: done" in told else "failed"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.over.set()
        self.pool.shutdown()
        for user in self.running:
            user.result()
        return self.ends


def test_at_sigterm_every_request_that_was_taken_is_finished(start, provider):
    app = start("reference_app", "--provider-url", provider.url, "--features", "all,-cache,-single_flight")
    with Load(app.url) as load:
        until(lambda: load.ends["whole"] >= 24, within_s=20)
        assert app.stop() == 0
        until(lambda: load.ends["refused"] >= 12, within_s=20)
    ends = load.ends
    print(f"SIGTERM under load: {dict(ends)}")

    # A connection that was made in the very moment in which the door closed has brought no request yet.
    assert ends["cut"] == ends["failed"] == 0 and ends["lost"] <= 2 and ends["whole"] >= 36, ends
    assert "Traceback" not in app.log.read_text()


def test_while_it_drains_it_is_alive_not_ready_and_still_answers(start, provider):
    flags = ("--provider-url", provider.url, "--features", "none")
    app = start("reference_app", *flags, APP_DRAIN_S="1", APP_SHUTDOWN_S="8")
    with httpx.Client() as user:
        assert "connection" not in user.get(app.url + "/health/live").headers
        app.process.send_signal(signal.SIGTERM)
        ready = until(lambda: (told := user.get(app.url + "/health/ready")).status_code == 503 and told)
        assert ready.json()["status"] == "draining" and ready.headers["connection"] == "close"
        assert user.get(app.url + "/health/live").status_code == 200
        # Begun in the drain, and longer than it.
        answer = user.post(app.url + "/chat/stream", json={"question": "n=30 every=0.05"}, timeout=10)

    assert "event: done" in answer.text and answer.headers["connection"] == "close"
    assert app.process.wait(5) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(app.url + "/health/live")


def pids_below(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return {int(child) for child in children.read().split()}


def test_workers_are_replaced_under_load_without_a_single_request_lost(start, provider, tmp_path):
    """SIGHUP, one killed, and SIGTERM: one listener for all, which nobody closes before the end."""
    log = tmp_path / "rows.jsonl"
    flags = ("--provider-url", provider.url, "--features", "all,-cache,-single_flight", "--workers", "2", "--log-path", log)
    app = start("reference_app", *flags)
    before = pids_below(app.process.pid)
    assert len(before) == 2
    with Load(app.url, users=6) as load:
        until(lambda: load.ends["whole"] >= 12, within_s=20)
        app.process.send_signal(signal.SIGHUP)
        until(lambda: len(now := pids_below(app.process.pid)) == 2 and not now & before, within_s=60)
    ends = load.ends

    print(f"SIGHUP under load: {dict(ends)}")
    assert set(ends) == {"whole"}, ends
    rows = until(lambda: len(rows := log.read_bytes().splitlines()) >= 2 * ends["whole"] and rows)
    assert sum(b'"event":"request"' in row for row in rows) == sum(b'"event":"attempt"' in row for row in rows) == ends["whole"]
    told = httpx.get(app.url + "/metrics").text
    counted = [line for line in told.splitlines() if line.startswith("app_requests_total{")]
    assert sum(float(line.split()[-1]) for line in counted) == ends["whole"], "also those of workers that are gone"

    victim = pids_below(app.process.pid).pop()
    os.kill(victim, signal.SIGKILL)
    until(lambda: len(now := pids_below(app.process.pid)) == 2 and victim not in now, within_s=20)
    assert f"worker {victim} ended with -9" in app.log.read_text()
    left = pids_below(app.process.pid)
    assert app.stop() == 0 and not any(os.path.exists(f"/proc/{pid}") for pid in left)


def test_workers_do_not_outlive_their_supervisor(start, provider):
    app = start("reference_app", "--provider-url", provider.url, "--features", "none", "--workers", "2")
    workers = pids_below(app.process.pid)
    app.process.kill()
    app.process.wait()

    until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers), within_s=10)
