"""A provider that breaks as it is asked, and the app behind uvicorn before it."""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from reference_app.app import create_app
from reference_app.settings import Settings
from tests.reference_app.disk import SmallDisk, mounted
from tests.reference_app.stub import WAIT_S, Provider, serve_provider, url_of


@pytest.fixture(scope="session", params=["ollama", "openai"])
def api(request: pytest.FixtureRequest) -> str:
    """What is spoken with the provider: whatever asks one is tested over both."""
    return str(request.param)


@pytest.fixture(scope="session")
def provider(api: str) -> Iterator[Provider]:
    provider, stop = serve_provider(api)
    yield provider
    stop()


PRICES = """
currency = "EUR"
source = "made up"
[models."llama3.1"]
input_per_million = 2.5
output_per_million = 10
[models.small]
input_per_million = 0.25
output_per_million = 1
"""


@pytest.fixture(scope="session")
def price_list(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A list in which the small model costs a tenth of the app's own."""
    path = tmp_path_factory.mktemp("prices") / "mine.toml"
    path.write_text(PRICES)
    return str(path)


def until(true: Callable[[], Any], within_s: float = WAIT_S) -> Any:
    """What `true` returns as soon as it is true; a failure if that never happens."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.005)
    raise AssertionError(f"still false after {within_s} s")


@dataclass
class Told:
    """What a user got: the status, and the events of a stream or the JSON of an answer."""

    request_id: str
    status: int
    headers: httpx.Headers
    events: list[tuple[str, dict[str, Any]]]
    json: dict[str, Any]

    @property
    def text(self) -> str:
        """What a user reads at the end: after a reset, the answer begins again."""
        text = str(self.json.get("answer", ""))
        for name, data in self.events:
            text = text + data["text"] if name == "token" else "" if name == "reset" else text
        return text

    @property
    def end(self) -> dict[str, Any]:
        """The JSON answer, or the data of the last event."""
        return self.events[-1][1] if self.events else self.json

    @property
    def ended(self) -> str:
        return self.events[-1][0] if self.events else "json"


@dataclass
class App:
    """The app behind uvicorn, over TCP."""

    url: str
    log: Path
    ids: Iterator[str]

    def ask(self, question: str, route: str = "/chat/stream", request_id: str = "", user: str = "", **params: Any) -> Told:
        request_id = request_id or next(self.ids)
        headers = {"x-request-id": request_id, **({"x-user-id": user} if user else {})}
        response = httpx.post(self.url + route, json={"question": question, **params}, headers=headers, timeout=20)
        is_stream = response.headers.get("content-type", "").startswith("text/event-stream")
        events = [_parsed(event) for event in response.text.split("\n\n") if event] if is_stream else []
        return Told(request_id, response.status_code, response.headers, events, {} if is_stream else response.json())

    def rows(self, event: str, request_id: str) -> list[dict[str, Any]]:
        # A line may be looked at while it is written.
        lines = map(json.loads, self.log.read_bytes().rpartition(b"\n")[0].splitlines())
        return [row for row in lines if row["event"] == event and row.get("request_id") == request_id]

    def counted(self, feature: str) -> dict[str, float]:
        """What the feature has counted, as /metrics tells it."""
        found = re.findall(rf"^app_{feature}_(\w+?)(?:_total)? (\S+)$", httpx.get(self.url + "/metrics").text, re.MULTILINE)
        return {name: float(value) for name, value in found if not name.endswith("_created")}

    def request_row(self, request_id: str) -> dict[str, Any]:
        """The one row about a request, once it is written."""
        (row,) = until(lambda: self.rows("request", request_id))
        return row


def _parsed(event: str) -> tuple[str, dict[str, Any]]:
    name, data = event.split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def serve_app(settings: Settings, ids: Iterator[str]) -> tuple[App, Callable[[], None]]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    server = uvicorn.Server(uvicorn.Config(create_app(settings), loop="asyncio", http="httptools", log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    until(lambda: server.started)

    def stop() -> None:
        server.should_exit = True
        thread.join(WAIT_S)

    return App(url_of(listener), Path(settings.log_path), ids), stop


@pytest.fixture(scope="session")
def app_with(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., App]]:
    """app_with("retry", retry_attempts=2): the app with these features and settings; the same one for the same arguments."""
    apps: dict[str, tuple[App, Callable[[], None]]] = {}
    folder, ids = tmp_path_factory.mktemp("apps"), (f"t-{number:06}" for number in count(1))

    def run(features: str = "all", **settings: Any) -> App:
        key = f"{features} {sorted(settings.items())}"
        if key not in apps:
            log_path = str(folder / f"app-{len(apps)}.jsonl")
            made = Settings(**{**provider.settings, "features": features, "log_path": log_path, **settings})
            apps[key] = serve_app(made, ids)
        return apps[key][0]

    yield run
    for _, stop in apps.values():
        stop()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with mounted(tmp_path / "small") as disk:
        yield disk
