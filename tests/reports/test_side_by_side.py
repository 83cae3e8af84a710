"""A large run is read by several processes: with the same outcome as by one, and none of them stays."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from records.bad_input import BadInput
from records.folder import CALLS, REQUESTS, RunFolder
from reports import side_by_side
from reports.load import load
from reports.metrics import measure


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "LARGE", 1)
    monkeypatch.setattr(side_by_side, "_cores", lambda: 2)


@pytest.fixture(autouse=True)
def _none_stays() -> Iterator[None]:
    """Of the processes that a test begins."""
    before = {child.pid for child in psutil.Process().children()}
    yield
    assert not {child.pid for child in psutil.Process().children()} - before


def told(folder: RunFolder) -> list[object]:
    run = load(folder)
    arms = [
        (arm.name, measure(arm), arm.rows.to_dict(), arm.attempts.to_dict(), arm.strikes.to_dict(), arm.gaps.us.tolist())
        for arm in run.arms
    ]
    rest = [(arm.planned, arm.sources, arm.tallies, arm.joins, arm.changes, arm.aborted) for arm in run.arms]
    return [repr(arms), rest, run.problems]


def test_several_processes_tell_what_one_tells(a_run: Callable[..., RunFolder], request: pytest.FixtureRequest):
    folder = a_run(pairs=2)
    path = folder.arm("on", 1).path / CALLS
    path.write_bytes(path.read_bytes()[:-7])
    alone = told(folder)
    request.getfixturevalue("apart")

    assert told(folder) == alone


@pytest.mark.usefixtures("apart")
def test_bad_input_is_told_as_such(a_run: Callable[..., RunFolder]):
    folder = a_run()
    path = folder.arm("on", 1).path / REQUESTS
    path.unlink()
    path.mkdir()

    with pytest.raises(BadInput, match=r"on-01/requests\.jsonl: not readable \(Is a directory\)"):
        load(folder)


@pytest.mark.usefixtures("apart")
def test_tables_that_came_over_can_be_changed(a_run: Callable[..., RunFolder]):
    arm = load(a_run()).arms[0]
    arm.rows["own_s"] += 1
    arm.gaps.us[0] = 5


READS = """
import sys
from pathlib import Path
from records.folder import RunFolder
from reports import side_by_side
from reports.load import load
side_by_side.LARGE, side_by_side._cores = 1, lambda: 2
load(RunFolder(Path(sys.argv[1])))
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_nobody_is_left_behind(a_run: Callable[..., RunFolder], rows: SimpleNamespace, how: signal.Signals):
    """A pipe in the place of its rows keeps each of them reading for ever."""
    folder = a_run(off=rows.simulate("off", 30), on=rows.simulate("on", 30))
    for arm in ("off", "on"):
        path = folder.arm(arm, 1).path / REQUESTS
        path.unlink()
        os.mkfifo(path)
    environment = os.environ | {"PYTHONPATH": str(Path(side_by_side.__file__).parents[1])}
    reader = subprocess.Popen([sys.executable, "-c", READS, str(folder.path)], env=environment, stderr=subprocess.PIPE)
    children = wait_for(lambda: [one for one in psutil.Process(reader.pid).children() if serves(one)], 2)
    reader.send_signal(how)
    _, error = reader.communicate(timeout=20)
    wait_for(lambda: [one for one in children if not one.is_running() or one.status() == psutil.STATUS_ZOMBIE], 2)

    assert reader.returncode != 0
    assert error.count(b"Traceback") <= 1


def serves(process: psutil.Process) -> bool:
    """Whether it has come so far that it looks after its parent: it reads its rows."""
    return any(one.path.endswith(REQUESTS) for one in process.open_files()) or process.status() == psutil.STATUS_SLEEPING


def wait_for(found: Callable[[], list[psutil.Process]], count: int) -> list[psutil.Process]:
    until_s = time.monotonic() + 20
    while len(some := found()) < count:
        assert time.monotonic() < until_s
        time.sleep(0.02)
    return some
