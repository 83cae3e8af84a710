"""Prometheus text: read back by the rules of the exposition format, and the same figures as everywhere."""

import re
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest

from records.folder import RunFolder
from reports.load import load
from reports.metrics import METRICS
from reports.render_prometheus import render_prometheus
from reports.report import Report, make_report

NAME, LABEL = r"[a-zA-Z_:][a-zA-Z0-9_:]*", r"[a-zA-Z_][a-zA-Z0-9_]*"
TEXT = r'"((?:[^"\\\n]|\\\\|\\"|\\n)*)"'
NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?|NaN|[+-]Inf"
SAMPLE = re.compile(rf"({NAME})\{{((?:{LABEL}={TEXT},?)*)\}} ({NUMBER})")
HELP = re.compile(rf"# HELP ({NAME}) ((?:[^\\\n]|\\\\|\\n)*)")
UNESCAPED = {r"\\": "\\", r"\"": '"', r"\n": "\n"}

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parsed(text: str) -> Samples:
    """Every sample; whatever a strict reader of version 0.0.4 would refuse fails the test."""
    found: Samples = {}
    assert text.endswith("\n") and not text.startswith("\ufeff")
    families = re.split(r"(?=^# HELP )", text, flags=re.MULTILINE)[1:]
    assert "".join(families) == text
    for family in families:
        told, kind, *samples = family.removesuffix("\n").split("\n")
        name = HELP.fullmatch(told)[1]
        assert kind == f"# TYPE {name} gauge"
        assert samples, f"{name} has no sample"
        for line in samples:
            read = SAMPLE.fullmatch(line)
            assert read and read[1] == name, line
            key = (name, frozenset(labels_of(read[2])))
            assert key not in found, f"twice: {line}"
            found[key] = float(read[4])
    names = [HELP.match(family)[1] for family in families]
    assert len(names) == len(set(names)), "all samples of a metric stand together"
    return found


def labels_of(text: str) -> list[tuple[str, str]]:
    told = [
        (name, re.sub(r'\\[\\"n]', lambda of: UNESCAPED[of[0]], value))
        for name, value in re.findall(rf"({LABEL})={TEXT}", text)
    ]
    assert len(dict(told)) == len(told), f"a label twice: {text}"
    return told


def value(samples: Samples, name: str, **labels: str) -> float | None:
    """The one sample with these labels; None where there is none."""
    found = [told for (of, has), told in samples.items() if of == name and labels.items() <= set(has)]
    assert len(found) <= 1
    return found[0] if found else None


def test_figures_are_those_of_the_report_in_base_units(article: Report):
    samples = parsed(render_prometheus(article))

    for arm in article.arms:
        for metric in METRICS:
            assert value(samples, f"headwind_{metric.name}", arm=arm.name, scenario="article") == arm.metrics[metric.name]
    assert value(samples, "headwind_p95_s", arm="off", unit="seconds") == 10
    assert value(samples, "headwind_failure_share", arm="off", unit="ratio") == 0.16
    assert value(samples, "headwind_run_began_timestamp_seconds") == 1767261600


def test_one_verdict_is_1_and_all_others_are_0(a_run: Callable[..., RunFolder]):
    samples = parsed(render_prometheus(make_report(load(a_run(bounds=["on.p95_s <= 0.1", "on.p95_s <= 0.1"])))))
    states = {dict(has)["state"]: told for (of, has), told in samples.items() if of == "headwind_verdict"}

    assert states == {"pass": 0, "fail": 1, "inconclusive": 0, "vacuous": 0, "invalid": 0}
    assert value(samples, "headwind_exit_code") == 3
    assert value(samples, "headwind_bound", bound="on.p95_s <= 0.1", state="fail") == 1
    assert value(samples, "headwind_bound_limit", bound="on.p95_s <= 0.1") == 0.1


def test_a_recovery_comes_with_what_can_be_claimed_of_it(article: Report):
    samples, cut = parsed(render_prometheus(article)), {"arm": "on", "fault": "cut between chunk 3 and 7", "kind": "cut"}

    assert value(samples, "headwind_recovered_share", **cut) == 1
    assert value(samples, "headwind_recovered_share_low", **cut) == pytest.approx(0.9312, abs=1e-4)
    assert value(samples, "headwind_recovered_share_high", **cut) == 1
    assert value(samples, "headwind_fault_met_requests", **cut) == 52
    assert value(samples, "headwind_recovered_share_low", arm="on", fault="") == article.arms[1].overall.low


def test_the_gate_comes_with_what_its_last_look_saw(sorts: dict[str, Report]):
    report, samples = sorts["gate"], parsed(render_prometheus(sorts["gate"]))

    for gate in report.gates:
        sides = {"base": gate.base, "candidate": gate.candidate}
        assert value(samples, "headwind_gate", state=gate.outcome, **sides) == 1
        assert value(samples, "headwind_gate_p95_ratio", unit="ratio", **sides) == gate.looks[-1].ratio
        assert value(samples, "headwind_gate_p95_ratio_low", **sides) == gate.looks[-1].low
        assert value(samples, "headwind_gate_pairs", **sides) == 1


def test_every_sort_of_run_is_told_by_the_rules(sorts: dict[str, Report]):
    assert all(parsed(render_prometheus(report)) for report in sorts.values())


def test_what_nobody_knows_is_absent_and_not_0(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    report = make_report(load(a_run(off=rows.simulate("off", 60), on=rows.Files(), bounds=["on.p95_s <= 9"])))
    samples = parsed(render_prometheus(report))

    assert value(samples, "headwind_p95_s", arm="off") is not None
    assert value(samples, "headwind_p95_s", arm="on") is None
    assert value(samples, "headwind_bound_value", bound="on.p95_s <= 9") is None
    assert value(samples, "headwind_bound", bound="on.p95_s <= 9", state="inconclusive") == 1


def test_odd_names_are_escaped(article: Report):
    odd = 'a "quoted" \\ back\\nslash\nand a line, {or} two=3'
    arms = (replace(article.arms[0], name=odd), article.arms[1])
    manifest = article.manifest | {"scenario": {"name": odd}}
    samples = parsed(render_prometheus(replace(article, arms=arms, run=replace(article.run, manifest=manifest))))

    assert value(samples, "headwind_requests", arm=odd, scenario=odd) == 500
