"""Rows nobody can measure are left out and counted; the others are kept."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from records.bad_input import BadInput
from records.folder import CALLS, MODEL, REQUESTS, RunFolder
from reports.fields import OPTIONAL
from reports.load import has_rows, load
from reports.write import report

BAD = [
    ("requests", "intended_s", None),
    ("requests", "tokens", None),
    ("requests", "finished_s", "late"),
    ("requests", "request_id", ["p01"]),
    ("requests", "pair", None),
    ("requests", "outcome", []),
    ("requests", "sent_s", True),
    ("app", "request_id", {}),
    ("calls", "struck", [{"kind": "cut"}]),
    ("calls", "struck", [{"fault": "cut"}]),
    ("calls", "struck", ["cut"]),
    ("calls", "struck", None),
    ("calls", "planned", [None]),
    ("calls", "started_s", None),
    ("model", "tokens_out", "many"),
    ("model", "attempt", None),
    ("changes", "at_s", "noon"),
    ("changes", "action", "explode"),
    ("changes", "action", ["off"]),
    ("changes", "by", None),
    ("changes", "value", {}),
    ("calls", "attempt", -1),
    ("model", "attempt", 2**63),
    ("model", "tokens_in", 1e12),
    ("requests", "intended_s", 1e300),
]
ODD = [
    ("requests", "gaps_us", [1, -2]),
    ("requests", "gaps_us", [2**31]),
    ("requests", "gaps_us", [2**63]),
    ("requests", "gaps_us", [1, True]),
    ("requests", "gaps_us", [0.5]),
    ("requests", "gaps_us", "none"),
    ("requests", "temperature", "hot"),
    ("requests", "arm", 7),
    ("app", "attempt", 2**40),
    ("app", "attempt", "first"),
    ("app", "started_s", "noon"),
    ("app", "model", []),
    ("calls", "finished_s", True),
    ("calls", "path", 1),
    ("model", "first_token_s", {}),
    ("generator", "lag_worst_s", "long"),
]


@pytest.mark.parametrize(("name", "field", "value"), BAD)
def test_a_row_with_a_useless_value_is_left_out_and_told(
    a_run: Callable[..., RunFolder], rows: SimpleNamespace, name: str, field: str, value: Any
):
    files = rows.simulate("off", 40)
    files.changes = [rows.a_change(n, "off", by="stop_after_s") for n in range(5)]
    getattr(files, name)[3][field] = value
    found = load(a_run(off=files))

    assert found.problems[0] == f"off-01/{name}.jsonl: 1 row left out, without a usable {field}"


@pytest.mark.parametrize(("name", "field", "value"), ODD)
def test_a_row_counts_without_a_field_it_can_do_without(
    a_run: Callable[..., RunFolder], rows: SimpleNamespace, name: str, field: str, value: Any
):
    files = rows.simulate("off", 40)
    files.generator = [{"worker": n, "arrivals": 20, "lag_p95_s": 0.01, "lag_worst_s": 0.02} for n in range(5)]
    files.app = [row for row in files.app if row["event"] == "attempt"]
    getattr(files, name)[4][field] = value
    found = load(a_run(off=files))

    assert found.problems == (f"off-01/{name}.jsonl: 1 row counted without {field}, of no usable type",)
    assert len(found.arms[0].rows) == 40


def test_rows_of_earlier_versions_lack_what_came_later(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    files, now = rows.simulate("off", 40), rows.simulate("off", 40)
    for name, of in files.named().items():
        for row in of:
            for field in OPTIONAL.get(name, {}).keys() - {"attempt"}:
                row.pop(field, None)
    run = load(a_run(off=files))

    assert run.problems == ()
    told, whole = (load(a_run(name, off=of)).arms[0].rows for name, of in (("old", files), ("new", now)))
    assert told[["outcome", "effective_s", "attempts"]].equals(whole[["outcome", "effective_s", "attempts"]])


def test_a_generation_without_a_start_is_left_out(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    files = rows.simulate("off", 40)
    del files.model[3]["started_s"]
    files.model[4]["started_s"] = None

    assert load(a_run(off=files)).problems == ("off-01/model.jsonl: 1 row left out, without a usable started_s",)


def test_all_that_is_wrong_is_told_in_one_sentence(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    files = rows.simulate("off", 40)
    files.requests[1]["intended_s"] = files.requests[2]["tokens"] = files.requests[3]["tokens"] = None

    assert load(a_run(off=files)).problems[0] == ("off-01/requests.jsonl: 3 rows left out, without a usable intended_s, tokens")


@pytest.mark.parametrize("value", [None, "text", 1, [], {}, True, 1e10, 1e308, 2**64 - 1])
def test_no_value_of_any_field_breaks_a_report(a_run: Callable[..., RunFolder], rows: SimpleNamespace, value: Any):
    files = rows.simulate("off", 40)
    files.generator = [{"worker": n, "arrivals": 20, "lag_p95_s": 0.01, "lag_worst_s": 0.02} for n in range(20)]
    files.changes = [rows.a_change(n, "share", fault="cut", value=0.5) for n in range(20)]
    for of in files.named().values():
        for number, field in enumerate({**of[0], **of[-1]}):
            of[number][field] = value

    assert report(a_run(off=files)).arms[0].metrics["requests"] >= 20


def test_a_run_with_rows_is_known_without_reading_it_all(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    files = rows.simulate("off", 30)
    assert has_rows(a_run("whole", off=files))
    assert has_rows(a_run("one arm", off=rows.Files(), on=files))
    assert not has_rows(a_run("none", off=rows.Files()))

    for row in files.requests:
        row["intended_s"] = None
    assert not has_rows(a_run("useless", off=files))


def test_a_run_of_useless_rows_says_so(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    files = rows.simulate("off", 30)
    for row in files.requests:
        row["intended_s"] = None
    with pytest.raises(BadInput) as raised:
        load(a_run(off=files))

    assert "a run without rows" in raised.value.problems[0]
    assert raised.value.problems[1] == "off-01/requests.jsonl: 30 rows left out, without a usable intended_s"


@pytest.mark.parametrize("name", [REQUESTS, CALLS, MODEL])
def test_a_folder_in_a_files_place_is_bad_input(a_run: Callable[..., RunFolder], name: str):
    folder = a_run()
    path = folder.arm("off", 1).path / name
    path.unlink()
    path.mkdir()
    with pytest.raises(BadInput, match=r"jsonl: not readable \(Is a directory\)"):
        load(folder)
