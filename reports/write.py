"""Writes the reports of a run into its folder."""

import os
from collections.abc import Callable
from pathlib import Path

from records.bad_input import BadInput
from records.folder import RunFolder
from reports.load import load
from reports.render_html import render_html
from reports.render_json import render_json
from reports.render_markdown import render_markdown
from reports.report import Report, make_report

FORMATS: tuple[tuple[str, Callable[[Report], str]], ...] = (
    ("report.html", render_html),
    ("report.md", render_markdown),
    ("report.json", render_json),
)


def report(folder: RunFolder) -> Report:
    """Reads the run, judges it, and writes one file for each format into its folder."""
    found = make_report(load(folder))
    for name, render in FORMATS:
        _replace(folder.path / name, render(found))
    return found


def _replace(path: Path, text: str) -> None:
    """In one step: whoever watches the file sees the old report or the new one."""
    fresh = path.with_name(path.name + ".tmp")
    try:
        fresh.write_text(text)
        os.replace(fresh, path)
    except OSError as error:
        raise BadInput(f"{path}: not writable ({error.strerror})") from None
