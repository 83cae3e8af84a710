"""The report as JSON: every figure, in seconds and shares. Its schema is made in reports/schema.py."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

import orjson

from reports.metrics import METRICS
from reports.render_strata import METHOD, STRATIFIED
from reports.render_words import methods
from reports.report import ArmReport, Report
from reports.schema import FILE, LEFT_OUT, SCHEMA_VERSION

TEXTS = ("scenario", "plan")


def render_json(report: Report) -> str:
    """What a program may want to know; keys stay within one schema version."""
    return orjson.dumps(as_told(report), option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY).decode() + "\n"


def as_told(report: Report) -> dict[str, Any]:
    """What stands in the file; a dataclass stands for its fields."""
    return {
        "$schema": FILE,
        "schema_version": SCHEMA_VERSION,
        "run": _without_texts(report.manifest),
        "verdict": _fields(report.verdict) | {"exit_code": report.exit_code},
        "arms": {arm.name: _arm(arm) for arm in report.arms},
        "comparisons": [_fields(one) | {"differences": _keyed(one.differences)} for one in report.comparisons],
        "bounds": [_fields(one) | {"bound": one.bound.text} for one in report.judged],
        "gates": [_fields(one) | {"outcome": one.outcome} for one in report.gates],
        "ablation": _ablation(report),
        "problems": report.problems,
        "metrics": {metric.name: {"unit": metric.unit, "sentence": metric.sentence} for metric in METRICS},
        "quantiles": "nearest rank: the value at index ceil(q*n)-1 of the sorted values",
        "methods": methods(report),
        "strata": _strata(report),
    }


def _without_texts(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest, without the files it holds in full."""
    told = dict(manifest)
    for name in TEXTS:
        if told.get(name):
            told[name] = {key: value for key, value in told[name].items() if key != "text"}
    return told


def _fields(of: Any) -> dict[str, Any]:
    """The fields of a dataclass, as they are; those that only the other formats need are left out."""
    names = [one.name for one in fields(of) if f"{type(of).__name__}.{one.name}" not in LEFT_OUT]
    return {name: getattr(of, name) for name in names}


def _keyed(found: Iterable[Any]) -> dict[str, Any]:
    """Figures by the name of their metric."""
    return {one.metric: one for one in found}


def _arm(arm: ArmReport) -> dict[str, Any]:
    """All that its report holds, by the same names, but for its faults and what became of those who met them."""
    told = _fields(arm)
    del told["name"]
    told["ledger"] = _fields(arm.ledger)
    recovery = {name: told.pop(name) for name in ("overall", "by_fault", "by_kind")}
    return told | {"recovery": recovery, "faults": told.pop("landings")}


def _ablation(report: Report) -> dict[str, Any] | None:
    """The most valuable feature first; null for a run that was not made to tell."""
    found = report.ablation
    return _fields(found) | {"features": [_fields(one) | {"word": one.word} for one in found.features]} if found else None


def _strata(report: Report) -> dict[str, Any] | None:
    """The figures of an ordinary day; all others are those of the run as it was."""
    if not report.run.strata:
        return None
    return {
        "other_figures": STRATIFIED,
        "method": METHOD,
        "faults": {one.name: {"share": one.share, "raised_to": one.raised_to} for one in report.run.strata.raised},
        "arms": {one.arm: _fields(one) | {"figures": _keyed(one.figures)} for one in report.ordinary},
    }
