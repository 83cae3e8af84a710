"""What is read, and what is told of rows that cannot be."""

import pytest

from reference_app.reviews.row import MOST_CHARS, MOST_LINE, Unusable
from reference_app.reviews.source import source_of


def read(tmp_path, name, content, **flags):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [(row.number, row.id, row.problem or row.text) for row in source_of(path, **flags).rows()]


def test_csv_with_all_that_quotes_may_hold(tmp_path):
    """Commas, line breaks and quotes; a byte order mark, CRLF, a blank line."""
    rows = read(tmp_path, "a.csv", '\ufeffid,review\r\n7,"one, two"\r\n8,"line\nbreak ""x"""\r\n\r\n9,三\r\n', column="review")
    assert rows == [(1, "7", "one, two"), (2, "8", 'line\nbreak "x"'), (3, "9", "三")]


def test_bad_rows_of_csv_are_told_in_their_places(tmp_path):
    """And the rows after them are read."""
    content = b'id,review\n1,good\n2\n3,\n4,\xff\xfe\n5,"a"b\n6,"never closed\n' + b"y" * (MOST_LINE + 5) + b"\n7,good again\n"
    rows = read(tmp_path, "a.csv", content, column="review")
    assert [row[0] for row in rows] == list(range(1, 8))
    assert rows[0] == (1, "1", "good") and rows[6] == (7, "7", "good again")
    assert rows[1] == (2, "2", 'The row has no column "review".') and rows[2] == (3, "3", "The review is empty.")
    assert rows[3] == (4, "4", "The row is not valid UTF-8.") and "no CSV" in rows[4][2]
    assert rows[5] == (6, None, f"The row is longer than {MOST_LINE} characters.")


def test_a_quote_that_is_never_closed_takes_no_more_than_a_mebibyte_along(tmp_path):
    """Which lines it took is told; and at the end it is an error, too, and no review of two lines."""
    many = "".join(f"{number},good\n" for number in range(200_000))
    rows = read(tmp_path, "b.csv", f'id,review\n0,"never closed\n{many}', column="review")
    assert "field larger than field limit (1048575) (lines 2 to " in rows[0][2]
    assert rows[-1] == (len(rows), "199999", "good") and len(rows) > 90_000
    assert "no CSV" in read(tmp_path, "a.csv", 'review\n"never closed\nand on\n')[0][2]


def test_json_lines_by_field_or_as_strings(tmp_path):
    """With an id where there is one; what is neither is told."""
    content = '{"id": 3, "body": "one"}\n"two"\n{"body": 7, "id": "x"}\n[]\nnot\n{"body": "\\ud800"}\n\n{"body": "last"}'
    rows = read(tmp_path, "a.jsonl", content, field="body")
    assert rows[0] == (1, 3, "one") and rows[1] == (2, None, "two") and rows[7] == (8, None, "last")
    assert rows[2] == (3, "x", 'The row has no text in the field "body".') and rows[3][2] == rows[2][2]
    assert "no JSON" in rows[4][2] and "no JSON" in rows[5][2] and rows[6][2] == "The review is empty."


def test_text_has_a_row_in_each_line(tmp_path):
    """Also in a blank one, one that is no UTF-8, and one too long to be kept."""
    long = [b"x" * MOST_CHARS, b"x" * (MOST_CHARS + 1), b"z" * (3 * MOST_LINE)]
    content = b"\n".join([b"one\r", b"", b"\xe9t\xe9", *long, b"last"])
    rows = read(tmp_path, "a.txt", content)
    assert [row[2][:40] for row in rows[:3]] == ["one", "The review is empty.", "The row is not valid UTF-8."]
    assert len(rows[3][2]) == MOST_CHARS and f"has {MOST_CHARS + 1} characters" in rows[4][2]
    assert rows[5][2] == f"The row is longer than {MOST_LINE} characters." and rows[6:] == [(7, None, "last")]


def test_of_no_rows_there_are_none(tmp_path):
    """Whatever the format."""
    assert read(tmp_path, "a.txt", "") == read(tmp_path, "a.csv", "review\n") == read(tmp_path, "a.jsonl", "") == []


@pytest.mark.parametrize(
    ("name", "content", "flags", "sentence"),
    [
        ("a.csv", "id,review\n1,x\n", {}, "name the one with the reviews. Known: id, review"),
        ("a.csv", "id,review\n1,x\n", {"column": "reviw"}, 'Did you mean "review"?'),
        ("a.csv", "", {}, "no header line"),
        ("a.csv", "review\nx\n", {"field": "review"}, "--field"),
        ("a.txt", "x\n", {"column": "review"}, "Is it --format csv?"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, name, content, flags, sentence):
    """Before anything is asked, with what is allowed."""
    with pytest.raises(Unusable) as told:
        read(tmp_path, name, content, **flags)
    assert sentence in str(told.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    """By its name."""
    with pytest.raises(Unusable, match="is no file that can be read"):
        source_of(tmp_path / "nowhere.csv")
