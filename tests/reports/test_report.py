"""The report as a whole: verdicts of real folders."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from records.folder import RunFolder
from reports.load import load
from reports.report import Report, make_report


def test_every_other_arm_is_compared_with_the_first(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    arms = {arm: rows.simulate(arm, 60) for arm in ("off", "cache", "on")}
    found = make_report(load(a_run(**arms)))

    assert [(one.reference, one.other) for one in found.comparisons] == [("off", "cache"), ("off", "on")]


@pytest.mark.parametrize(
    ("changes", "state", "exit_code"),
    [
        ({}, "pass", 0),
        ({"bounds": ["on.p95_s <= 0.1"]}, "fail", 3),
        ({"state": "partial"}, "inconclusive", 4),
        ({"plan": {"name": "p", "faults": [{"name": "never", "kind": "cut", "share": 0.5}]}}, "vacuous", 4),
    ],
)
def test_verdicts_of_folders(a_run: Callable[..., RunFolder], changes: dict, state: str, exit_code: int):
    found = make_report(load(a_run(**changes)))

    assert (found.verdict.state, found.exit_code) == (state, exit_code)


def test_an_arm_that_left_nothing_makes_the_run_vacuous(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    found = make_report(load(a_run(off=rows.simulate("off", 60), on=rows.Files(), bounds=["on.p95_s <= 9"])))

    assert found.verdict.state == "vacuous"
    assert found.judged[0].state == "inconclusive"


def test_retries_and_wasted_tokens_are_seen(found: Report):
    off, on = found.arms

    assert off.overall.share < 0.3
    assert on.overall.share == 1
    assert on.metrics["tokens_wasted"] > 0
    assert [one.struck for one in off.landings] == [
        one.met for name in off.landings for one in off.by_fault if one.name == name.name
    ]
