"""A provider and, in front of it, one proxy for all tests of this room: each call says by header which fault it asks for."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

PLAN = """
seed = 7
[[fault]]
name = "latency"
kind = "latency"
seconds = 0.4
headers = { x-fault = "latency" }
[[fault]]
name = "endless latency"
kind = "latency"
seconds = inf
headers = { x-fault = "endless-latency" }
[[fault]]
name = "slow"
kind = "slow_first_token"
factor = 3
headers = { x-fault = "*slow*" }
[[fault]]
name = "busy"
kind = "answer"
status = 503
headers = { x-fault = "503" }
[[fault]]
name = "limit"
kind = "answer"
status = 429
retry_after_s = 1
extra_headers = { x-ratelimit-remaining-requests = "0" }
headers = { x-fault = "429" }
[[fault]]
name = "first attempt only"
kind = "answer"
status = 422
text = "no"
attempts = 1
headers = { x-fault = "422" }
[[fault]]
name = "drop"
kind = "drop"
headers = { x-fault = "drop" }
[[fault]]
name = "drop by reset"
kind = "drop"
reset = true
headers = { x-fault = "drop-reset" }
[[fault]]
name = "stall"
kind = "stall"
at = 4
seconds = 0.4
headers = { x-fault = "stall" }
[[fault]]
name = "stall for ever"
kind = "stall"
at = 2
headers = { x-fault = "stall-for-ever" }
[[fault]]
name = "cut after bytes"
kind = "cut"
after_bytes = 250
headers = { x-fault = "cut-bytes" }
[[fault]]
name = "cut before the end"
kind = "cut"
headers = { x-fault = "cut-end" }
[[fault]]
name = "cut at random"
kind = "cut"
at = [3, 7]
reset = [false, true]
share = 0.5
headers = { x-fault = "maybe" }
""" + "".join(
    f"""
[[fault]]
name = "cut {at} {reset}"
kind = "cut"
at = {at}
reset = {reset}
headers = {{ x-fault = "*cut-{at}-{"reset" if reset == "true" else "close"}" }}
"""
    for at in (0, 1, 3, 7, 10, 99)
    for reset in ("true", "false")
)


@dataclass
class Running:
    url: str
    process: subprocess.Popen[str]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Running]]:
    """run(command, ...): a process that says where it listens, for all tests of this room; ended by SIGTERM."""
    running: list[Running] = []

    def start(*command: object) -> Running:
        log = tmp_path_factory.mktemp("log") / "log"
        process = subprocess.Popen([str(word) for word in command], stdout=log.open("w"), stderr=subprocess.STDOUT, text=True)
        running.append(Running("", process))
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            if found := re.search(r"^listening on (http://\S+)", log.read_text(), re.MULTILINE):
                running[-1].url = found[1]
                return running[-1]
            time.sleep(0.02)
        pytest.fail(f"never listened: {log.read_text()}")

    yield start
    for one in reversed(running):
        one.process.send_signal(signal.SIGTERM)
        one.process.wait(10)


@pytest.fixture(scope="session")
def upstream(run: Callable[..., Running]) -> Running:
    return run(sys.executable, Path(__file__).with_name("upstream.py"))


@pytest.fixture(scope="session")
def rows_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rows") / "calls.jsonl"


@pytest.fixture(scope="session")
def proxy(run: Callable[..., Running], upstream: Running, rows_file: Path) -> Running:
    plan = rows_file.with_name("wire.toml")
    plan.write_text(PLAN)
    return run(sys.executable, "-m", "faults", "--upstream", upstream.url, "--plan", plan, "--rows", rows_file)


@pytest.fixture
def row(rows_file: Path) -> Callable[[str], dict[str, Any]]:
    """row(id): the one row of the call, once it is written."""

    def find(request_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            rows = [json.loads(line) for line in rows_file.read_text().splitlines()] if rows_file.exists() else []
            found = [one for one in rows if one["request_id"] == request_id]
            if found:
                assert len(found) == 1
                return dict(found[0])
            time.sleep(0.01)
        pytest.fail(f"no row for {request_id}")

    return find


@pytest.fixture
def seen(upstream: Running) -> Callable[[str], dict[str, Any] | None]:
    """seen(id): what the provider met under this id."""
    return lambda request_id: httpx.get(f"{upstream.url}/seen").json().get(request_id)


@dataclass
class Got:
    """What the app got."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    arrivals: list[tuple[float, int]] = field(default_factory=list)
    """Seconds since the call began, and bytes."""
    error: Exception | None = None

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(line.removeprefix(b"data: ")) for line in self.body.splitlines() if line]

    @property
    def gaps_s(self) -> list[float]:
        return [later[0] - sooner[0] for sooner, later in zip(self.arrivals, self.arrivals[1:], strict=False)]


async def call(client: httpx.AsyncClient, url: str, request_id: str, fault: str = "", **headers: object) -> Got:
    got, begin = Got(), time.monotonic()
    told = {"x-request-id": request_id, "x-fault": fault} | {name.replace("_", "-"): str(x) for name, x in headers.items()}
    try:
        async with client.stream("POST", url, json={"model": "m"}, headers=told) as response:
            got.status, got.headers = response.status_code, response.headers
            async for data in response.aiter_raw():
                got.body += data
                got.arrivals.append((time.monotonic() - begin, len(data)))
    except httpx.HTTPError as error:
        got.error = error
    return got


@pytest.fixture
def get() -> Callable[..., Any]:
    """await get(client, url, id, fault, x_n=…): one call, as an app makes it."""
    return call
