"""Under which conditions a load ran."""

import json

import pytest

from harness.conditions import Conditions, CpuTimes, achieved_share, cpu_times, steal_share
from harness.processes import Processes
from records.folder import REQUESTS, RunFolder
from scenarios.workload import Workload, due

LOAD = Workload(rate_per_s=20.0, users=10, spawn_per_s=1000.0, duration_s=5.0)
STAT = "cpu  100 5 50 800 20 0 3 22 7 7\ncpu0 1 2 3\n"


def test_the_machines_cpu_time_is_all_of_its_sorts(tmp_path):
    """Time of guests is part of user already."""
    (tmp_path / "stat").write_text(STAT)

    assert cpu_times(tmp_path / "stat") == CpuTimes(stolen=22, total=1000)


@pytest.mark.parametrize("told", ["", "cpu  1 2 3\n", "cpu  one two\n", "Darwin\n"])
def test_where_the_system_does_not_tell_nothing_is_told(tmp_path, told):
    (tmp_path / "stat").write_text(told)

    assert cpu_times(tmp_path / "stat") is None
    assert cpu_times(tmp_path / "nowhere") is None


def test_what_the_host_took_is_a_share_of_all_that_passed():
    assert steal_share(CpuTimes(100, 1000), CpuTimes(150, 2000)) == 0.05
    assert steal_share(CpuTimes(100, 1000), CpuTimes(100, 1000)) is None
    assert steal_share(None, CpuTimes(1, 2)) is None
    # Counters of some virtual machines step back.
    assert steal_share(CpuTimes(100, 1000), CpuTimes(90, 2000)) == 0.0


def write_rows(tmp_path, lag_s, keep=lambda number: True, outcome="ok"):
    """The rows of a whole schedule, each sent so late."""
    folder = RunFolder(tmp_path).arm("on", 3)
    folder.path.mkdir()
    rows = [
        {
            "request_id": one.request_id,
            "intended_s": 700 + one.offset_s,
            "sent_s": 700 + one.offset_s + lag_s,
            "outcome": outcome,
        }
        for number, one in enumerate(due(LOAD, 7, 3))
        if keep(number)
    ]
    (folder.path / REQUESTS).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


SCHEDULED = sum(1 for _ in due(LOAD, 7, 3))


def test_who_sent_all_in_time_achieved_the_intended_rate(tmp_path):
    assert achieved_share(write_rows(tmp_path, 0.01), LOAD, 7, SCHEDULED) == 1.0


def test_what_was_sent_after_the_schedules_end_does_not_count(tmp_path):
    share = achieved_share(write_rows(tmp_path, 1.25), LOAD, 7, SCHEDULED)

    in_time = sum(1 for one in due(LOAD, 7, 3) if one.offset_s <= 4.0)
    assert share == pytest.approx(in_time / SCHEDULED, abs=1e-4)
    assert share < 0.9


def test_what_was_never_sent_does_not_count(tmp_path):
    kept = write_rows(tmp_path, 0.0, keep=lambda number: number % 2 == 0)

    assert achieved_share(kept, LOAD, 7, SCHEDULED) == pytest.approx(0.5, abs=0.01)


def test_the_closed_loop_has_no_schedule(tmp_path):
    assert achieved_share(write_rows(tmp_path, 0.0), LOAD, 7, scheduled=0) is None


def test_without_rows_nothing_is_told(tmp_path):
    assert achieved_share(RunFolder(tmp_path).arm("on", 3), LOAD, 7, SCHEDULED) is None
    assert achieved_share(write_rows(tmp_path, 0.0, outcome="aborted"), LOAD, 7, SCHEDULED) is None


def test_conditions_are_noted_under_the_arms_folder():
    manifest = {"cpu_share": {"off-01": {"app": 0.1}}}
    Conditions(Processes()).note(manifest, "on-01", 0.99)

    assert manifest["cpu_share"] == {"off-01": {"app": 0.1}, "on-01": {}}
    assert manifest["achieved_share"] == {"on-01": 0.99}
    assert all(0 <= share <= 1 for share in manifest.get("steal_share", {}).values())


def test_what_nobody_tells_gets_no_entry():
    manifest = {}
    Conditions(Processes()).note(manifest, "on-01")

    assert "achieved_share" not in manifest
