"""Locust as a person starts it, on our locustfile and the small scenario; and every process that came of it."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import psutil

from harness.processes import free_port
from harness.scenario import ROOT
from records.folder import CALLS, REQUESTS
from records.jsonl import read_rows
from tests.end_to_end.small import PLAN, SCENARIO, write_scenario
from tests.json_schema import problems

SHORT = SCENARIO.replace("duration_s = 8.0", "duration_s = 5.0")
MARK = "HEADWIND_TEST_MARK"


def wait_for(what: Callable[[], Any], seconds: float = 40.0, why: Callable[[], str] = lambda: "") -> Any:
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until, f"not within {seconds:g} s: {why()}"
        time.sleep(0.05)
    return found


class Locust:
    """`locust -f locustfile.py ...`, started in a folder of its own, in a session of its own as in a terminal."""

    def __init__(self, folder: Path, *arguments: object, scenario: str = SHORT, plan: str = PLAN) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._log, self._mark = folder, folder / "said.log", uuid4().hex
        path = write_scenario(folder, scenario, plan)
        command = [sys.executable, "-m", "locust", "-f", ROOT / "locustfile.py", "--scenario", path]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(word) for word in [*command, *arguments]],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, MARK: self._mark, "COLUMNS": "160", "PYTHONPATH": str(ROOT)},
                start_new_session=True,
                # Where pytest itself runs in the background SIGINT is ignored, and children inherit that.
                preexec_fn=_hear_ctrl_c,  # noqa: PLW1509
            )

    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def ended(self, within_s: float = 60.0) -> int:
        """Its exit code, once it has ended by itself."""
        wait_for(lambda: self.process.poll() is not None, within_s, self.said)
        return int(self.process.returncode)

    def left(self) -> list[str]:
        """Every process that is still there and came from it, however it was started and whoever is its parent now."""
        return [" ".join(one.cmdline()) for one in psutil.process_iter() if self._is_ours(one)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(MARK) == self._mark and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def runs(self) -> list[Path]:
        return sorted(self.folder.glob("runs/*"))

    def run(self) -> Path:
        (only,) = self.runs()
        return only

    def loading(self, rows: int = 1) -> Path:
        """Its newest run, once so many requests are recorded there."""

        def found() -> Path | None:
            assert self.process.poll() is None, self.said()
            newest = self.runs()[-1:]
            return next((run for run in newest if len(requests_of(run)) >= rows), None)

        return Path(wait_for(found, why=self.said))


def _hear_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def arm_folder(run: Path) -> Path:
    (arm,) = run.glob("*-01")
    return arm


def requests_of(run: Path) -> list[dict[str, Any]]:
    """All rows of its requests; a torn or a broken line fails the test."""
    found = [read_rows(path, orjson.loads) for path in run.glob(f"*-01/{REQUESTS}")]
    assert not [problem for one in found for problem in one.problems]
    return [row for one in found for row in one.rows]


def calls_of(run: Path) -> list[dict[str, Any]]:
    """Those that ask the model for an answer."""
    return [row for row in read_rows(arm_folder(run) / CALLS, orjson.loads).rows if row["path"] == "/api/chat"]


def told(run: Path, name: str) -> dict[str, Any]:
    """run.json or report.json, which keeps to its schema."""
    found = dict(orjson.loads((run / name).read_bytes()))
    assert name != "report.json" or problems(found, orjson.loads((run / "report.schema.json").read_bytes())) == []
    return found


class Site:
    """The web UI, as the page in the browser uses it."""

    def __init__(self, locust: Callable[..., Locust], *arguments: object, **more: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.one = locust("--web-port", self.port, *arguments, **more)
        wait_for(self.answers, 30, self.one.said)

    def answers(self, host: str = "127.0.0.1") -> bool:
        try:
            return bool(urllib.request.urlopen(f"http://{host}:{self.port}", timeout=2).status == 200)
        except OSError:
            return False

    def page(self) -> str:
        return str(urllib.request.urlopen(self.url, timeout=5).read().decode())

    def post(self, path: str, origin: str | None = None, **form: object) -> tuple[int, Any]:
        return self.ask(path, urllib.parse.urlencode(form).encode(), {"Origin": origin or self.url})

    def ask(self, path: str, data: bytes | None = None, headers: dict[str, str] = {}) -> tuple[int, Any]:
        """Status, and JSON where it is that, or text."""
        try:
            with urllib.request.urlopen(urllib.request.Request(f"{self.url}/{path}", data, headers), timeout=30) as answer:
                return answer.status, _told(answer)
        except urllib.error.HTTPError as error:
            return error.code, _told(error)

    def start(self, **form: object) -> tuple[int, Any]:
        return self.post("swarm", user_count=30, spawn_rate=30, **form)

    def stop(self) -> None:
        assert self.post("stop")[0] == 200

    def state(self) -> str:
        return str(self.ask("stats/requests")[1]["state"])


def _told(answer: Any) -> Any:
    text = answer.read()
    return orjson.loads(text) if answer.headers.get_content_type() == "application/json" else text.decode()
