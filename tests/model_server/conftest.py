"""A model server as a process, and its rows as they arrive."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from records.jsonl import read_rows

# A tenth of the default physics: fast enough for tests, slow enough to be measured.
QUICK = ("--first-token-s", 0.1, "--first-token-sigma", 0, "--gap-s", 0.01, "--gap-sigma", 0)


class Model:
    """A running model server."""

    def __init__(self, url: str, rows_path: Path) -> None:
        self.url, self._rows_path = url, rows_path

    def rows(self, count: int) -> list[dict[str, Any]]:
        """The rows, once there are `count`: they are written after the last byte was sent."""
        deadline = time.monotonic() + 5
        while len(rows := read_rows(self._rows_path).rows) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(rows) == count, rows
        return rows

    def row(self, request_id: str) -> dict[str, Any]:
        """The one row of a request; for a server that other tests ask too."""
        deadline = time.monotonic() + 5
        while not (mine := [row for row in read_rows(self._rows_path).rows if row["request_id"] == request_id]):
            assert time.monotonic() < deadline, f"no row of {request_id}"
            time.sleep(0.01)
        assert len(mine) == 1, mine
        return mine[0]


@pytest.fixture
def model(start: Callable[..., Any], tmp_path: Path) -> Callable[..., Model]:
    """model("--words", 8): QUICK physics unless told otherwise."""

    def run(*flags: object) -> Model:
        rows = tmp_path / "model.jsonl"
        return Model(start("model_server", *QUICK, *flags, "--rows", rows).url, rows)

    return run


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    """One server for all tests that ask and look at answers only: answers of 8 words, at once."""
    folder = tmp_path_factory.mktemp("model")
    flags = ("--first-token-s", 0, "--gap-s", 0, "--words", 8, "--rows", folder / "model.jsonl")
    log = folder / "model.log"
    command = [sys.executable, "-m", "model_server", *map(str, flags)]
    with log.open("wb") as errors, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("listening on ").strip()
        yield Model(url, folder / "model.jsonl")
        process.terminate()
        assert process.wait(10) == 0
    assert log.read_text() == ""  # no traceback, whatever was asked


@pytest.fixture
def no_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    """tiktoken, which langchain-openai brings, fetches its tables from afar where it is asked to count."""

    def refuse(path: str) -> bytes:
        raise AssertionError(f"tiktoken would download {path}")

    monkeypatch.setattr("tiktoken.load.read_file", refuse)
