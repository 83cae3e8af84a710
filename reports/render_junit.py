"""The report as JUnit XML, which CI servers show as tests: a case for each bound and each gate, and one for the verdict."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from xml.etree import ElementTree as Xml

from reports.render_bounds import told as told_bound
from reports.report import Report

TAGS = {"fail": "failure", "invalid": "error", "vacuous": "skipped", "inconclusive": "skipped"}
"""What a case holds by its state; one that passed holds nothing. Skipped is not green, and its message says why."""
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped (W3C 2008, production 2)."""


@dataclass(frozen=True)
class Case:
    """What a CI server shows as one test."""

    group: str
    name: str
    state: str
    sentences: tuple[str, ...]
    took_s: float = 0.0


def render_junit(report: Report) -> str:
    """One suite of all cases; its times are those of the load, in seconds."""
    found = cases(report)
    counts = _counts(found)
    root = Xml.Element("testsuites", {"name": "headwind", **counts})
    suite = Xml.SubElement(root, "testsuite", {"name": f"headwind.{name_of(report)}", **counts})
    if wall_s := (report.manifest.get("clocks") or {}).get("wall_s"):
        suite.set("timestamp", f"{datetime.fromtimestamp(wall_s, UTC):%Y-%m-%dT%H:%M:%S}")
    _add_properties(suite, report)
    for case in found:
        _add_case(suite, case, name_of(report))
    if report.problems:
        Xml.SubElement(suite, "system-out").text = "\n".join(report.problems)
    Xml.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + Xml.tostring(_cleaned(root), encoding="unicode") + "\n"


def name_of(report: Report) -> str:
    """The scenario's name; a dot would split it, as CI servers read names."""
    return str((report.manifest.get("scenario") or {}).get("name") or report.run.folder.path.name).replace(".", "_")


def cases(report: Report) -> list[Case]:
    """Every bound and every gate as it was judged, then the verdict over all of it."""
    found = report.verdict
    return [*_bounds(report), *_gates(report), Case("verdict", "verdict", found.state, found.reasons, _load_s(report))]


def _bounds(report: Report) -> list[Case]:
    return [
        _doubted(Case("bounds", one.bound.text, one.state, (told_bound(one),)), report.verdict.state) for one in report.judged
    ]


def _gates(report: Report) -> list[Case]:
    return [Case("gate", f"{one.candidate} against {one.base}", one.outcome, (one.told,)) for one in report.gates]


def _doubted(case: Case, verdict: str) -> Case:
    """A bound says nothing where the run is invalid, and that it holds says nothing where the run is vacuous."""
    if verdict == "invalid" or (verdict == "vacuous" and case.state == "pass"):
        doubt = f"The run is {verdict}, so this bound says nothing."
        return replace(case, state="inconclusive", sentences=(doubt, *case.sentences))
    return case


def _load_s(report: Report) -> float:
    """From the first intended start to the last end, summed over arms and pairs."""
    pairs = [rows for arm in report.run.arms for _, rows in arm.rows.groupby("pair")]
    return float(sum(rows["finished_s"].max() - rows["intended_s"].min() for rows in pairs))


def _counts(found: list[Case]) -> dict[str, str]:
    tags = [TAGS.get(case.state) for case in found]
    counted = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    took_s = sum(case.took_s for case in found)
    return {"tests": str(len(found)), **{name: str(tags.count(tag)) for name, tag in counted.items()}, "time": f"{took_s:.3f}"}


def _add_properties(suite: Xml.Element, report: Report) -> None:
    run = report.manifest
    facts = {
        "run": run.get("id") or report.run.folder.path.name,
        "verdict": report.verdict.state,
        "exit_code": report.exit_code,
        "seed": run.get("seed"),
        "plan": (run.get("plan") or {}).get("name"),
        "arms": " ".join(arm.name for arm in report.arms),
        "pairs": run["pairs"],
        "headwind": (run.get("versions") or {}).get("headwind"),
        "command": run.get("command"),
    }
    of = Xml.SubElement(suite, "properties")
    for name, value in facts.items():
        if value is not None:
            Xml.SubElement(of, "property", name=name, value=str(value))


def _add_case(suite: Xml.Element, case: Case, scenario: str) -> None:
    classname, time = f"headwind.{scenario}.{case.group}", f"{case.took_s:.3f}"
    shown = Xml.SubElement(suite, "testcase", classname=classname, name=case.name, time=time)
    text = "\n".join(case.sentences)
    if tag := TAGS.get(case.state):
        first = case.sentences[0] if case.sentences else case.state
        Xml.SubElement(shown, tag, message=first, type=case.state).text = text
    else:
        Xml.SubElement(shown, "system-out").text = text


def _cleaned(root: Xml.Element) -> Xml.Element:
    """The same, with a sign in place of each character that no XML parser takes."""
    for one in root.iter():
        one.text = _NOT_XML.sub("\ufffd", one.text) if one.text else one.text
        one.attrib.update({name: _NOT_XML.sub("\ufffd", value) for name, value in one.attrib.items()})
    return root
