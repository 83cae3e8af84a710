"""Charts: well-formed, safe to put into one page, and honest about what they leave out."""

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from records.folder import RunFolder
from reports.charts import draw_charts
from reports.load import load
from reports.report import make_report
from reports.svg import OTHER_ARM, Chart
from reports.timeline import MOST_DOTS, MOST_MARKS, MOST_TICKS

DASHED = re.compile(r"stroke-dasharray: 2\.4,2\.4")
CURVE = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def charts(tmp_path_factory: pytest.TempPathFactory, rows: SimpleNamespace) -> list[Chart]:
    arms = {"off": rows.simulate("off", 500), "on": rows.simulate("on", 500)}
    return draw_charts(make_report(load(rows.write_run(tmp_path_factory.mktemp("charts") / "run", arms))))


def test_there_are_four_and_each_is_well_formed_with_title_and_description(charts: list[Chart]):
    assert [chart.name for chart in charts] == ["latency", "curve", "timeline", "outcomes"]
    for chart in charts:
        root = ElementTree.fromstring(chart.svg)
        assert root.find(f"{CURVE}title").text == chart.title
        assert len(root.find(f"{CURVE}desc").text) > 20
        assert root.get("role") == "img"


def test_ids_are_unique_over_all_charts_and_every_reference_is_met(charts: list[Chart]):
    ids = [found for chart in charts for found in re.findall(r'\bid="([^"]+)"', chart.svg)]
    used = {found for chart in charts for found in re.findall(r'(?:href="#|url\(#)([^")]+)', chart.svg)}

    assert len(ids) == len(set(ids))
    assert used <= set(ids)


def test_every_colour_is_the_pages_own(charts: list[Chart]):
    """A colour of matplotlib's would be lost on dark paper."""
    for chart in charts:
        bare = re.sub(r"var\([^)]*\)", "", chart.svg)
        assert not re.findall(r"(?:fill|stroke): ?#\w+", bare)


def test_text_stays_text(charts: list[Chart]):
    assert "cut between chunk 3 and 7" in charts[3].svg
    assert "deadline" in charts[0].svg


def test_few_requests_are_all_drawn_and_many_are_sampled_and_said_so(
    charts: list[Chart], a_run: Callable[..., RunFolder], rows: SimpleNamespace
):
    many = draw_charts(make_report(load(a_run("many", off=rows.simulate("off", 3000, rate_per_s=100)))))

    assert "Too many" not in charts[2].caption
    assert f"{MOST_DOTS} requests and {MOST_TICKS} faults" in many[1].caption
    assert many[1].svg.count("<use") < 2.5 * MOST_DOTS


def changed(rows: SimpleNamespace, count: int, first_s: float) -> list[dict[str, Any]]:
    return [rows.a_change(1 + n / 100, "off", began_s=first_s) for n in range(count)]


def test_changes_are_marked_in_the_panel_of_their_arm(
    a_run: Callable[..., RunFolder], rows: SimpleNamespace, charts: list[Chart]
):
    off, on = rows.simulate("off", 60), rows.simulate("on", 60)
    first_s = on.requests[0]["intended_s"]
    on.changes = changed(rows, 3, first_s)
    chart = draw_charts(make_report(load(a_run("changed", off=off, on=on))))[2]
    text = re.sub(r"<[^>]+>", "", ElementTree.tostring(ElementTree.fromstring(chart.svg), encoding="unicode"))

    assert "faults changed" in text
    assert "listed below" in chart.caption
    assert "on: 0 of 60 requests failed, the faults were changed 3 times" in chart.svg
    assert len(DASHED.findall(chart.svg)) == 3 + len(DASHED.findall(charts[2].svg)) + 1, "three marks and the legend's"
    assert "faults changed" not in charts[2].svg and "listed below" not in charts[2].caption


def test_many_changes_are_sampled_and_said_so(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    off = rows.simulate("off", 60)
    off.changes = changed(rows, 250, off.requests[0]["intended_s"])
    chart = draw_charts(make_report(load(a_run("changed", off=off))))[1]

    assert len(DASHED.findall(chart.svg)) <= MOST_MARKS + 1
    assert f"{MOST_MARKS} marks of each arm" in chart.caption


def test_planned_windows_are_shaded_and_named(a_run: Callable[..., RunFolder], rows: SimpleNamespace, charts: list[Chart]):
    windows = [{"during_s": [1, 2]}, {"during_s": [1, 2]}, {"during_s": [2.5, None]}, {}]
    faults = [fault | window for fault, window in zip(rows.FAULTS, windows, strict=True)]
    run = a_run("windows", off=rows.simulate("off", 90), plan={"name": "p", "faults": faults})
    chart = draw_charts(make_report(load(run)))[1]

    assert "planned window" in chart.svg and "planned window" not in charts[2].svg
    assert chart.caption.endswith(
        "Shaded: the planned windows, cut between chunk 3 and 7 from 1 s to 2 s; service unavailable from 1 s to 2 s; "
        "unprocessable from 2.5 s on."
    )


def test_names_from_outside_are_neither_formulas_nor_markup(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    files = rows.simulate("off", 60)
    for request in files.requests:
        request["arm"] = "a$b$<i>"
    for call in files.calls:
        for fault in call["struck"]:
            fault["fault"] = "<script>$x^2$ & more"
    svg = draw_charts(make_report(load(a_run("odd", **{"a$b$<i>": files}))))[2].svg

    assert "&lt;script&gt;$x^2$ &amp; more" in svg
    assert "<script" not in svg
    ElementTree.fromstring(svg)


def test_an_arm_without_rows_has_no_curve(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    report = make_report(load(a_run("half", off=rows.simulate("off", 60), on=rows.Files())))

    assert "on:" not in ElementTree.fromstring(draw_charts(report)[0].svg).find(f"{CURVE}desc").text


def test_of_many_arms_the_two_compared_have_a_colour_and_a_panel(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    names = ["off", "on", *(f"arm {number}" for number in range(OTHER_ARM - 1))]
    arms = {name: rows.simulate(name, 60) for name in names}
    drawn = {chart.name: chart for chart in draw_charts(make_report(load(a_run("many", **arms))))}

    assert "each other arm" in drawn["latency"].svg and "arm 3" not in re.sub(r"<desc.*?</desc>", "", drawn["latency"].svg)
    assert "arm 3: " in drawn["latency"].svg, "told to who cannot see it"
    for chart in (drawn["timeline"], drawn["outcomes"]):
        assert "arm 3" not in chart.svg
        assert chart.caption.endswith(f"The other {OTHER_ARM - 1} arms are left out of this chart.")


def test_the_curve_tells_the_difference_at_every_quantile(charts: list[Chart]):
    svg = charts[1].svg

    assert re.search(r"<desc[^>]*>on: [+-]\d\.\d\d s at P50, -7\.\d\d s at P95</desc>", svg)
    assert ">P50</text>" in svg and "seconds more than off" in svg
    assert 'faster than "off"' in charts[1].caption


def test_one_arm_alone_has_no_curve_of_differences(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    drawn = draw_charts(make_report(load(a_run("alone", off=rows.simulate("off", 60)))))

    assert [chart.name for chart in drawn] == ["latency", "timeline", "outcomes"]
