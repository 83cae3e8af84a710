"""The report as Prometheus text: for a textfile collector or a push gateway, in seconds and in shares from 0 to 1.

The text exposition format, version 0.0.4 (Prometheus, "Exposition formats").
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reports.metrics import METRICS
from reports.report import Report
from reports.verdict import EXIT_CODES

UNITS = {"s": "seconds", "share": "ratio", "per_s": "per_second", "tokens_per_s": "tokens_per_second"}
"""Base units as Prometheus names them; all others are told as they are."""
BOUND_STATES = ("pass", "fail", "inconclusive")


@dataclass
class Family:
    """One metric with all its samples: labels and a value each."""

    name: str
    help: str
    samples: list[tuple[dict[str, str], float]] = field(default_factory=list)

    def add(self, value: float | None, **labels: str) -> None:
        """A figure nobody knows has no sample: that it is absent can be alerted on, and a 0 would be a lie."""
        if value is not None:
            self.samples.append((labels, value))


def render_prometheus(report: Report) -> str:
    """Gauges only; a metric without any sample is left out."""
    scenario = str((report.manifest.get("scenario") or {}).get("name") or report.run.folder.path.name)
    families = [*_run(report), *_bounds(report), *_gates(report), *_metrics(report), *_recoveries(report)]
    return "".join(_text(one, scenario) for one in families if one.samples)


def _run(report: Report) -> list[Family]:
    verdict = Family("headwind_verdict", "1 for the verdict of the newest run, 0 for all others.")
    for state in EXIT_CODES:
        verdict.add(report.verdict.state == state, state=state)
    code = Family("headwind_exit_code", "What the command left with: 0 pass, 3 fail, 4 inconclusive or vacuous, 5 invalid.")
    code.add(report.exit_code)
    began = Family("headwind_run_began_timestamp_seconds", "When the run began: what is older than it should be, is no news.")
    began.add((report.manifest.get("clocks") or {}).get("wall_s"))
    return [verdict, code, began]


def _bounds(report: Report) -> list[Family]:
    state = Family("headwind_bound", "1 for what became of the bound, 0 for all others.")
    value = Family("headwind_bound_value", "The figure that the bound is about.")
    limit = Family("headwind_bound_limit", "What that figure was held against.")
    # A bound that was asked for twice is one: two samples of the same name and labels would be refused.
    for one in {one.bound.text: one for one in report.judged}.values():
        value.add(one.value, bound=one.bound.text)
        limit.add(one.limit, bound=one.bound.text)
        for name in BOUND_STATES:
            state.add(one.state == name, bound=one.bound.text, state=name)
    return [state, value, limit]


def _gates(report: Report) -> list[Family]:
    """What its last look saw, where it came to one."""
    state = Family("headwind_gate", "1 for what the gate says of the candidate, 0 for all others.")
    pairs = Family("headwind_gate_pairs", "Pairs of runs that the gate counted.")
    ratio = Family("headwind_gate_p95_ratio", "P95 of the candidate over that of its base.")
    low = Family("headwind_gate_p95_ratio_low", "No less than this, by the gate's one-sided bound.")
    high = Family("headwind_gate_p95_ratio_high", "No more than this, by the gate's one-sided bound.")
    for one in report.gates:
        labels = {"base": one.base, "candidate": one.candidate}
        pairs.add(len(one.pairs), **labels, unit="count")
        for name in EXIT_CODES:
            state.add(one.outcome == name, **labels, state=name)
        for seen in one.looks[-1:]:
            for family, value in ((ratio, seen.ratio), (low, seen.low), (high, seen.high)):
                family.add(value, **labels, unit="ratio")
    return [state, pairs, ratio, low, high]


def _metrics(report: Report) -> list[Family]:
    found = []
    for metric in METRICS:
        one = Family(f"headwind_{metric.name}", metric.sentence)
        for arm in report.arms:
            one.add(arm.metrics[metric.name], arm=arm.name, unit=UNITS.get(metric.unit, metric.unit))
        found.append(one)
    return found


def _recoveries(report: Report) -> list[Family]:
    """What became of those who met a fault, by fault and, under fault="", for all of them."""
    recovered = Family("headwind_recovered_share", "Of the requests that met the fault: got the right answer in time.")
    low = Family("headwind_recovered_share_low", "The lower end of its 95 % interval: no more than this can be claimed.")
    high = Family("headwind_recovered_share_high", "The upper end of its 95 % interval.")
    met = Family("headwind_fault_met_requests", "Requests that met the fault.")
    for arm in report.arms:
        for fault, one in [("", arm.overall), *((one.name, one) for one in arm.by_fault)]:
            labels = {"arm": arm.name, "fault": fault, "kind": one.kind}
            for family, value in ((recovered, one.share), (low, one.low), (high, one.high)):
                family.add(value, **labels, unit="ratio")
            met.add(one.met, **labels, unit="count")
    return [recovered, low, high, met]


def _text(family: Family, scenario: str) -> str:
    told = family.help.replace("\\", "\\\\").replace("\n", "\\n")
    lines = [f"# HELP {family.name} {told}", f"# TYPE {family.name} gauge"]
    for labels, value in family.samples:
        lines.append(f"{family.name}{{{_labels({'scenario': scenario} | labels)}}} {float(value)!r}")
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
