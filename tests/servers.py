"""Real Redis and PostgreSQL servers for tests: on free ports, data in temporary folders, killed and started again at will."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from glob import glob
from pathlib import Path

import psycopg
import pytest
import redis

from harness.processes import free_port
from records.lifeline import end_with

START_S = 30.0


class Server:
    """One server process. `stop`, `kill` and `start` keep the port and the data, as an outage does."""

    def __init__(self, command: list[str], url: str, answers: Callable[[], object], log: Path, user: str | None = None) -> None:
        self.command, self.url, self._answers, self._log, self._user = command, url, answers, log, user
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Server":
        """Back once it answers."""
        with self._log.open("ab") as file:
            self.process = subprocess.Popen(
                self.command,
                stdout=file,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                user=self._user,
                preexec_fn=partial(end_with, os.getpid()),  # noqa: PLW1509  (tests start processes from the main thread only)
            )
        deadline = time.monotonic() + START_S
        while True:
            try:
                self._answers()
                return self
            except Exception as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{self.command[0]}: {error}\n{self._log.read_text()[-2000:]}") from error
            time.sleep(0.02)

    def freeze(self) -> None:
        """It accepts connections, and answers nothing."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """As by a crash."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """In good order; PostgreSQL without waiting for its clients."""
        self._end(signal.SIGINT)

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None


def make_redis(folder: Path) -> Server:
    """A Redis that keeps nothing on disk; skips where none is installed."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("needs redis-server")
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    quiet = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    return Server([program, "--port", str(port), *quiet], url, lambda: _ping(url), folder / "redis.log")


def _ping(url: str) -> None:
    client = redis.Redis.from_url(url, socket_timeout=1)
    try:
        client.ping()
    finally:
        client.close()


def make_postgres() -> tuple[Server, Path]:
    """A fresh PostgreSQL, and the folder to remove when it is not needed any more; skips where none is installed."""
    programs = sorted(glob("/usr/lib/postgresql/*/bin/postgres"), key=lambda path: int(path.split("/")[4]))
    program = programs[-1] if programs else shutil.which("postgres")
    if program is None:
        pytest.skip("needs postgresql")
    # It refuses to run as root, and must be let into its folder.
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="headwind-postgres-"))
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    data, port = folder / "data", free_port()
    initdb = [
        str(Path(program).with_name("initdb")),
        "-D",
        str(data),
        "-U",
        "headwind",
        "-A",
        "trust",
        "--no-sync",
        "-E",
        "UTF8",
    ]
    subprocess.run(initdb, check=True, user=user, cwd=folder, capture_output=True)
    url = f"postgresql://headwind@127.0.0.1:{port}/postgres"
    command = [program, "-D", str(data), "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-k", str(folder)]
    log = folder / "postgres.log"
    return Server(command, url, lambda: psycopg.connect(url, connect_timeout=2).close(), log, user), folder
