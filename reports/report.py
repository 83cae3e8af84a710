"""The report: all that a run says, ready for any renderer."""

from dataclasses import dataclass, replace
from typing import Any

from records.rows import OUTCOMES
from reports.ablation import Ablation, ablation
from reports.arm import Arm, Change
from reports.bounds import Bound, Judged, judge, parse_bound
from reports.changes import doubted, uneven
from reports.checks import Checks, check
from reports.compare import Comparison, compare, reference_of
from reports.gate import Gate
from reports.gated import gates_of
from reports.ledger import Ledger, Waterfall, ledger
from reports.load import Run
from reports.metrics import METRICS, measure
from reports.recovery import Landing, Recovery, by_fault, by_kind, landings, overall
from reports.strata import Reweighted, doubts, reweight
from reports.time_to_recover import TimeToRecover, recoveries
from reports.verdict import Verdict, spared, verdict
from reports.waterfall import Details, waterfalls


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
    ledger: Ledger
    recoveries: tuple[TimeToRecover, ...] = ()
    """For each fault window of each pair, how long its aftermath lasted."""


@dataclass(frozen=True)
class Report:
    """What a run amounts to: figures, comparisons, bounds and the verdict."""

    run: Run
    arms: tuple[ArmReport, ...]
    comparisons: tuple[Comparison, ...]
    """Every other arm against the reference arm."""
    judged: tuple[Judged, ...]
    verdict: Verdict
    checks: Checks
    ordinary: tuple[Reweighted, ...] = ()
    """Each arm reweighted to an ordinary day, for a run whose rare faults were made frequent."""
    gates: tuple[Gate, ...] = ()
    """What the gate says of each of its comparisons, for a run of the gate."""
    ablation: Ablation | None = None
    """What each feature is worth, where the scenario's arms were made to tell."""
    details: tuple[Details, ...] = ()
    """Of each arm, the requests that are worth a look, one by one."""

    @property
    def manifest(self) -> dict[str, Any]:
        return self.run.manifest

    @property
    def waterfalls(self) -> tuple[Waterfall, ...]:
        """The requests of all arms that are told one by one."""
        return tuple(one for arm in self.details for one in arm.waterfalls)

    @property
    def reference(self) -> ArmReport:
        """The arm that all others are compared to."""
        name = reference_of(self.run.arms, self.manifest).name
        return next(arm for arm in self.arms if arm.name == name)

    @property
    def main(self) -> "Report":
        """Without the arms that only tell what each feature is worth: for tables where all arms stand side by side."""
        made = self.ablation.made if self.ablation else ()
        return replace(self, arms=tuple(arm for arm in self.arms if arm.name not in made or arm.name == self.reference.name))

    @property
    def problems(self) -> tuple[str, ...]:
        """What a reader must know beside the verdict."""
        doubted_weights = doubts(self.ordinary, self.run.strata, uneven(self.run.arms))
        too_rare = spared({arm.name: arm.landings for arm in self.arms})
        repeated = (self.manifest.get("gate") or {}).get("told") or ()
        return (*self.run.problems, *self.checks.problems, *doubted_weights, *too_rare, *repeated)

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
            tuple(landings(arm, run.plan_faults if arm.faults else ())),
            arm.changes,
            _outcomes(arm),
            ledger(arm),
            recoveries(arm),
        )
        for arm in run.arms
    )
    reference = reference_of(run.arms, run.manifest)
    comparisons = tuple(compare(reference, arm, run.seed) for arm in run.arms if arm is not reference)
    metrics = {arm.name: arm.metrics for arm in arms}
    judged = tuple(doubted(judge(_bounds(run), metrics), run.arms))
    landed = {arm.name: arm.landings for arm in arms}
    partial = run.manifest["state"] != "complete"
    checks = check(run.arms, run.manifest, metrics)
    gates = gates_of(run)
    found = verdict(metrics, judged, landed, partial, run.manifest.get("cpu_share") or {}, checks, gates)
    ordinary = tuple(reweight(arm, run.strata) for arm in run.arms if arm.faults) if run.strata else ()
    details = tuple(waterfalls(arm) for arm in run.arms)
    worth = ablation(run, comparisons)
    return Report(run, arms, comparisons, judged, found, checks, ordinary, gates, worth, details)


def _outcomes(arm: Arm) -> dict[str, int]:
    counted = arm.rows["outcome"].value_counts()
    counts = {str(outcome): int(counted[outcome]) for outcome in OUTCOMES}
    return counts | {"aborted": arm.aborted}


def _bounds(run: Run) -> list[Bound]:
    arms, metrics = [arm.name for arm in run.arms], [metric.name for metric in METRICS]
    return [parse_bound(text, arms, metrics) for text in run.manifest.get("bounds") or []]
