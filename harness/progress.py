"""Shows how a run goes, from its row files alone: phase, arm, requests, faults landed, time left."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from records.folder import CALLS, REQUESTS, ArmFolder

PLAIN_EVERY_S = 10.0


@dataclass
class Fresh:
    """What is new in a file that grows."""

    path: Path
    read_to: int = 0

    def read(self) -> bytes:
        """Whole lines only: half a line will come when it is whole."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.read_to)
                fresh = file.read()
        except FileNotFoundError:
            return b""
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self.read_to += len(whole)
        return whole


class Counter:
    """Counts occurrences in a file that grows, reading only what is new."""

    def __init__(self, path: Path, what: bytes) -> None:
        self._fresh, self._what, self.count = Fresh(path), what, 0

    def update(self) -> int:
        self.count += self._fresh.read().count(self._what)
        return self.count


class ShownProgress:
    """One line that lives on a terminal; elsewhere a plain line every ten seconds, so that CI logs stay short."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.live = console.is_terminal and os.environ.get("TERM") != "dumb"
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[told]}"),
        )
        self.bar = Progress(*columns, console=console, transient=True)
        self.task: TaskID | None = None
        self.said_at = -PLAIN_EVERY_S

    @contextmanager
    def shown(self) -> Iterator["ShownProgress"]:
        if not self.live:
            yield self
            return
        with self.bar:
            self.task = self.bar.add_task("", told="", total=1)
            yield self

    def phase(self, text: str) -> None:
        """A new phase begins."""
        self.said_at = time.monotonic()
        if self.task is None:
            self.console.print(text)
        else:
            self.bar.update(self.task, description=text, told="", completed=0)

    def load(self, text: str, done: int, of: int, faults: int, left_s: float) -> None:
        """How far the load of one arm is."""
        told = f"{done} of {of} requests · {faults} faults landed · {max(0, left_s):.0f} s left"
        if self.task is not None:
            self.bar.update(self.task, description=text, told=told, completed=done, total=of)
        elif time.monotonic() - self.said_at >= PLAIN_EVERY_S:
            self.said_at = time.monotonic()
            self.console.print(f"{text}: {told}")


class ArmCounters:
    """What the rows of one arm say so far."""

    def __init__(self, folder: ArmFolder) -> None:
        self.requests = Counter(folder.path / REQUESTS, b"\n")
        self.faults = Counter(folder.path / CALLS, b'"kind":')

    def update(self) -> tuple[int, int]:
        """Requests finished, faults landed."""
        return self.requests.update(), self.faults.update()
