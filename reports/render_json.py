"""The report as JSON: every figure, in seconds and shares."""

from dataclasses import asdict
from typing import Any

import orjson

from reports.metrics import METRICS
from reports.render_strata import METHOD, STRATIFIED
from reports.render_words import methods
from reports.report import ArmReport, Report

SCHEMA_VERSION = 1
TEXTS = ("scenario", "plan")


def render_json(report: Report) -> str:
    """What a program may want to know; keys stay within one schema version."""
    told = {
        "schema_version": SCHEMA_VERSION,
        "run": _without_texts(report.manifest),
        "verdict": {**asdict(report.verdict), "exit_code": report.exit_code},
        "arms": {arm.name: _arm(arm) for arm in report.arms},
        "comparisons": [_keyed(asdict(one)) for one in report.comparisons],
        "bounds": [{**asdict(one), "bound": one.bound.text} for one in report.judged],
        "problems": report.problems,
        "metrics": {metric.name: {"unit": metric.unit, "sentence": metric.sentence} for metric in METRICS},
        "quantiles": "nearest rank: the value at index ceil(q*n)-1 of the sorted values",
        "methods": methods(report),
        "strata": _strata(report),
    }
    return orjson.dumps(told, option=orjson.OPT_INDENT_2).decode() + "\n"


def _without_texts(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest, without the files it holds in full."""
    told = dict(manifest)
    for name in TEXTS:
        if told.get(name):
            told[name] = {key: value for key, value in told[name].items() if key != "text"}
    return told


def _arm(arm: ArmReport) -> dict[str, Any]:
    recovery = {"overall": asdict(arm.overall)}
    every = {group: [asdict(one) for one in getattr(arm, group)] for group in ("by_fault", "by_kind")}
    return {
        "features": arm.features,
        "outcomes": arm.outcomes,
        "metrics": arm.metrics,
        "recovery": recovery | every,
        "faults": [asdict(one) for one in arm.landings],
        "changes": [asdict(one) for one in arm.changes],
    }


def _strata(report: Report) -> dict[str, Any] | None:
    """The figures of an ordinary day; all others are those of the run as it was."""
    if not report.run.strata:
        return None
    return {
        "other_figures": STRATIFIED,
        "method": METHOD,
        "faults": {one.name: {"share": one.share, "raised_to": one.raised_to} for one in report.run.strata.raised},
        "arms": {one.arm: asdict(one) | {"figures": {of.metric: asdict(of) for of in one.figures}} for one in report.ordinary},
    }


def _keyed(comparison: dict[str, Any]) -> dict[str, Any]:
    """Differences by the name of their metric."""
    return comparison | {"differences": {one["metric"]: one for one in comparison["differences"]}}
