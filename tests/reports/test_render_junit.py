"""JUnit XML: what CI servers count, and why each case is what it is."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from xml.etree import ElementTree as Xml

import pytest

from records.folder import RunFolder
from reports.load import load
from reports.render_junit import render_junit
from reports.report import Report, make_report
from reports.verdict import Verdict

COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def suite_of(report: Report) -> Xml.Element:
    """The one suite, once its counts are found to be those of its cases."""
    root = Xml.fromstring(render_junit(report))
    (suite,) = root
    told = list(suite.iter("testcase"))
    for one in (root, suite):
        assert one.attrib["tests"] == str(len(told))
        assert all(one.attrib[name] == str(len(suite.findall(f"testcase/{tag}"))) for name, tag in COUNTED.items())
        assert float(one.attrib["time"]) == pytest.approx(sum(float(case.attrib["time"]) for case in told), abs=1e-3)
    assert all(case.attrib.keys() == {"classname", "name", "time"} for case in told)
    return suite


def state_of(suite: Xml.Element, name: str) -> str:
    """What CI shows of the case: passed, failure, error or skipped."""
    (case,) = [one for one in suite.iter("testcase") if one.attrib["name"] == name]
    return next((tag for tag in COUNTED.values() if case.find(tag) is not None), "passed")


def test_every_bound_and_the_verdict_are_a_case(article: Report):
    suite = suite_of(article)

    assert suite.attrib["name"] == "headwind.article"
    assert suite.attrib["timestamp"] == "2026-01-01T10:00:00"
    assert [(case.attrib["classname"], case.attrib["name"]) for case in suite.iter("testcase")] == [
        ("headwind.article.bounds", "on.p95_s <= 0.5 * off.p95_s"),
        ("headwind.article.bounds", "on.wrong_share <= 0"),
        ("headwind.article.verdict", "verdict"),
    ]
    assert [state_of(suite, case.attrib["name"]) for case in suite.iter("testcase")] == ["passed"] * 3
    assert suite.find("testcase/system-out").text == "2.94 s against 5.00 s"
    assert 60 < float(suite.attrib["time"]) < 80, "two arms of some 35 s"


def test_properties_say_what_was_run(article: Report):
    told = {one.attrib["name"]: one.attrib["value"] for one in suite_of(article).iter("property")}

    assert told["seed"] == "7"
    assert told["command"] == "headwind run article"
    assert told["arms"] == "off on"
    assert told["exit_code"] == "0"


@pytest.mark.parametrize(
    ("changes", "bound", "verdict"),
    [
        ({"bounds": ["on.p95_s <= 0.1"]}, "failure", "failure"),
        ({"bounds": ["on.p95_s <= 9"], "state": "partial"}, "passed", "skipped"),
        (
            {"bounds": ["on.p95_s <= 9"], "plan": {"faults": [{"name": "never", "kind": "cut", "share": 0.5}]}},
            "skipped",
            "skipped",
        ),
        ({"bounds": ["on.p95_s <= 9"], "cpu_share": {"on-01": {"proxy": 0.9}}}, "skipped", "error"),
        ({"bounds": ["on.p95_s <= 0.1"], "cpu_share": {"on-01": {"proxy": 0.9}}}, "skipped", "error"),
    ],
)
def test_what_says_nothing_is_never_green(a_run: Callable[..., RunFolder], changes: dict, bound: str, verdict: str):
    suite = suite_of(make_report(load(a_run(**changes))))

    assert state_of(suite, changes["bounds"][0]) == bound
    assert state_of(suite, "verdict") == verdict


def test_a_case_that_is_not_green_says_why_as_message_and_text(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    arms = {"off": rows.simulate("off", 60), "on": rows.Files()}
    suite = suite_of(make_report(load(a_run(**arms, bounds=["on.p95_s <= 9"]))))
    bound, verdict = suite.findall("testcase/skipped")

    assert bound.attrib["message"] == "on.p95_s is unknown: no rows tell it"
    assert verdict.attrib == {"message": 'No request finished in arm "on".', "type": "vacuous"}
    assert "on.p95_s <= 9: inconclusive" in verdict.text


def test_each_comparison_of_the_gate_is_a_case(sorts: dict[str, Report]):
    report, suite = sorts["gate"], suite_of(sorts["gate"])
    cases = {case.attrib["name"]: case for case in suite.iter("testcase")}

    assert list(cases) == ["on against off", "off against on", "verdict"]
    assert cases["on against off"].attrib["classname"] == "headwind.article.gate"
    for gate, name in zip(report.gates, cases, strict=False):
        assert state_of(suite, name) == {"pass": "passed", "fail": "failure"}.get(gate.outcome, "skipped")
        assert gate.told in "".join(cases[name].itertext())


def test_what_xml_cannot_hold_is_replaced(article: Report):
    odd = "<&\"' \x00\x08\x1b\ud800\ufffe\r\n]]>"
    manifest = article.manifest | {"scenario": {"name": odd}, "command": odd}
    judged = tuple(replace(one, bound=replace(one.bound, text=odd), state="fail", why=odd) for one in article.judged)
    report = replace(article, run=replace(article.run, manifest=manifest), judged=judged, verdict=Verdict("fail", (odd,)))
    suite = suite_of(report)
    name = suite.find("testcase").attrib["name"]

    assert name == odd.translate(dict.fromkeys([0, 8, 27, 0xD800, 0xFFFE], "\ufffd"))
    assert render_junit(report).encode()


def test_a_run_that_tells_little_is_a_suite_all_the_same(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    folder = a_run(off=rows.Files(requests=rows.simulate("off", 60).requests))
    folder.write_manifest({"arms": [{"name": "off"}], "pairs": 1, "state": "complete", "deadline_s": 10.0})
    suite = suite_of(make_report(load(folder)))

    assert suite.attrib["name"] == "headwind.a-run"
    assert suite.attrib["tests"] == "1"
    assert "timestamp" not in suite.attrib
