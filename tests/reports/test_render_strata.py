"""A run whose rare faults were made frequent: told as such, and told again for an ordinary day."""

import json
from collections.abc import Callable

import pandas as pd
import pytest

from records.folder import STRATA, RunFolder
from reports.load import load
from reports.render_html import render_html
from reports.render_json import render_json
from reports.render_markdown import render_markdown
from reports.render_strata import HEADING, METHOD, STRATIFIED, raised, table
from reports.report import Report, make_report
from tests.reports.shown import RAISED, printed, write_strata


@pytest.fixture
def stratified(a_run: Callable[..., RunFolder]) -> Report:
    folder = a_run("stratified")
    write_strata(folder, 500)
    return make_report(load(folder))


def test_the_ordinary_day_is_calmer_and_the_run_stays_what_it_was(stratified: Report, found: Report):
    rows = {name: cells for name, *cells in table(stratified)}

    assert rows["Failure share"] == ["3.3 % (2.0 % to 5.4 %)", "0 % (0 % to 0.87 %)"]
    assert rows["P95"][0] == "3.36 s" and stratified.arms[0].metrics["p95_s"] == 10
    assert rows["Effective requests"][0].endswith(" of 500")
    assert [arm.metrics for arm in stratified.arms] == [arm.metrics for arm in found.arms]
    assert stratified.verdict == found.verdict
    assert raised(stratified) == [[RAISED, "1.0 %", "12.0 %"]]


def test_the_weighted_figures_can_be_recomputed_from_the_files_alone(stratified: Report):
    folder = stratified.run.folder
    told = pd.read_json(folder.arm("off", 1).path / "requests.jsonl", lines=True).sort_values("request_id")
    weights = told["request_id"].map(json.loads((folder.path / STRATA).read_text())["weights"])
    failed = ~told["outcome"].isin(["ok", "degraded", "rejected"])
    took = (told["finished_s"] - told["intended_s"]).clip(upper=10).mask(failed, 10)
    reached = weights[took.sort_values().index].cumsum()
    off = {one.metric: one.value for one in stratified.ordinary[0].figures}

    assert off["failure_share"] == pytest.approx(weights[failed].sum() / weights.sum())
    assert off["p95_s"] == pytest.approx(took[reached[reached >= 0.95 * weights.sum()].index[0]], abs=1e-6)
    assert stratified.ordinary[0].effective == pytest.approx(weights.sum() ** 2 / (weights**2).sum())


def test_html_tells_both(stratified: Report):
    text = render_html(stratified)
    section = text[text.index('id="strata"') : text.index('id="chart-latency"')]

    assert text.count(STRATIFIED) == 2
    assert HEADING in section and METHOD.split(".")[0] in section
    for cell in (cell for row in table(stratified) for cell in row):
        assert f">{cell}</" in section
    assert f'{RAISED}</th><td class="n">1.0 %</td><td class="n">12.0 %</td>' in section
    assert "1.0 %, raised to 12.0 %" in text


def test_markdown_tells_both_and_still_fits_a_comment(stratified: Report):
    text = render_markdown(stratified)

    assert f"The figures above are {STRATIFIED}." in text
    assert f"| {HEADING} | off | on |" in text
    assert "| Failure share | 3.3 % (2.0 % to 5.4 %) | 0 % (0 % to 0.87 %) |" in text
    assert f"| {RAISED} | 1.0 % | 12.0 % |" in text
    assert len(text) < 5000


def test_the_terminal_tells_both(stratified: Report):
    text = printed(stratified)

    assert f"The figures above are {STRATIFIED}" in text
    assert f"{RAISED} 1.0 % → 12.0 %" in " ".join(text.split())
    assert "3.3 % (2.0 % to 5.4 %)" in text


def test_json_holds_every_figure(stratified: Report):
    told = json.loads(render_json(stratified))["strata"]

    assert told["other_figures"] == STRATIFIED
    assert told["faults"] == {RAISED: {"share": 0.01, "raised_to": 0.12}}
    off = told["arms"]["off"]
    assert (off["requests"], off["without_weight"]) == (500, 0)
    assert off["figures"]["failure_share"]["low"] < off["figures"]["failure_share"]["value"] < 0.16
    assert off["figures"]["p95_s"]["value"] < 10


def test_without_strata_nothing_is_told(found: Report):
    assert json.loads(render_json(found))["strata"] is None
    for text in (render_html(found), render_markdown(found), printed(found)):
        assert "ordinary day" not in text and "stratified" not in text
