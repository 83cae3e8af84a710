"""Starts the processes of a run and ends every one of them: on success, on failure, on Ctrl-C, and when we are killed."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from records.bad_input import BadInput
from records.lifeline import end_with

Answer = TypeVar("Answer")

READY_S = 60.0
GRACE_S = 6.0


@dataclass
class Process:
    """One of ours. `log` holds all it printed."""

    name: str
    child: "subprocess.Popen[bytes]"
    log: Path

    def url(self) -> str | None:
        """Where it said that it listens."""
        found = re.search(r"^listening on (http://\S+)", self.log.read_text(errors="replace"), re.MULTILINE)
        return found[1] if found else None

    def tail(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def cpu_s(self) -> float | None:
        """CPU seconds it has used so far; None where the system does not tell."""
        try:
            fields = Path(f"/proc/{self.child.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Processes:
    """Every process of one stack, in the order they were started; leaving the context ends them in reverse."""

    def __init__(self) -> None:
        self.started: list[Process] = []
        self._scratch = ""

    def start(
        self,
        name: str,
        argv: Sequence[str],
        log: Path,
        environment: Mapping[str, str] = {},
        without: str = "\0",
        folder: Path | None = None,
    ) -> Process:
        """Start in `folder`, without waiting. `log` gets its output; variables that begin with `without` are not inherited."""
        log.parent.mkdir(parents=True, exist_ok=True)
        # Who is ended while it starts leaves its temporary files: they go with the stack.
        self._scratch = self._scratch or tempfile.mkdtemp(prefix="headwind-")
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(without)}
        with log.open("wb") as file:
            child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**inherited, "PYTHONUNBUFFERED": "1", "TMPDIR": self._scratch, **environment},
                cwd=folder,
                # Its own session: Ctrl-C in the terminal must reach us only, or the app dies first and fakes failures.
                start_new_session=True,
                preexec_fn=partial(end_with, os.getpid()),  # noqa: PLW1509  (we start processes from the main thread only)
            )
        process = Process(name, child, log)
        self.started.append(process)
        return process

    def await_url(self, process: Process, path: str = "/", deadline_s: float = READY_S) -> str:
        """Its URL, once `path` there answers below 500."""
        return self.await_answer(process, self._await(process, process.url, deadline_s), path, deadline_s)

    def await_answer(self, process: Process, url: str, path: str = "/", deadline_s: float = READY_S) -> str:
        """The URL of a process that does not say where it listens, once `path` there answers below 500."""
        self._await(process, lambda: _answers(url + path) or None, deadline_s)
        return url

    @staticmethod
    def _await(process: Process, ask: Callable[[], Answer | None], deadline_s: float) -> Answer:
        until = time.monotonic() + deadline_s
        while (answer := ask()) is None:
            code = process.child.poll()
            if code is not None or time.monotonic() > until:
                said = f"ended with exit code {code}" if code is not None else f"did not answer within {deadline_s:g} s"
                raise BadInput(f"{process.name}: {said}. The end of {process.log}:\n{process.tail()}")
            time.sleep(0.05)
        return answer

    def ended(self) -> list[Process]:
        """Those that have ended though nobody asked them to."""
        return [process for process in self.started if process.child.poll() is not None]

    def stop(self) -> None:
        """End all, the last one started first: SIGTERM, and SIGKILL for what is still there after the grace."""
        try:
            while self.started:
                _end(self.started.pop().child)
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = ""

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def refuse_taken(flag: str, host: str, port: int) -> None:
    """Raises BadInput for an address that somebody else listens on."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.replace("*", ""), port))
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or error
            raise BadInput(f"{flag}: {host}:{port} cannot be used: {why}. Name another one") from None


# Ours listen on loopback: a proxy of the environment has nothing to do with them.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _answers(url: str) -> bool:
    try:
        with DIRECT.open(url, timeout=2) as response:
            return bool(response.status < 500)
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def _end(child: "subprocess.Popen[bytes]") -> None:
    for signal_ in (signal.SIGTERM, signal.SIGKILL):
        if child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal_)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(GRACE_S)
    child.wait()
