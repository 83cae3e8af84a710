"""The ledger as a table for other tools: one line for each request of any arm that met a fault."""

import csv
import io
from collections.abc import Iterable
from typing import Any

import pandas as pd

from reports.report import Report

DIGITS = 6
"""Of seconds: microseconds."""


def render_csv(report: Report) -> str:
    """Comma-separated, with a line of names; empty where a figure is unknown, lists of a request joined by ", "."""
    out = io.StringIO(newline="")
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(["arm", "request_id", *report.arms[0].ledger.entries.columns])
    for arm in report.arms:
        entries = arm.ledger.entries
        columns = [_told(entries[name]) for name in entries.columns]
        lines.writerows(zip([arm.name] * len(entries), entries.index, *columns, strict=True))
    return out.getvalue()


def _told(column: "pd.Series[Any]") -> Iterable[object]:
    if column.dtype.kind == "f":
        return [_number(value) for value in column.tolist()]
    return ["true" if value else "false" for value in column] if column.dtype.kind == "b" else column.tolist()


def _number(value: float) -> object:
    """Whole ones without a point; NaN is what differs from itself."""
    if value != value:
        return ""
    return int(value) if value.is_integer() else round(value, DIGITS)
