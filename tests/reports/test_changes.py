"""What was changed about the faults while a run went on, and what that makes of it."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from records.bad_input import BadInput
from records.folder import RunFolder
from reports.against import compare_to_baseline
from reports.baseline import make_baseline
from reports.changes import silencing
from reports.load import load
from reports.render_faults import changes, fates
from reports.render_html import render_html
from reports.render_json import render_json
from reports.render_markdown import render_markdown
from reports.report import Report, make_report
from tests.reports.shown import printed

CUT = "cut between chunk 3 and 7"
ON_BEGAN_S = 5100.0
"""When the first request of any arm but "off" is due, but for the gap to it."""


@pytest.fixture
def changed(a_run: Callable[..., RunFolder], rows: SimpleNamespace) -> Callable[..., Report]:
    """changed(off=[row, ...], on=[...], bounds=[...]): the report of a run of these arms with these changes."""

    def make(*, bounds: list[str] = [], pairs: int = 1, plan: Any = None, **of_arm: list[dict[str, Any]]) -> Report:
        arms = {arm: rows.simulate(arm, 200) for arm in of_arm}
        for arm, told in of_arm.items():
            arms[arm].changes = told
        return make_report(load(a_run(**arms, bounds=bounds, pairs=pairs, **({"plan": plan} if plan else {}))))

    return make


def test_changes_are_told_in_the_time_of_the_run(changed: Callable[..., Report], rows: SimpleNamespace):
    first_s = rows.simulate("off", 1).requests[0]["intended_s"]
    told = [
        rows.a_change(20, "stop", "halt_if", first_s, why="error share 0.6 over 0.5"),
        rows.a_change(12.34, "off", began_s=first_s, fault="cut"),
        rows.a_change(14, "share", "control", first_s, fault="cut", value=0.05),
        rows.a_change(15, "plan", "control", first_s, value="bad-day 3f2a9c"),
        rows.a_change(16, "off", began_s=first_s),
        rows.a_change(17, "stop", began_s=first_s),
        rows.a_change(-1.5, "on", began_s=first_s, fault="cut"),
    ]

    assert changes(changed(off=told)) == [
        'off, 1.5 s before the first request: "cut" on, by web ui',
        'off, at 12.3 s: "cut" off, by web ui',
        'off, at 14.0 s: share of "cut" now 5.0 %, by control',
        "off, at 15.0 s: plan now bad-day 3f2a9c, by control",
        "off, at 16.0 s: all faults off, by web ui",
        "off, at 17.0 s: all faults off, by web ui",
        "off, at 20.0 s: chaos ended by itself, by halt_if (error share 0.6 over 0.5)",
    ]


def test_many_changes_are_counted(changed: Callable[..., Report], rows: SimpleNamespace):
    told = changes(changed(off=[rows.a_change(n / 10, "share", "control", value=0.1) for n in range(120)]), most=50)

    assert (len(told), told[-1]) == (51, "and 70 more, in report.json")


def test_of_several_pairs_the_pair_is_told(changed: Callable[..., Report], rows: SimpleNamespace):
    assert changes(changed(off=[rows.a_change(3, "stop", "stop_after_s")], pairs=2))[0].startswith("off, pair 1, at ")


def test_a_hand_makes_the_comparison_inconclusive(changed: Callable[..., Report], rows: SimpleNamespace):
    bounds = ["on.p95_s <= 0.5 * off.p95_s", "on.wrong_share <= 0"]
    found = changed(off=[], on=[rows.a_change(3, "off", "web ui", ON_BEGAN_S), rows.a_change(4, "on", "control", ON_BEGAN_S)],
                    bounds=bounds)  # fmt: skip

    assert (found.verdict.state, found.exit_code) == ("inconclusive", 4)
    assert [one.state for one in found.judged] == ["inconclusive", "pass"]
    assert "did not meet the same weather" in found.judged[0].why
    assert 'The faults of arm "on" were changed by hand: the comparison of the arms is inconclusive.' in found.verdict.reasons
    assert len(found.problems) == 1
    assert found.problems[0].startswith('The faults of arm "on" were changed by hand (2 times, first at ')
    assert found.problems[0].endswith(" s, by web ui and control): the arms did not meet the same weather.")


def test_a_bound_of_two_arms_cannot_fail_where_a_hand_changed_one(changed: Callable[..., Report], rows: SimpleNamespace):
    """But a bound of one arm alone that failed has failed."""
    by_hand = [rows.a_change(3, "off")]

    assert changed(off=by_hand, on=[], bounds=["on.p95_s <= 0.001 * off.p95_s"]).verdict.state == "inconclusive"
    assert changed(off=by_hand, on=[], bounds=["on.p95_s <= 0.001"]).verdict.state == "fail"


def test_a_hand_in_a_run_of_one_arm_is_a_problem_and_no_verdict(changed: Callable[..., Report], rows: SimpleNamespace):
    found = changed(off=[rows.a_change(3, "off")])

    assert found.verdict.state == "pass"
    assert found.problems[0].endswith(", by web ui): what it met is not what the plan and its seed say.")


def test_chaos_that_ends_after_its_time_is_told_and_no_verdict(changed: Callable[..., Report], rows: SimpleNamespace):
    told = [rows.a_change(8, "stop", "stop_after_s", why="8 s are over")]
    found = changed(off=told, on=[rows.a_change(8, "stop", "stop_after_s", ON_BEGAN_S)])

    assert (found.verdict.state, found.problems) == ("pass", ())
    assert "chaos ended by itself, by stop_after_s (8 s are over)" in changes(found)[0]


@pytest.mark.parametrize("arms", [("off",), ("off", "on")])
def test_chaos_that_was_halted_makes_the_run_inconclusive(
    changed: Callable[..., Report], rows: SimpleNamespace, arms: tuple[str, ...]
):
    halt = [rows.a_change(5, "stop", "halt_if", why="error share of users 0.62, at most 0.5")]
    found = changed(**{arm: halt if arm == "off" else [] for arm in arms})
    reason = found.verdict.reasons[0]

    assert found.verdict.state == "inconclusive"
    assert reason.startswith('halt_if ended chaos in arm "off" at ')
    assert reason.endswith(" s (error share of users 0.62, at most 0.5): what was to strike later did not.")
    assert found.problems == ()


def test_a_halt_does_not_hide_a_bound_that_failed(changed: Callable[..., Report], rows: SimpleNamespace):
    found = changed(off=[rows.a_change(5, "stop", "halt_if")], bounds=["off.p95_s <= 0.001"])

    assert found.verdict.state == "fail"
    assert any("halt_if ended chaos" in reason for reason in found.verdict.reasons)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"action": "off", "fault": "never"}, "it was switched off at 1.0 s, by web ui"),
        ({"action": "off"}, "it was switched off at 1.0 s, by web ui"),
        ({"action": "share", "fault": "never", "value": 0}, "it was switched off at 1.0 s, by web ui"),
        ({"action": "stop", "by": "halt_if"}, "it was switched off at 1.0 s, by halt_if"),
        ({"action": "plan", "value": "calm"}, "its plan was replaced at 1.0 s, by web ui"),
    ],
)
def test_a_fault_that_was_switched_off_before_it_landed_says_so(
    changed: Callable[..., Report], rows: SimpleNamespace, change: dict[str, Any], told: str
):
    first_s = rows.simulate("off", 1).requests[0]["intended_s"]
    plan = {"name": "p", "faults": [{"name": "never", "kind": "cut", "share": 0.5}]}
    found = changed(off=[rows.a_change(1, began_s=first_s, **change)], plan=plan)

    assert found.verdict.state == "vacuous"
    assert found.verdict.reasons[0] == f'The planned fault "never" never landed in any arm: in arm "off" {told}.'
    assert fates(found, "never") == [f"met by no request; {told}"]


def test_a_change_before_the_first_request_is_told_so_everywhere(changed: Callable[..., Report], rows: SimpleNamespace):
    """No moment of a run is "-0.4 s"."""
    first_s = rows.simulate("off", 1).requests[0]["intended_s"]
    plan = {"name": "p", "faults": [{"name": "never", "kind": "cut", "share": 0.5}]}
    found = changed(off=[rows.a_change(-0.4, began_s=first_s, action="off", fault="never")], plan=plan)

    assert fates(found, "never") == ["met by no request; it was switched off 0.4 s before the first request, by web ui"]
    assert "(once 0.4 s before the first request, by web ui)" in found.problems[0]


def test_a_fault_that_its_plan_keeps_off_was_not_switched_off(changed: Callable[..., Report], rows: SimpleNamespace):
    plan = {"name": "p", "faults": [{"name": "asleep", "kind": "cut", "share": 0.5, "on": False}]}
    found = changed(off=[rows.a_change(1, "stop", "web ui")], plan=plan)

    assert fates(found, "asleep") == ["met by no request; off in its plan"]


@pytest.mark.parametrize(
    "change",
    [
        {"action": "off", "fault": "cut"},
        {"action": "on", "fault": "never"},
        {"action": "share", "fault": "never", "value": 0.1},
    ],
)
def test_another_change_silences_nothing(changed: Callable[..., Report], rows: SimpleNamespace, change: dict[str, Any]):
    plan = {"name": "p", "faults": [{"name": "never", "kind": "cut", "share": 0.5}]}
    found = changed(off=[rows.a_change(1, **change)], plan=plan)

    assert silencing(found.arms[0].changes, "never") is None
    assert found.verdict.reasons[0] == 'The planned fault "never" never landed in any arm.'


def test_every_format_lists_the_changes(changed: Callable[..., Report], rows: SimpleNamespace):
    first_s = rows.simulate("off", 1).requests[0]["intended_s"]
    found = changed(off=[rows.a_change(3, "off", began_s=first_s, fault=CUT)], on=[])
    line = f'off, at 3.0 s: "{CUT}" off, by web ui'
    told = json.loads(render_json(found))

    assert f"- {line}" in render_markdown(found)
    assert line in printed(found)
    html = render_html(found)
    timeline = html[html.index('id="chart-timeline"') : html.index('id="chart-outcomes"')]
    assert f"<li>{line.replace(chr(34), '&#34;')}</li>" in timeline
    assert told["arms"]["on"]["changes"] == []
    assert told["arms"]["off"]["changes"] == [
        {"pair": 1, "start_s": pytest.approx(3.0), "action": "off", "by": "web ui", "fault": CUT, "value": None, "why": ""}
    ]


def test_changes_are_told_also_where_nothing_could_be_drawn(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    aborted = [rows.as_row(rows.a_request(n, outcome="aborted")) for n in range(5)]
    told = rows.Files(requests=aborted, changes=[rows.a_change(1, "off")])

    assert "all faults off, by web ui</li>" in render_html(make_report(load(a_run(off=told))))


def test_nothing_changed_is_not_told(changed: Callable[..., Report]):
    found = changed(off=[], on=[])

    for text in (render_html(found), render_markdown(found), printed(found)):
        assert "Changed while it ran" not in text


def test_a_changed_run_is_no_baseline_and_passes_no_gate(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    def run(name: str, told: list[dict[str, Any]]) -> Any:
        files = rows.simulate("on", 500)
        files.changes = told
        return load(a_run(name, on=files))

    baseline, by_hand = make_baseline(run("before", [])), run("by-hand", [rows.a_change(1, "off")])
    halted = run("halted", [rows.a_change(1, "stop", "halt_if")])

    assert compare_to_baseline(run("again", []), baseline, "on", 0.1).state == "pass"
    assert "changed by hand" in compare_to_baseline(by_hand, baseline, "on", 0.1).reasons[-1]
    assert compare_to_baseline(by_hand, baseline, "on", 0.1).state == "inconclusive"
    assert compare_to_baseline(halted, baseline, "on", 0.1).state == "inconclusive"
    for changed in (by_hand, halted):
        with pytest.raises(BadInput, match="not fit as a baseline"):
            make_baseline(changed)
