"""JSON: every figure, in seconds and shares."""

import json
from collections.abc import Callable
from types import SimpleNamespace

from records.folder import RunFolder
from reports.load import load
from reports.render_json import SCHEMA_VERSION, render_json
from reports.report import Report, make_report


def test_json_holds_every_figure_in_seconds_and_shares(found: Report):
    told = json.loads(render_json(found))

    assert told["schema_version"] == SCHEMA_VERSION
    assert told["verdict"] == {"state": "pass", "reasons": ["All 2 bounds hold."], "partial": False, "exit_code": 0}
    assert told["arms"]["off"]["metrics"]["p95_s"] == 10
    assert told["arms"]["off"]["metrics"]["failure_share"] == 0.16
    assert told["arms"]["on"]["recovery"]["overall"]["share"] == 1
    assert told["arms"]["on"]["recovery"]["by_kind"][1]["name"] == "cut"
    assert told["arms"]["off"]["outcomes"]["ok"] == 420 - told["arms"]["off"]["outcomes"]["rejected"]
    assert sum(told["arms"]["off"]["outcomes"].values()) == 500
    assert told["comparisons"][0]["differences"]["p95_s"]["ratio_high"] < 0.5
    assert told["bounds"][0]["state"] == "pass"
    assert told["run"]["seed"] == 7
    assert "text" not in told["run"]["plan"]
    assert set(told["metrics"]) == set(told["arms"]["on"]["metrics"])


def test_json_knows_no_nan(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    def refuse(word: str) -> None:
        raise AssertionError(word)

    report = make_report(load(a_run(off=rows.simulate("off", 30), on=rows.Files())))
    told = json.loads(render_json(report), parse_constant=refuse)

    assert told["arms"]["on"]["metrics"]["p95_s"] is None
    assert told["verdict"]["state"] == "vacuous"
