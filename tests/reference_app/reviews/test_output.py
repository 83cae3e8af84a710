"""The output is the state."""

import os

import pytest

from reference_app.reviews.output import open_output
from reference_app.reviews.row import Unusable

MADE_FROM = {"input": "abc", "model": "m"}


def written(path, count=3, made_from=MADE_FROM):
    output = open_output(path, made_from)
    for number in range(output.done + 1, output.done + 1 + count):
        output.write({"row": number, "error": "e"} if number == 2 else {"row": number})
    output.close()
    return path.read_bytes()


def test_it_goes_on_after_the_last_line(tmp_path):
    """What is done, and what of it failed, is counted again."""
    path = tmp_path / "out.jsonl"
    assert written(path) == b'{"row":1}\n{"row":2,"error":"e"}\n{"row":3}\n'
    output = open_output(path, MADE_FROM)
    assert (output.done, output.failed) == (3, 1)
    output.close()


@pytest.mark.parametrize("lost", range(1, 10))
def test_a_torn_last_line_is_cut_off(tmp_path, lost):
    """Wherever it was torn."""
    path = tmp_path / "out.jsonl"
    whole = written(path)
    os.truncate(path, len(whole) - lost)
    output = open_output(path, MADE_FROM)
    assert output.done == 2 and path.read_bytes() == b'{"row":1}\n{"row":2,"error":"e"}\n'
    output.write({"row": 3})
    output.close()
    assert path.read_bytes() == whole


def test_one_made_from_something_else_is_refused(tmp_path):
    """Nor is one of which that cannot be told; the file stays as it is."""
    path = tmp_path / "out.jsonl"
    before = written(path)
    with pytest.raises(Unusable, match="begun with something else: input was 'abc' and is 'abd'; model was 'm' and is 'n'"):
        open_output(path, {"input": "abd", "model": "n"})
    (tmp_path / "out.jsonl.from").write_text("torn")
    with pytest.raises(Unusable, match=r"out.jsonl.from, which tells what it was made from, is not readable"):
        open_output(path, MADE_FROM)
    (tmp_path / "out.jsonl.from").unlink()
    with pytest.raises(Unusable, match="is not readable"):
        open_output(path, MADE_FROM)
    assert path.read_bytes() == before


@pytest.mark.parametrize("line", [b'{"row":4}\n', b"not\n", b"[]\n", b"\n", b"\xff\n"])
def test_one_that_was_changed_is_refused(tmp_path, line):
    """A line that is no row, or another one."""
    path = tmp_path / "out.jsonl"
    path.write_bytes(written(path, 1) + line)
    with pytest.raises(Unusable, match="line 2 is not about row 2"):
        open_output(path, MADE_FROM)


def test_nobody_else_may_write_it_meanwhile(tmp_path):
    """Until the first one has closed it."""
    first = open_output(tmp_path / "out.jsonl", MADE_FROM)
    with pytest.raises(Unusable, match="being written by another process"):
        open_output(tmp_path / "out.jsonl", MADE_FROM)
    first.close()
    open_output(tmp_path / "out.jsonl", MADE_FROM).close()


def test_what_is_no_plain_file_or_no_place_is_refused(tmp_path):
    """What is done could not be read back from a pipe."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(Unusable, match="is no plain file"):
            open_output(path, MADE_FROM)
    with pytest.raises(Unusable, match="cannot be written: No such file or directory"):
        open_output(tmp_path / "no" / "out.jsonl", MADE_FROM)


def test_a_full_disk_is_told_and_what_is_written_is_whole(tmp_path):
    """/dev/full takes no byte, as a full disk."""
    output = open_output(tmp_path / "out.jsonl", MADE_FROM)
    with open("/dev/full", "wb") as full:
        os.dup2(full.fileno(), output.file)
    with pytest.raises(Unusable, match="cannot be written: No space left on device; row 1 and on are missing"):
        output.write({"row": 1})
    output.close()
