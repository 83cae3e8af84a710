"""A real app and a real Locust, each in a process of its own: importing Locust here would patch pytest's own sockets."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from records.jsonl import read_rows

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def wait_for(what: Callable[[], Any], seconds: float = 20.0, why: str = "") -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.01)
    pytest.fail(f"not within {seconds} s: {why}")


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


class Stage:
    """An app at `url` whose fates are told, and Locust runs against it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.url = folder, ""
        self.processes: list[subprocess.Popen[bytes]] = []

    def _start(self, name: str, command: list[str], **environment: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def app(self, **environment: str) -> None:
        self._start("app", [str(HERE / "fated_app.py")], TOLD=str(self.folder / "told.jsonl"), **environment)
        self.url = wait_for(lambda: re.search(r"listening on (\S+)", self.log("app")), why="the app listens")[1]

    def locust(self, *arguments: object, headless: bool = True, **workload: Any) -> subprocess.Popen[bytes]:
        rows = ["--rows-dir", self.folder / "run" / "on-01", "--host", self.url]
        command = ["-m", "locust", "-f", HERE / "tiny_locustfile.py", *rows, *arguments]
        command += ["--headless", "--only-summary"] if headless else []
        return self._start("locust", [str(part) for part in command], FOLDER=str(self.folder), WORKLOAD=json.dumps(workload))

    def rows(self, pair: int = 1) -> list[dict[str, Any]]:
        found = read_rows(self.folder / "run" / f"on-{pair:02d}" / "requests.jsonl")
        return found.rows if found.problems in ([], ["requests.jsonl: missing"]) else pytest.fail(str(found.problems))

    def told(self, key: str) -> dict[str, Any]:
        """What the app says of each request: its outcome, or when its first token left."""
        return {row["request_id"]: row[key] for row in read_rows(self.folder / "told.jsonl").rows if key in row}

    def events(self) -> list[dict[str, Any]]:
        return read_rows(self.folder / "events.jsonl").rows

    def totals(self) -> dict[str, Any]:
        return json.loads((self.folder / "totals.json").read_text())

    def end(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    found = Stage(tmp_path)
    yield found
    found.end()


@pytest.fixture(scope="module")
def shared_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """For tests that look at the same run from different sides."""
    found = Stage(tmp_path_factory.mktemp("stage"))
    yield found
    found.end()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def eventually() -> Callable[..., Any]:
    return wait_for
