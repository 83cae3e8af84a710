"""A fault that raised says nothing of the app, and the verdict says so."""

import json
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from records.folder import RunFolder
from reports.bugs import bugs, worst
from reports.load import load
from reports.render_faults import all_fates, fates
from reports.render_html import render_html
from reports.render_json import render_json
from reports.render_markdown import render_markdown
from reports.report import Report, make_report
from tests.reports.shown import printed

BROKE = "KeyError('x') at my_fault.py:7"
STUTTER = {"name": "stutter", "kind": "stutter", "bug": BROKE}
OURS = {"name": "bug", "kind": "bug", "bug": "AttributeError('gone') at carrier.py:70"}


def test_each_fault_with_a_bug_is_a_sentence(rows: SimpleNamespace):
    def arm(name: str, count: int) -> Any:
        calls = [rows.a_call(f"p01-{n:06d}", faults=[STUTTER]) for n in range(1, count + 1)]
        return rows.an_arm([rows.a_request(n, outcome="cut") for n in range(1, count + 1)], calls, name=name)

    assert bugs([arm("off", 12)]) == [
        f'The fault "stutter" has a bug: {BROKE}; it severed 12 calls in arm "off". Mend it and run again.'
    ]
    assert "severed 12 calls in arm \"off\" and 1 call in arm \"on\"." in bugs([arm("off", 12), arm("on", 1)])[0]  # fmt: skip


def test_a_bug_of_ours_is_told_as_ours(rows: SimpleNamespace):
    arm = rows.an_arm([rows.a_request(1, outcome="cut")], [rows.a_call("p01-000001", faults=[OURS])])

    assert bugs([arm]) == [
        "Headwind's own proxy has a bug: AttributeError('gone') at carrier.py:70; it severed 1 call in arm \"off\". "
        "Report it, with the logs/proxy.log of that arm."
    ]


def test_a_fault_without_a_bug_is_none(rows: SimpleNamespace):
    cut = {"name": "cut", "kind": "cut"}

    assert bugs([rows.an_arm([rows.a_request(1)], [rows.a_call("p01-000001", faults=[cut])])]) == []


def test_the_commonest_error_is_told_and_a_long_one_keeps_its_place():
    assert worst(Counter()) == ""
    assert worst(Counter({"a": 1, "b": 2})) == "b (and 1 other error)"
    long = worst(Counter({f"KeyError({'x' * 5000!r}) at my_fault.py:7": 1}))

    assert len(long) < 250
    assert long.startswith("KeyError('xxx") and long.endswith("xx') at my_fault.py:7")


@pytest.fixture
def broken(a_run: Callable[..., RunFolder], rows: SimpleNamespace) -> Report:
    """In arm off, every call that "service unavailable" struck was severed by its bug; one call by a bug of ours."""
    off, on = rows.simulate("off", 200), rows.simulate("on", 200)
    for struck in (struck for call in off.calls for struck in call["struck"] if struck["fault"] == "service unavailable"):
        struck["bug"] = BROKE
    off.calls[0]["struck"].append({"fault": "bug", "kind": "bug", "at_s": 1.0, "message": 0, "byte": 0, "bug": OURS["bug"]})
    return make_report(load(a_run(off=off, on=on)))


def severed(report: Report, name: str) -> list[int]:
    return [one.severed for arm in report.arms for one in arm.landings if one.name == name]


def test_the_run_is_invalid_with_a_reason_for_each_fault(broken: Report):
    count = severed(broken, "service unavailable")[0]

    assert (broken.verdict.state, broken.exit_code) == ("invalid", 5)
    assert count >= 3
    assert f'The fault "service unavailable" has a bug: {BROKE}; it severed {count} calls in arm "off".' in " ".join(
        broken.verdict.reasons
    )
    assert sum("has a bug" in reason for reason in broken.verdict.reasons) == 2


def test_its_calls_are_no_silent_evidence(broken: Report):
    count = severed(broken, "service unavailable")[0]
    off, on = fates(broken, "service unavailable")

    assert severed(broken, "service unavailable") == [count, 0]
    assert off.startswith(f"{count} calls severed by a bug, which is no evidence; ")
    assert "bug" not in on
    assert f"{count + 1} calls severed by a bug" in all_fates(broken.arms[0])
    assert "bug" not in all_fates(broken.arms[1])


def test_every_format_marks_the_row(broken: Report):
    html, markdown, told = render_html(broken), render_markdown(broken), json.loads(render_json(broken))
    landed = {one["name"]: one for one in told["arms"]["off"]["faults"]}

    assert html.count('<tr class="bug">') == 2
    assert "No evidence, because a bug severed calls: &#34;bug&#34;, &#34;service unavailable&#34;." in html
    assert "has a bug: KeyError(&#39;x&#39;) at my_fault.py:7" in html
    assert "a bug of Headwind&#39;s own: AttributeError" in html
    assert r"⚠ service unavailable has a bug: KeyError('x') at my\_fault.py:7 |" in markdown
    assert landed["service unavailable"]["severed"] == severed(broken, "service unavailable")[0]
    assert landed["service unavailable"]["bug"] == BROKE
    assert landed["cut between chunk 3 and 7"]["bug"] == ""
    terminal = printed(broken)
    assert "INVALID" in terminal
    assert "severed by a bug" in " ".join(terminal.split())


@pytest.mark.parametrize("bug", [None, "", 0, [], {}])
def test_a_bug_of_no_words_is_none(a_run: Callable[..., RunFolder], rows: SimpleNamespace, bug: Any):
    files = rows.simulate("off", 60)
    for struck in (struck for call in files.calls for struck in call["struck"]):
        struck["bug"] = bug

    assert make_report(load(a_run(off=files))).verdict.state == "pass"
