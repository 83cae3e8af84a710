"""An arm that the plan spares, beside those that it struck."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from records.folder import RunFolder
from reports import timeline
from reports.load import load
from reports.report import Report, make_report
from reports.write import FORMATS, rendered
from tests.reports.shown import printed

WINDOW = {"name": "incident", "kind": "answer", "share": 1.0, "during_s": [10.0, 14.0]}


@pytest.fixture
def spared(a_run: Callable[..., RunFolder], rows: SimpleNamespace) -> RunFolder:
    """The same load without faults, first; `off` and `on` as always, in a plan that has a window as well."""
    calm = rows.Files(requests=[rows.as_row(rows.a_request(number, arm="calm")) for number in range(1, 60)])
    arms = [{"name": "calm", "features": "none", "faults": False}, {"name": "off"}, {"name": "on"}]
    plan = rows.a_manifest()["plan"]
    plan["faults"] = [*plan["faults"], WINDOW]
    files = {"calm": calm, "off": rows.simulate("off", 300), "on": rows.simulate("on", 300)}
    bounds = ["on.failure_share <= off.failure_share", "calm.failure_share <= 0"]
    return a_run(**files, arms=arms, plan=plan, reference="off", bounds=bounds, embedded=False)


def told(report: Report, arm: str):
    return next(one for one in report.arms if one.name == arm)


def test_no_fault_was_planned_for_it_and_none_is_missed(spared: RunFolder):
    """Whatever never landed in it is no gap in the evidence, and its windows never were."""
    report = make_report(load(spared))

    assert [one.faults for one in report.run.arms] == [False, True, True]
    assert told(report, "calm").landings == () and told(report, "calm").recoveries == ()
    assert len(told(report, "off").landings) == 5 and len(told(report, "off").recoveries) == 1
    assert not any("calm" in reason for reason in report.verdict.reasons)


def test_every_format_tells_of_it(spared: RunFolder):
    for one in FORMATS:
        assert rendered(spared, one)[1]
    report = make_report(load(spared))

    assert "spared this arm" in printed(report)
    # By the reference arm, which is not the first here.
    assert "on − off" in printed(report) and "on − calm" not in printed(report)
    assert "incident from 10 s to 14 s" in timeline._caption(list(report.run.arms), 1, False)
