"""The ledger as a table of its own."""

import io
from collections.abc import Callable
from types import SimpleNamespace

import pandas as pd

from records.folder import MODEL, RunFolder
from reports.entries import COLUMNS
from reports.load import load
from reports.render_csv import render_csv
from reports.report import Report, make_report


def test_every_request_of_every_arm_that_met_a_fault_has_a_line(found: Report):
    table = pd.read_csv(io.StringIO(render_csv(found)), index_col=["arm", "request_id"], keep_default_na=False, na_values=[""])

    assert list(table.columns) == list(COLUMNS)
    for arm in found.arms:
        ours, theirs = arm.ledger.entries, table.loc[arm.name]
        assert theirs.index.tolist() == ours.index.tolist()
        for name in ("faults", "reasons", "saw", "served_by", "mechanisms", "recovered", "attempts", "tokens_spent"):
            assert theirs[name].tolist() == ours[name].tolist(), name
        assert (theirs["own_s"] - ours["own_s"]).abs().max() < 1e-6


def test_what_nobody_knows_is_empty(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    folder = a_run(off=rows.simulate("off", 60))
    (folder.arm("off", 1).path / MODEL).unlink()
    text = render_csv(make_report(load(folder)))
    table = pd.read_csv(io.StringIO(text))

    assert len(table)
    assert ",nan" not in text
    assert table["tokens_spent"].isna().all()
    assert set(table["recovered"]) <= {True, False}


def test_names_with_commas_quotes_and_breaks_stay_whole(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    files, odd = rows.simulate("off", 60), 'a "cut", then\nnothing'
    for call in files.calls:
        for fault in call["struck"]:
            fault["fault"] = odd
    table = pd.read_csv(io.StringIO(render_csv(make_report(load(a_run(off=files))))))

    assert set(table["faults"]) == {odd}
