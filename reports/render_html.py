"""The report as one HTML file: no network, light and dark, charts and the ledger inside."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports import render_faults, render_strata
from reports import render_words as words
from reports.charts import colours, draw_charts
from reports.metrics import BY_NAME
from reports.render_measured import when
from reports.render_summary import sentences
from reports.report import Report
from reports.sections import Page, sections

TEMPLATES = Path(__file__).parent / "templates"


def render_html(report: Report) -> str:
    """Everything from outside is escaped; only the charts, and the ledger's data, are put in as they are."""
    pages = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return pages.get_template("report.html.j2").render(_shown(report))


def _shown(report: Report) -> dict[str, Any]:
    before, after = words.shown_arms(report)
    scenario, run = report.manifest.get("scenario") or {}, report.manifest.get("id") or report.run.folder.path.name
    told = sections(Page(report, {chart.name: chart for chart in draw_charts(report)}))
    return {
        "report": report,
        "run": run,
        "title": scenario.get("name") or run,
        "summary": scenario.get("summary"),
        "when": when(report.manifest),
        "sentences": sentences(report),
        "headlines": [one for one in words.headlines(report) if {one.before, one.after} - {None, words.UNKNOWN}],
        "before": before,
        "after": after,
        "colours": colours(report),
        "sections": told,
        "has_ledger": any(one.section.name == "ledger" for one in told),
        "by_name": BY_NAME,
        "words": words,
        "fault_words": render_faults,
        "strata": render_strata,
    }
