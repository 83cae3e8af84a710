"""The published schema of report.json (JSON Schema 2020-12), made from the types that a report is made of.

`python -m reports.schema` writes report.schema.json anew; a test holds that it was.
"""

from pathlib import Path

import orjson

from records.rows import OUTCOMES
from reports.ablation import HARMS, HELPS, MIXED, NONE_SEEN, UNKNOWN, Ablation
from reports.bounds import Judged
from reports.compare import Comparison, Difference
from reports.gate import Gate
from reports.metrics import METRICS, Metric
from reports.report import ArmReport, Report
from reports.schema_run import RUN, SAID
from reports.schema_types import Definitions, Schema, fixed, keyed, listed
from reports.strata import REWEIGHTED, Raised, Reweighted, Weighted
from reports.verdict import EXIT_CODES, Verdict

SCHEMA_VERSION = 2
"""Grows when a key goes or changes its meaning; not when one comes."""
FILE = "report.schema.json"
PATH = Path(__file__).parent / FILE
LEFT_OUT = frozenset({"Ledger.entries"})
"""Fields that report.json does not hold: a line for each request is what the rows are."""
METRIC = {"enum": [metric.name for metric in METRICS]}
TEXT, TEXTS = {"type": "string"}, listed({"type": "string"})
UNIT_AND_SENTENCE = fixed({"unit": {"enum": sorted({metric.unit for metric in METRICS})}, "sentence": TEXT})
COUNT: Schema = {"type": "integer", "minimum": 0}


def render_schema(report: Report) -> str:
    """The same for every report: it lies beside report.json, which names it."""
    return PATH.read_text(encoding="utf-8")


def schema() -> Schema:
    """The schema of the reports that this version writes."""
    definitions = Definitions(_INSTEAD, _BESIDE, LEFT_OUT)
    keys = _keys(definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": FILE,
        "title": "Headwind's report of a run",
        "description": "Seconds and shares (0 to 1) throughout; null is a figure that nobody knows.",
        **fixed(keys),
        "$defs": {"Said": SAID, "Words": UNIT_AND_SENTENCE, **dict(sorted(definitions.found.items()))},
    }


def _keys(definitions: Definitions) -> dict[str, Schema]:
    of = definitions.of
    return {
        "$schema": {"const": FILE, "description": "This schema, in the same folder."},
        "schema_version": {"const": SCHEMA_VERSION},
        "run": RUN,
        "verdict": of(Verdict),
        "arms": keyed(
            _arm(definitions), description="Every arm by its name, in the scenario's order; the first is the reference."
        ),
        "comparisons": listed(_comparison(definitions), description="Every other arm against the first."),
        "bounds": listed(of(Judged)),
        "gates": listed(of(Gate), description="What the gate says of each of its comparisons; none for an ordinary run."),
        "ablation": of(Ablation | None) | {"description": "For a run whose arms were made to tell what each feature is worth."},
        "problems": TEXTS | {"description": "What a reader must know beside the verdict."},
        "metrics": fixed({metric.name: {"$ref": "#/$defs/Words"} for metric in METRICS}),
        "quantiles": TEXT,
        "methods": TEXTS | {"description": "How the intervals came about."},
        "strata": _strata(definitions),
    }


def _arm(definitions: Definitions) -> Schema:
    told = definitions.fields_of(ArmReport)
    recovery = fixed({name: told.pop(name) for name in ("overall", "by_fault", "by_kind")})
    named = {"features": told.pop("features"), "outcomes": told.pop("outcomes"), "metrics": told.pop("metrics")}
    del told["name"]
    return fixed(named | {"recovery": recovery, "faults": told.pop("landings")} | told)


def _comparison(definitions: Definitions) -> Schema:
    told = definitions.fields_of(Comparison)
    return fixed(told | {"differences": fixed({metric.name: definitions.of(Difference) for metric in METRICS})})


def _strata(definitions: Definitions) -> Schema:
    day = definitions.fields_of(Reweighted) | {"figures": fixed(dict.fromkeys(REWEIGHTED, definitions.of(Weighted)))}
    raised = definitions.fields_of(Raised)
    del raised["name"]
    known = {"other_figures": TEXT, "method": TEXT, "faults": keyed(fixed(raised)), "arms": keyed(fixed(day))}
    told = "The figures of an ordinary day, for a run whose rare faults were made frequent; null for any other."
    return {"description": told, "anyOf": [fixed(known), {"type": "null"}]}


def _measured(metric: Metric) -> Schema:
    limits = {"minimum": 0, "maximum": 1} if metric.unit == "share" else {}
    return {"description": f"{metric.sentence} In {metric.unit}.", "type": ["number", "null"], **limits}


_INSTEAD: dict[str, Schema] = {
    "ArmReport.metrics": fixed({metric.name: _measured(metric) for metric in METRICS}),
    "ArmReport.outcomes": fixed(dict.fromkeys((*OUTCOMES, "aborted"), COUNT)),
    "Verdict.state": {"enum": list(EXIT_CODES)},
    "Judged.bound": TEXT,
    "Gate.state": {"enum": list(EXIT_CODES)},
    "Gate.expected": {"enum": ["", "pass", "fail"]},
    "Looked.state": {"enum": ["pass", "fail", "open"]},
    "Judged.state": {"enum": ["pass", "fail", "inconclusive"]},
    "Difference.metric": METRIC,
    "Weighted.metric": {"enum": list(REWEIGHTED)},
    "Change.action": {"enum": ["on", "off", "share", "plan", "stop"]},
}
_BESIDE: dict[str, dict[str, Schema]] = {
    "Verdict": {"exit_code": {"enum": sorted(set(EXIT_CODES.values()))}},
    "Worth": {"word": {"enum": [HELPS, MIXED, HARMS, NONE_SEEN, UNKNOWN]}},
    "Gate": {"outcome": {"enum": list(EXIT_CODES)}},
}


def text() -> str:
    """The schema as its file holds it."""
    return orjson.dumps(schema(), option=orjson.OPT_INDENT_2).decode() + "\n"


def write() -> None:
    PATH.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    write()
