"""Rows in, a file out for each format, in time."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from records.bad_input import BadInput
from records.folder import RunFolder
from reports.metrics import METRICS
from reports.render_prometheus import render_prometheus
from reports.report import Report
from reports.write import FORMATS, format_named, report


def test_every_format_is_written_whole(a_run: Callable[..., RunFolder]):
    folder = a_run()
    found = report(folder)

    assert (found.verdict.state, found.exit_code) == ("pass", 0)
    assert {path.name for path in folder.path.iterdir() if path.is_file()} == {"run.json", *(one.file for one in FORMATS)}


def test_formats_are_told_apart():
    assert len({one.name for one in FORMATS}) == len({one.file for one in FORMATS}) == len(FORMATS)
    assert [format_named(one.name) for one in FORMATS] == list(FORMATS)
    with pytest.raises(BadInput, match=r'--format: "mdd" is not a format\. Did you mean "md"\?'):
        format_named("mdd")


def test_the_documents_tell_every_format_and_every_gauge(article: Report):
    told = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()
    gauges = set(re.findall(r"^# TYPE (headwind_\w+) gauge", render_prometheus(article), re.MULTILINE))
    metrics = {f"headwind_{metric.name}" for metric in METRICS}

    assert re.findall(r"^\| `([a-z]+)` \| `([a-z.]+)` \|", told, re.MULTILINE) == [(one.name, one.file) for one in FORMATS]
    assert all(name in told for name in (gauges - metrics) if not name.endswith(("_low", "_high")))


def test_a_report_may_go_elsewhere(a_run: Callable[..., RunFolder], tmp_path: Path):
    folder, out = a_run(), tmp_path / "deep" / "out"
    report(folder, out)

    assert {path.name for path in out.iterdir()} == {one.file for one in FORMATS}
    assert [path.name for path in folder.path.iterdir() if path.is_file()] == ["run.json"]
    (tmp_path / "taken").write_text("")
    with pytest.raises(BadInput, match=r"--out: .*taken: not a folder to write into"):
        report(folder, tmp_path / "taken")


def test_a_run_without_rows_writes_nothing(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    folder = a_run(off=rows.Files())
    with pytest.raises(BadInput):
        report(folder)

    assert [path.name for path in folder.path.iterdir()] == ["run.json"]


def test_a_report_that_cannot_be_written_is_bad_input(a_run: Callable[..., RunFolder]):
    folder = a_run()
    (folder.path / "report.html").mkdir()
    with pytest.raises(BadInput, match=r"report\.html: not writable \(Is a directory\)"):
        report(folder)


def test_a_bare_manifest_is_enough(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    """A run from plain Locust against an app of someone else's: one arm, requests only, no plan, no bounds."""
    files = rows.simulate("off", 60)
    folder = a_run(off=rows.Files(requests=files.requests))
    bare = {"arms": [{"name": "off"}], "pairs": 1, "state": "complete", "deadline_s": 10.0}
    folder.write_manifest(bare)
    found = report(folder)

    assert found.verdict.state == "pass"
    assert found.arms[0].metrics["failure_share"] > 0
    assert found.arms[0].metrics["tokens_spent"] is None


def test_p95_and_failures_can_be_recomputed_from_the_rows_alone(a_run: Callable[..., RunFolder]):
    folder = a_run()
    found = report(folder)
    told = pd.read_json(folder.arm("off", 1).path / "requests.jsonl", lines=True)
    failed = ~told["outcome"].isin(["ok", "degraded", "rejected"])
    took = (told["finished_s"] - told["intended_s"]).clip(upper=10).mask(failed, 10)

    assert found.arms[0].metrics["failure_share"] == failed.mean()
    assert found.arms[0].metrics["p95_s"] == pytest.approx(took.quantile(0.95, interpolation="higher"), abs=1e-6)


def test_a_hundred_thousand_requests_become_a_report_in_seconds(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    """Aim: 5 s on two cores; the guard is generous, and of CPU time, because CI shares its cores."""
    folder = a_run(**{arm: rows.simulate(arm, 5_000, rate_per_s=10) for arm in ("off", "on")})
    for path in folder.path.glob("*/*.jsonl"):
        told = path.read_bytes()
        path.write_bytes(b"".join(told.replace(b'"p01-', b'"c%02d-' % copy) for copy in range(10)))
    began_s = time.process_time()
    found = report(folder)
    took_s = time.process_time() - began_s

    assert found.arms[0].metrics["requests"] == found.arms[1].metrics["requests"] == 50_000
    assert (folder.path / "report.html").stat().st_size < 2_000_000
    assert took_s < 10, f"{took_s:.1f} s"
