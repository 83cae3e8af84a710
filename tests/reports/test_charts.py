"""Charts: well-formed, safe to put into one page, and honest about what they leave out."""

import re
from collections.abc import Callable
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from records.folder import RunFolder
from reports.charts import MOST_DOTS, MOST_TICKS, Chart, draw_charts
from reports.load import load
from reports.report import make_report

CURVE = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def charts(a_run: Callable[..., RunFolder]) -> list[Chart]:
    return draw_charts(make_report(load(a_run())))


def test_there_are_three_and_each_is_well_formed_with_title_and_description(charts: list[Chart]):
    assert [chart.name for chart in charts] == ["latency", "timeline", "outcomes"]
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
    assert "cut between chunk 3 and 7" in charts[2].svg
    assert "deadline" in charts[0].svg


def test_few_requests_are_all_drawn_and_many_are_sampled_and_said_so(
    charts: list[Chart], a_run: Callable[..., RunFolder], rows: SimpleNamespace
):
    many = draw_charts(make_report(load(a_run("many", off=rows.simulate("off", 3000, rate_per_s=100)))))

    assert "Too many" not in charts[1].caption
    assert f"{MOST_DOTS} requests and {MOST_TICKS} faults" in many[1].caption
    assert many[1].svg.count("<use") < 2.5 * MOST_DOTS


def test_names_from_outside_are_neither_formulas_nor_markup(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    files = rows.simulate("off", 60)
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
