"""Writes the reports of a run, one file for each format."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from records.bad_input import BadInput, unknown
from records.folder import RunFolder
from reports.load import load
from reports.render_csv import render_csv
from reports.render_html import render_html
from reports.render_json import render_json
from reports.render_junit import render_junit
from reports.render_markdown import render_markdown
from reports.render_prometheus import render_prometheus
from reports.report import Report, make_report
from reports.schema import render_schema


@dataclass(frozen=True)
class Format:
    """One way to tell a report."""

    name: str
    """As `headwind report --format` knows it."""
    file: str
    render: Callable[[Report], str]


FORMATS = (
    Format("html", "report.html", render_html),
    Format("md", "report.md", render_markdown),
    Format("json", "report.json", render_json),
    Format("schema", "report.schema.json", render_schema),
    Format("junit", "report.junit.xml", render_junit),
    Format("prom", "report.prom", render_prometheus),
    Format("ledger", "ledger.csv", render_csv),
)


def report(folder: RunFolder, out: Path | None = None, formats: tuple[Format, ...] = FORMATS) -> Report:
    """Reads the run, judges it, and writes one file for each format: into its folder, or into `out`."""
    found = make_report(load(folder))
    into = out or folder.path
    _make(into)
    for one in formats:
        _replace(into / one.file, one.render(found))
    return found


def rendered(folder: RunFolder, one: Format) -> tuple[Report, str]:
    """The run, judged, and its text in one format; nothing is written."""
    found = make_report(load(folder))
    return found, one.render(found)


def format_named(name: str) -> Format:
    """The format of that name."""
    known = {one.name: one for one in FORMATS}
    if name not in known:
        raise BadInput(f"--format: {unknown('format', name, known)}")
    return known[name]


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--out: {folder}: not a folder to write into ({error.strerror})") from None


def _replace(path: Path, text: str) -> None:
    """In one step: whoever watches the file sees the old report or the new one."""
    fresh = path.with_name(path.name + ".tmp")
    try:
        fresh.write_text(text, encoding="utf-8")
        os.replace(fresh, path)
    except OSError as error:
        raise BadInput(f"{path}: not writable ({error.strerror})") from None
