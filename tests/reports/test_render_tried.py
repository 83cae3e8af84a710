"""How it is told what was tried, in the terminal too."""

import re
from collections.abc import Callable
from types import SimpleNamespace

from records.folder import APP, RunFolder
from reports.load import load
from reports.render_tried import amplified, mechanisms_of, tried, unknowns
from reports.report import Report, make_report
from tests.reports.fates import Fate, Step, rows_of
from tests.reports.shown import printed

SURVIVED = Fate((Step(faults=("cut",)), Step("retry")), served_by="retry")


def a_report(a_run: Callable[..., RunFolder], rows: SimpleNamespace, **arms: list[Fate]) -> Report:
    """A run of these arms."""
    files = {}
    for name, fates in arms.items():
        told = rows_of(fates, arm=name)
        files[name] = rows.Files(*(told[of] for of in ("requests.jsonl", "app.jsonl", "calls.jsonl", "model.jsonl")))
    return make_report(load(a_run(**files, plan=None, bounds=[])))


def test_forty_of_forty_is_at_least_91_percent_in_the_terminal(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    report = a_report(a_run, rows, on=[SURVIVED] * 40)
    text = printed(report)

    assert tried(report, "retry") == ["40 of 40 recovered: at least 91.2 %"]
    assert "Retry success ≥ 91.2 %" in text
    assert re.search(r"retry +40 of 40 recovered: at least 91\.2 %", text)
    assert not re.search(r"(retry|Retry success|recovered).*100 %", text)


def test_each_arm_tells_of_what_it_tried(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    failed = Fate((Step(faults=("cut",)),), "cut", None)
    report = a_report(a_run, rows, off=[failed] * 2, on=[SURVIVED, failed])

    assert mechanisms_of(report) == ["retry", "none"]
    assert tried(report, "retry") == ["–", "1 of 1 recovered: at least 20.6 %"]
    assert tried(report, "none") == ["0 of 2 recovered: at most 65.8 %", "0 of 1 recovered: at most 79.4 %"]
    assert [amplified(arm) for arm in report.arms] == ["1.00", "1.50"]
    assert re.search(r"Attempts of each +1\.00 +1\.50", printed(report))


def test_what_is_unknown_of_all_arms_is_said_once(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    bare = Fate((Step(faults=("cut",)),), proof=None)
    report = a_report(a_run, rows, off=[bare], on=[bare, Fate()])

    assert len(unknowns(report)) == 2
    assert [line.partition(":")[0] for line in unknowns(report)] == ["off", "on"]
    assert unknowns(a_report(a_run, rows, off=[bare], on=[bare]))[0].startswith("No answer carries a proof")


def test_a_run_that_met_no_fault_has_no_such_table(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    assert "Tried" not in printed(a_report(a_run, rows, on=[Fate((Step(),))] * 3))


def test_the_terminal_says_what_could_not_be_known(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    folder = a_run(on=rows.simulate("on", 60))
    (folder.arm("on", 1).path / APP).unlink()

    assert "app.jsonl is missing: why the app called again is unknown" in printed(make_report(load(folder)), 400)
