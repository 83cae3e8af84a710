"""A model server as a process, and its rows as they arrive."""

import time
from collections.abc import Callable
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


@pytest.fixture
def model(start: Callable[..., Any], tmp_path: Path) -> Callable[..., Model]:
    """model("--words", 8): QUICK physics unless told otherwise."""

    def run(*flags: object) -> Model:
        rows = tmp_path / "model.jsonl"
        return Model(start("model_server", *QUICK, *flags, "--rows", rows).url, rows)

    return run
