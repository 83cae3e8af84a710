"""The sections of the HTML report in the order they are read: a title, a template of the same name, and what it is told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from reports import (
    render_ablation,
    render_arms,
    render_cache,
    render_faults,
    render_gate,
    render_measured,
    render_mechanisms,
    render_recoveries,
    render_strata,
)
from reports.render_glossary import glossary
from reports.render_ledger import ledger
from reports.report import Report
from reports.svg import Chart

Told = dict[str, Any]
MOST_PROBLEMS = 12


@dataclass(frozen=True)
class Page:
    """What every section is made from."""

    report: Report
    charts: Mapping[str, Chart]


@dataclass(frozen=True)
class Section:
    """One part of the page; `tell` says None where the run has nothing for it, and then it is left out."""

    name: str
    """Of its anchor, and of its template in `templates/sections/`."""
    title: str
    tell: Callable[[Page], Told | None]
    template: str = ""

    @property
    def path(self) -> str:
        return f"sections/{self.template or self.name}.html.j2"


@dataclass(frozen=True)
class Shown:
    """A section with what it is told."""

    section: Section
    told: Told


def sections(page: Page) -> list[Shown]:
    """Every section that this run can fill."""
    return [Shown(one, told) for one in SECTIONS if (told := one.tell(page)) is not None]


def _problems(page: Page) -> Told | None:
    told = page.report.problems
    return {"problems": told[:MOST_PROBLEMS], "more": len(told) - MOST_PROBLEMS} if told else None


def _strata(page: Page) -> Told | None:
    return {"strata": render_strata} if page.report.ordinary else None


def _chart(name: str) -> Callable[[Page], Told | None]:
    def tell(page: Page) -> Told | None:
        chart = page.charts.get(name)
        return {"chart": chart, "svg": Markup(chart.svg)} if chart else None

    return tell


def _timeline(page: Page) -> Told | None:
    """The changes are told also where nothing could be drawn."""
    changes = render_faults.changes(page.report)
    drawn = _chart("timeline")(page)
    return (drawn or {"chart": None}) | {"changes": changes} if drawn or changes else None


SECTIONS = (
    Section("problems", "Problems", _problems),
    Section("gate", "The gate", lambda page: render_gate.tell(page.report)),
    Section("ablation", "What each feature is worth", lambda page: render_ablation.tell(page.report)),
    Section("arms", "Arms side by side", lambda page: render_arms.tell(page.report)),
    Section("strata", render_strata.HEADING, _strata),
    Section("chart-latency", "How long users waited", _chart("latency"), "chart"),
    Section("chart-curve", "The difference at every quantile", _chart("curve"), "chart"),
    Section("cache", "Cold and warm cache apart", lambda page: render_cache.tell(page.report)),
    Section("chart-timeline", "The run over time", _timeline, "timeline"),
    Section("recover", "How soon users were served as before", lambda page: render_recoveries.tell(page.report)),
    Section("chart-outcomes", "What users got, by the fault they met", _chart("outcomes"), "chart"),
    Section("faults", "What each fault did", lambda page: {"faults": render_faults.faults(page.report)}),
    Section("mechanisms", "What was tried, and how often it helped", lambda page: render_mechanisms.tell(page.report)),
    Section("ledger", "The ledger", lambda page: ledger(page.report)),
    Section("bounds", "Bounds", lambda page: {"judged": page.report.judged}),
    Section("measured", "How it was measured", lambda page: render_measured.tell(page.report)),
    Section("glossary", "Glossary", lambda page: {"glossary": glossary(page.report)}),
)
