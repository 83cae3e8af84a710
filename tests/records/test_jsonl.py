import json
import os
from multiprocessing import get_context

from records.jsonl import RowFile, blocks, read_rows


def test_rows_come_back(tmp_path):
    file = RowFile(tmp_path / "deep" / "rows.jsonl")
    file.write({"a": 1})
    file.write({"b": "é\n"})

    assert read_rows(file.path).rows == [{"a": 1}, {"b": "é\n"}]


def test_a_torn_last_line_is_told_and_left_out(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a": ')

    found = read_rows(path)

    assert found.rows == [{"a": 1}]
    assert found.problems == ["rows.jsonl: the last line is torn (6 bytes) and left out"]


def test_a_broken_line_in_the_middle_is_told(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"a": 1}\nnonsense\n[3]\n{"a": 2}\n')

    found = read_rows(path)

    assert [row["a"] for row in found.rows] == [1, 2]
    assert found.problems == ["rows.jsonl:2: not a row, left out", "rows.jsonl:3: not a row, left out"]


def test_blocks_cut_a_file_anywhere_and_keep_its_lines(tmp_path):
    path = tmp_path / "rows.jsonl"
    lines = [json.dumps({"n": n, "filler": "é" * (n % 40)}).encode() for n in range(60)]
    lines[17], lines[41] = b"nonsense", b"[3]"
    path.write_bytes(b"\n".join([*lines, b'{"torn']))
    whole = read_rows(path)

    for size in (1, 7, 100, 4096):
        found = list(blocks(path, size=size))
        assert [row for block in found for row in block.rows] == whole.rows
        assert [problem for block in found for problem in block.problems] == whole.problems
    assert whole.problems == [
        "rows.jsonl:18: not a row, left out",
        "rows.jsonl:42: not a row, left out",
        "rows.jsonl: the last line is torn (6 bytes) and left out",
    ]


def test_a_missing_file_is_told(tmp_path):
    assert read_rows(tmp_path / "app.jsonl").problems == ["app.jsonl: missing"]


def _append(path, number):
    file = RowFile(path)
    for n in range(500):
        file.write({"process": number, "n": n, "filler": "x" * 300})


def test_processes_append_to_one_file_without_mixing_lines(tmp_path):
    path = tmp_path / "rows.jsonl"
    processes = [get_context("fork").Process(target=_append, args=(path, number)) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)

    found = read_rows(path)

    assert found.problems == []
    assert len(found.rows) == 1500
    for number in range(3):
        assert [row["n"] for row in found.rows if row["process"] == number] == list(range(500))


def test_a_row_is_on_disk_before_the_next_line_of_code(tmp_path):
    file = RowFile(tmp_path / "rows.jsonl")
    file.write({"a": 1})

    assert os.path.getsize(file.path) == len('{"a": 1}\n')
