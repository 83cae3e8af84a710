"""The report: all that a run says, ready for any renderer."""

from dataclasses import dataclass
from typing import Any

from reports.bounds import Judged, judge, parse_bound
from reports.compare import Comparison, compare
from reports.load import Run
from reports.metrics import METRICS, measure
from reports.recovery import Landing, Recovery, by_fault, by_kind, landings, overall
from reports.verdict import Verdict, verdict


@dataclass(frozen=True)
class ArmReport:
    """One arm's figures."""

    name: str
    features: str
    metrics: dict[str, float | None]
    overall: Recovery
    by_fault: tuple[Recovery, ...]
    by_kind: tuple[Recovery, ...]
    landings: tuple[Landing, ...]


@dataclass(frozen=True)
class Report:
    """What a run amounts to: figures, comparisons, bounds and the verdict."""

    run: Run
    arms: tuple[ArmReport, ...]
    comparisons: tuple[Comparison, ...]
    """Every other arm against the first."""
    judged: tuple[Judged, ...]
    verdict: Verdict

    @property
    def manifest(self) -> dict[str, Any]:
        return self.run.manifest

    @property
    def exit_code(self) -> int:
        return self.verdict.exit_code


def make_report(run: Run) -> Report:
    """All figures of a run, from its rows."""
    features = {arm["name"]: str(arm.get("features", "")) for arm in run.manifest["arms"]}
    arms = tuple(
        ArmReport(
            arm.name,
            features[arm.name],
            measure(arm),
            overall(arm),
            tuple(by_fault(arm)),
            tuple(by_kind(arm)),
            tuple(landings(arm, run.plan_faults)),
        )
        for arm in run.arms
    )
    first, *others = run.arms
    comparisons = tuple(compare(first, other, run.manifest.get("seed", 0)) for other in others)
    metrics = {arm.name: arm.metrics for arm in arms}
    judged = tuple(judge(_bounds(run), metrics))
    landed = {arm.name: arm.landings for arm in arms}
    partial = run.manifest["state"] != "complete"
    return Report(
        run, arms, comparisons, judged, verdict(metrics, judged, landed, partial, run.manifest.get("cpu_share") or {})
    )


def _bounds(run: Run) -> list[Any]:
    arms, metrics = [arm.name for arm in run.arms], [metric.name for metric in METRICS]
    return [parse_bound(text, arms, metrics) for text in run.manifest.get("bounds") or []]
