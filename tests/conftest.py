"""Fixtures that every room's tests use: real processes, started by name, ended by id."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import Server, make_postgres, make_redis

READY_S = 30
# A shell that starts us with & has SIGINT ignored, and every process below us would inherit that: none could be interrupted.
signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass
class Started:
    """A process that answers at `url`; `log` holds what it printed."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


def _wait_for_url(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        if found := re.search(r"^listening on (http://\S+)", log.read_text(), re.MULTILINE):
            return found[1]
        if process.poll() is not None:
            break
        time.sleep(0.02)
    pytest.fail(f"never listened (exit code {process.poll()}): {log.read_text()[-2000:]}")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Started]]:
    """start("model_server", "--words", 8): a module of ours as a process, on a free port, once it answers."""
    started: list[Started] = []

    def run(module: str, *arguments: object, **environment: str) -> Started:
        log = tmp_path / f"{module}-{len(started)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *map(str, arguments)],
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
            )
        started.append(Started("", process, log))
        started[-1].url = _wait_for_url(process, log)
        return started[-1]

    yield run
    for one in reversed(started):
        one.stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was skipped and why; where skipping is forbidden, fail for it."""
    for skipped in terminalreporter.stats.get("skipped", []):
        terminalreporter.write_line(f"skipped: {skipped.nodeid}: {skipped.longrepr[2]}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("HEADWIND_NO_SKIP") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real Redis. Who stops it starts it again."""
    server = make_redis(tmp_path_factory.mktemp("redis")).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A real PostgreSQL. Who stops it starts it again."""
    server, folder = make_postgres()
    try:
        yield server.start()
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
