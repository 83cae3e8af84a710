"""Reading a run: what is torn, missing or strange is told and survived; what cannot be used is refused."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from records.bad_input import BadInput
from records.folder import APP, CALLS, CHANGES, REQUESTS, RunFolder
from reports.load import load
from reports.metrics import measure


def test_a_whole_run_has_no_problems(a_run: Callable[..., RunFolder]):
    run = load(a_run())

    assert run.problems == ()
    assert [(arm.name, len(arm.rows)) for arm in run.arms] == [("off", 500), ("on", 500)]
    assert run.arms[0].rows["start_s"].min() == 0
    assert set(run.arms[0].strikes["fault"]) == set(run.arms[0].planned)


def test_a_torn_last_line_is_told_and_left_out(a_run: Callable[..., RunFolder]):
    folder = a_run()
    path = folder.arm("on", 1).path / REQUESTS
    path.write_bytes(path.read_bytes()[:-20])
    run = load(folder)

    assert len(run.arms[1].rows) == 499
    assert "on-01/requests.jsonl: the last line is torn" in run.problems[0]


def test_a_broken_line_in_the_middle_is_told_and_left_out(a_run: Callable[..., RunFolder]):
    folder = a_run()
    path = folder.arm("off", 1).path / CALLS
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([*lines[:3], b'{"request_id": "p0', *lines[3:]]))

    assert load(folder).problems == ("off-01/calls.jsonl:4: not a row, left out",)


def test_a_missing_file_is_told_and_its_figures_are_unknown(a_run: Callable[..., RunFolder]):
    folder = a_run()
    (folder.arm("off", 1).path / CALLS).unlink()
    (folder.arm("off", 1).path / APP).unlink()
    run = load(folder)

    assert run.problems == ("off-01/app.jsonl: missing", "off-01/calls.jsonl: missing")
    assert measure(run.arms[0])["attempts_per_request"] is None
    assert measure(run.arms[1])["attempts_per_request"] is not None


def test_rows_that_cannot_be_joined_are_told_and_left_out(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    files = rows.simulate("off", 30)
    del files.calls[3]["request_id"], files.calls[7]["status"]
    files.requests[0]["outcome"] = "splendid"
    files.requests.append(files.requests[5])
    run = load(a_run(off=files))

    assert len(run.arms[0].rows) == 29
    assert run.problems[1] == "off-01/calls.jsonl: 2 rows left out, without a usable request_id, status"
    assert run.problems[0].startswith("off-01/requests.jsonl: 2 rows left out, their request id came before")


def test_what_else_the_app_logs_is_its_own_affair(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    files = rows.simulate("off", 30)
    files.app += [{"event": "started", "features": []}, {"level": "info"}]

    assert load(a_run(off=files)).problems == ()


def test_changes_are_optional_and_placed_in_the_time_of_each_pair(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    files = rows.simulate("off", 30)
    first_s = min(row["intended_s"] for row in files.requests)
    files.changes = [rows.a_change(4, "on", began_s=first_s), rows.a_change(2, "off", began_s=first_s)]
    run = load(a_run(off=files, on=rows.simulate("on", 30)))

    assert run.problems == ()
    assert [(one.pair, one.start_s, one.action) for one in run.arms[0].changes] == [
        (1, pytest.approx(2), "off"),
        (1, pytest.approx(4), "on"),
    ]
    assert run.arms[1].changes == ()


def test_torn_and_strange_changes_are_told_and_left_out(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    files = rows.simulate("off", 30)
    files.changes = [rows.a_change(2, "explode"), rows.a_change(3, "off"), {"at_s": 5003.0}]
    folder = a_run(off=files)
    path = folder.arm("off", 1).path / CHANGES
    path.write_bytes(path.read_bytes() + b'{"at_s": 50')
    run = load(folder)

    assert len(run.arms[0].changes) == 1
    assert "off-01/changes.jsonl: the last line is torn" in run.problems[0]
    assert run.problems[1] == "off-01/changes.jsonl: 2 rows left out, without a usable action, by, fault, value, why"


def test_a_run_without_rows_is_refused_with_what_to_do_next(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    folder = a_run(off=rows.Files())
    folder.arm("off", 1).logs.mkdir(parents=True)
    with pytest.raises(BadInput) as raised:
        load(folder)

    assert str(folder.path) in raised.value.problems[0]
    assert f"Read {folder.arm('off', 1).logs}" in raised.value.problems[0]
    assert "headwind run article" in raised.value.problems[0]


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"not a run, it holds no run\.json"):
        load(RunFolder(tmp_path))


def test_a_manifest_without_a_deadline_is_refused(a_run: Callable[..., RunFolder]):
    with pytest.raises(BadInput, match="deadline_s is missing"):
        load(a_run(deadline_s=None))


def test_pairs_are_read_together_and_start_apart(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    folder = a_run(off=rows.simulate("off", 40), pairs=2)
    second = rows.simulate("off", 40)
    for row in second.requests:
        row |= {"request_id": row["request_id"].replace("p01", "p02"), "pair": 2, "intended_s": row["intended_s"] + 500}
    path = folder.arm("off", 2).path
    path.mkdir()
    (path / REQUESTS).write_text("".join(f"{rows.as_json(row)}\n" for row in second.requests))
    arm = load(folder).arms[0]

    assert len(arm.rows) == 80
    assert list(arm.rows.groupby("pair")["start_s"].min()) == [0, 0]
