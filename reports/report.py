"""The report: all that a run says, ready for any renderer."""

from dataclasses import dataclass
from typing import Any

from records.rows import OUTCOMES
from reports.arm import Arm, Change
from reports.bounds import Bound, Judged, judge, parse_bound
from reports.changes import doubted, uneven
from reports.checks import Checks, check
from reports.compare import Comparison, compare
from reports.load import Run
from reports.metrics import METRICS, measure
from reports.recovery import Landing, Recovery, by_fault, by_kind, landings, overall
from reports.strata import Reweighted, doubts, reweight
from reports.verdict import Verdict, spared, verdict


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
    changes: tuple[Change, ...]
    outcomes: dict[str, int]
    """How many requests came to which end, also those aborted."""


@dataclass(frozen=True)
class Report:
    """What a run amounts to: figures, comparisons, bounds and the verdict."""

    run: Run
    arms: tuple[ArmReport, ...]
    comparisons: tuple[Comparison, ...]
    """Every other arm against the first."""
    judged: tuple[Judged, ...]
    verdict: Verdict
    checks: Checks
    ordinary: tuple[Reweighted, ...] = ()
    """Each arm reweighted to an ordinary day, for a run whose rare faults were made frequent."""

    @property
    def manifest(self) -> dict[str, Any]:
        return self.run.manifest

    @property
    def problems(self) -> tuple[str, ...]:
        """What a reader must know beside the verdict."""
        doubted_weights = doubts(self.ordinary, self.run.strata, uneven(self.run.arms))
        too_rare = spared({arm.name: arm.landings for arm in self.arms})
        return (*self.run.problems, *self.checks.problems, *doubted_weights, *too_rare)

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
            arm.changes,
            _outcomes(arm),
        )
        for arm in run.arms
    )
    first, *others = run.arms
    comparisons = tuple(compare(first, other, run.seed) for other in others)
    metrics = {arm.name: arm.metrics for arm in arms}
    judged = tuple(doubted(judge(_bounds(run), metrics), run.arms))
    landed = {arm.name: arm.landings for arm in arms}
    partial = run.manifest["state"] != "complete"
    checks = check(run.arms, run.manifest, metrics)
    found = verdict(metrics, judged, landed, partial, run.manifest.get("cpu_share") or {}, checks)
    ordinary = tuple(reweight(arm, run.strata) for arm in run.arms) if run.strata else ()
    return Report(run, arms, comparisons, judged, found, checks, ordinary)


def _outcomes(arm: Arm) -> dict[str, int]:
    counted = arm.rows["outcome"].value_counts()
    counts = {str(outcome): int(counted[outcome]) for outcome in OUTCOMES}
    return counts | {"aborted": arm.aborted}


def _bounds(run: Run) -> list[Bound]:
    arms, metrics = [arm.name for arm in run.arms], [metric.name for metric in METRICS]
    return [parse_bound(text, arms, metrics) for text in run.manifest.get("bounds") or []]
