"""The terminal: metrics, faults, verdict."""

from collections.abc import Callable
from types import SimpleNamespace

from records.folder import RunFolder
from reports.load import load
from reports.render_markdown import render_markdown
from reports.report import Report, make_report
from tests.reports.shown import printed


def test_the_terminal_tells_metrics_faults_and_verdict(found: Report):
    text = printed(found)

    assert "P95                   10.00 s" in text
    assert "0 of 71 recovered: at most 5.2 %" in text
    assert "Failure share 16.0 % → 0 % · P95 10.00 s → 2.94 s · Retry success 18.4 % → ≥ 94.8 %" in text
    assert "PASS  All 2 bounds hold." in text


def test_the_terminal_takes_names_as_they_are(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    """rich would read [red] as a colour."""
    files = rows.simulate("off", 60)
    for call in files.calls:
        for fault in call["struck"]:
            fault["fault"] = "[red]odd[/red]"

    assert "[red]odd[/red]" in printed(make_report(load(a_run(off=files))))


def test_one_arm_alone_has_no_differences(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    report = make_report(load(a_run(off=rows.simulate("off", 60), plan=None, bounds=[])))

    assert report.comparisons == ()
    assert "95 % interval" not in render_markdown(report)
    assert "→" not in printed(report)
    assert report.verdict.reasons == ("No bound was asked for.",)
