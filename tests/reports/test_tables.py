"""Rows become the same tables in whatever blocks they come; what is left out takes nothing of its neighbours along."""

from types import SimpleNamespace
from typing import Any

import pytest

from records.folder import APP, CALLS, MODEL, REQUESTS
from reports.columns import Words
from reports.frames import Frames, frames
from reports.tables import Tables, Whose, tables_of


def by_file(files: Any) -> dict[str, list[dict[str, Any]]]:
    return {name: rows for name, rows in files.named().items() if name in (REQUESTS, APP, CALLS, MODEL)}


def in_blocks(rows: dict[str, list[dict[str, Any]]], size: int, whose: Whose) -> Tables:
    tables = Tables(whose)
    for name, of in rows.items():
        for begin in range(0, len(of), size):
            tables.take(name, of[begin : begin + size])
    return tables


def all_of(found: Frames) -> list[Any]:
    tables = [table.to_dict("split") for table in (found.rows, found.attempts, found.strikes)]
    return [repr(tables), found.gaps.us.tolist(), found.gaps.ends.tolist(), found.aborted]


@pytest.fixture
def mixed(rows: SimpleNamespace) -> dict[str, list[dict[str, Any]]]:
    """With all that is left out: another arm's, an unknown outcome, an id that came before, a useless row; two aborted."""
    files = rows.simulate("on", 60)
    files.requests[7] |= {"arm": "off"}
    files.requests[11] |= {"outcome": "splendid"}
    files.requests[20] |= {"tokens": None}
    files.requests[30] |= {"outcome": "aborted"}
    files.requests[31] |= {"outcome": "aborted"}
    files.requests += [row | {"gaps_us": [1, 2, 3]} for row in files.requests[40:44]]
    return by_file(files)


@pytest.mark.parametrize("size", [1, 2, 7, 50])
def test_blocks_of_any_size_make_the_same_tables(mixed: dict[str, list[dict[str, Any]]], size: int):
    whose = Whose("on", 1)
    whole, cut = tables_of(mixed, whose), in_blocks(mixed, size, whose)

    assert all_of(frames(cut, 10.0)) == all_of(frames(whole, 10.0))
    assert cut.problems("there", REQUESTS) == whole.problems("there", REQUESTS)
    assert (cut.planned, cut.twice, cut.unknown) == (whole.planned, 4, 1)


def test_what_is_left_out_takes_nothing_along(mixed: dict[str, list[dict[str, Any]]]):
    found = frames(tables_of(mixed, Whose("on", 1)), 10.0)
    kept = [row for at, row in enumerate(mixed[REQUESTS][:60]) if at not in (7, 11, 20, 30, 31)]

    assert found.rows.index.tolist() == [row["request_id"] for row in kept]
    assert [found.gaps.of(at).tolist() for at in range(len(kept))] == [row["gaps_us"] for row in kept]
    assert found.rows["longest_gap_s"].fillna(0).tolist() == [row["longest_gap_s"] or 0 for row in kept]
    assert found.aborted == 2


def test_the_first_of_two_rows_with_one_id_counts_unless_its_outcome_is_unknown(rows: SimpleNamespace):
    told = [rows.a_request(1, outcome=outcome) for outcome in ("splendid", "cut", "ok")]
    tables = tables_of({REQUESTS: list(map(rows.as_row, told)), APP: [], CALLS: [], MODEL: []})

    assert frames(tables, 10.0).rows["outcome"].tolist() == ["cut"]
    assert tables.problems("there", REQUESTS) == [
        "there: 2 rows left out, their request id came before or their outcome is unknown"
    ]


def test_calls_may_come_in_any_order_and_of_anybody(rows: SimpleNamespace):
    asked = [rows.as_row(rows.a_request(number)) for number in (1, 2)]
    calls = [rows.as_row(rows.a_call(id_)) for id_ in ("curl", "p01-000002", "p01-000002", "p01-000001", "curl")]
    found = frames(tables_of({REQUESTS: asked, APP: [], CALLS: calls, MODEL: []}), 10.0)

    assert found.rows["attempts"].tolist() == [1, 2]
    assert sorted(found.attempts["at"]) == [-1, -1, 0, 1, 1]


def test_texts_come_back_in_alphabetical_categories():
    words = Words()
    column = words.column(words.codes(["b", None, "a", "b", ""]))

    assert [one if isinstance(one, str) else None for one in column] == ["b", None, "a", "b", ""]
    assert list(column.categories) == ["", "a", "b"]
