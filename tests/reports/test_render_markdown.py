"""Markdown: the facts, short, and safe inside a comment."""

from collections.abc import Callable
from types import SimpleNamespace

from records.folder import RunFolder
from reports.load import load
from reports.render_markdown import render_markdown
from reports.report import Report, make_report


def test_markdown_tells_the_facts_and_fits_a_comment(found: Report):
    text = render_markdown(found)

    assert text.startswith("### Headwind: article: **pass**")
    assert "| P95 | 10.00 s | " in text
    assert "| Failure share | 16.0 % | 0 % | −16.0 points |" in text
    assert "52 of 52 recovered: at least 93.1 %" in text
    assert "✅ `on.p95_s <= 0.5 * off.p95_s`" in text
    assert "spread within this run, not between runs" in text
    assert len(text) < 4000


def test_markdown_leaves_no_markup_of_others(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    files = rows.simulate("off", 60)
    for call in files.calls:
        for fault in call["struck"]:
            fault |= {"fault": "a | b <img src=x> [link](http://x) @you", "bug": "<img src=y> | `z`"}
    files.changes = [rows.a_change(1, "off", "<b>me</b>", fault="<img src=z>", why="[x](y)")]
    scenario = {"name": "**bold** <b>x</b>", "text": ""}
    text = render_markdown(make_report(load(a_run(off=files, scenario=scenario, command="run `x`"))))

    assert "<img" not in text
    assert "<b>" not in text
    assert r"a \| b" in text
    assert "`run 'x'`" in text
