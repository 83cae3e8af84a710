"""The report as one HTML file: no network, light and dark, charts inside."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports import render_faults, render_strata
from reports import render_words as words
from reports.charts import draw_charts
from reports.metrics import BY_NAME, METRICS
from reports.report import Report

TEMPLATES = Path(__file__).parent / "templates"


def render_html(report: Report) -> str:
    """Everything from outside is escaped; only the charts are drawn as they are."""
    pages = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return pages.get_template("report.html.j2").render(_shown(report))


def _shown(report: Report) -> dict[str, Any]:
    _, after = words.shown_arms(report)
    compared = words.comparison_of(report, after.name)
    scenario, run = report.manifest.get("scenario") or {}, report.manifest.get("id") or report.run.folder.path.name
    return {
        "report": report,
        "run": run,
        "title": scenario.get("name") or run,
        "summary": scenario.get("summary"),
        "command": report.manifest.get("command"),
        "when": _when(report.manifest),
        "headlines": words.headlines(report),
        "after": after,
        "compared": compared,
        "found": {one.metric: one for one in compared.differences} if compared else {},
        "metrics": METRICS,
        "by_name": BY_NAME,
        "faults": _faults(report),
        "fault_words": render_faults,
        "changes": render_faults.changes(report),
        "strata": render_strata,
        "charts": [(chart, Markup(chart.svg)) for chart in draw_charts(report)],
        "words": words,
        "facts": _facts(report.manifest),
    }


def _when(manifest: dict[str, Any]) -> str:
    wall_s = (manifest.get("clocks") or {}).get("wall_s")
    return f"{datetime.fromtimestamp(wall_s, UTC):%Y-%m-%d %H:%M} UTC" if wall_s else ""


def _faults(report: Report) -> list[dict[str, Any]]:
    """Each fault with its landing and its recovery in every arm."""
    landings = [{one.name: one for one in arm.landings} for arm in report.arms]
    recoveries = [{one.name: one for one in arm.by_fault} for arm in report.arms]
    names = list(dict.fromkeys(name for of in landings for name in of))
    told = {name: next(of[name] for of in landings if name in of) for name in names}
    return [
        {
            "fault": told[name],
            "bug": render_faults.bug_of(report, name),
            "arms": [(landed.get(name), recovered.get(name)) for landed, recovered in zip(landings, recoveries, strict=True)],
        }
        for name in names
    ]


def _facts(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """How it was measured, as pairs of words; what the manifest does not tell is left out."""

    def listed(values: dict[str, Any]) -> str:
        return ", ".join(f"{name} {value}" for name, value in values.items())

    scenario, plan = manifest.get("scenario") or {}, manifest.get("plan") or {}
    facts = {
        "Scenario": scenario.get("path"),
        "Fault plan": plan.get("path"),
        "Seed": manifest.get("seed"),
        "Arms": ", ".join(f"{arm['name']} (features {arm.get('features', 'unknown')})" for arm in manifest["arms"]),
        "Pairs of arms": manifest["pairs"],
        "Offered load": f"{manifest['rate_per_s']:g} requests/s, open loop" if manifest.get("rate_per_s") else None,
        "Duration": f"{manifest['duration_s']:g} s for each arm" if manifest.get("duration_s") else None,
        "Deadline": f"{manifest['deadline_s']:g} s from intended start",
        "Machine": listed(manifest.get("machine") or {}),
        "Versions": listed(manifest.get("versions") or {}),
    }
    return [(name, str(value)) for name, value in facts.items() if value not in (None, "")]
