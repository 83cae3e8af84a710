"""What each feature is worth: left out of all others, and alone; in failures, in P95, and in what it costs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reports.arm import Arm
from reports.compare import Comparison, Difference, compare
from reports.load import Run
from reports.metrics import BY_NAME

FAILURES, P95 = "failure_share", "p95_s"
COSTS = ("cost_per_1000", "tokens_per_request")
"""The first that is known of every arm is what a feature costs."""
BETWEEN_RUNS = 0.10
"""A smaller share of P95 tells nothing in fewer than six pairs: an interval over the stretches of one run cannot see how two
runs of one arm differ. Measured: by 2 % on a quiet machine, by 5 % on a busy one; and all features share the run of all on."""
HELPS, MIXED, HARMS = "helps", "helps and costs", "costs"
NONE_SEEN, UNKNOWN = "no difference seen", "not known"


@dataclass(frozen=True)
class Effect:
    """What a feature does: an arm that has it against one that differs in nothing else. Differences are with minus without."""

    without: str
    having: str
    """The two arms."""
    requests: int
    """That finished in both."""
    failures: Difference
    p95: Difference
    """To be read by its ratio: below 1, users wait less with the feature."""
    cost: Difference


@dataclass(frozen=True)
class Worth:
    """One feature."""

    feature: str
    left_out: Effect
    """All features against all but this one: what is lost without it."""
    alone: Effect
    """Only this one against none."""

    @property
    def word(self) -> str:
        """What it does to users, in failures or P95, left out or alone; never more than the intervals allow."""
        seen = {word_of(found) for one in (self.left_out, self.alone) for found in (one.failures, one.p95)}
        if {HELPS, HARMS} <= seen:
            return MIXED
        return next((word for word in (HELPS, HARMS, NONE_SEEN) if word in seen), UNKNOWN)


@dataclass(frozen=True)
class Ablation:
    """Every feature of an arm, the most valuable first.

    First by the failures that it avoids, against all others without it; then by the P95 that it saves there; then by the same
    two of the feature alone. A difference whose interval holds zero counts as none, and so does one that two runs of one arm
    may have. Ties stay in the app's own order.
    """

    on: str
    off: str
    cost: str
    """The metric that `Effect.cost` is of."""
    features: tuple[Worth, ...]

    @property
    def made(self) -> frozenset[str]:
        """The arms that are there for this only: too many to stand side by side with the others."""
        sides = {name for worth in self.features for one in (worth.left_out, worth.alone) for name in (one.without, one.having)}
        return frozenset(sides - {self.on, self.off})


def word_of(found: Difference) -> str:
    """What the feature does to one figure: helps, costs, or that no difference was seen, or could be."""
    if found.low is None or found.high is None:
        return UNKNOWN
    if found.low <= 0 <= found.high or _as_two_runs_differ(found):
        return NONE_SEEN
    return HELPS if (found.high < 0) == (BY_NAME[found.metric].better == "low") else HARMS


def _as_two_runs_differ(found: Difference) -> bool:
    of_one_run = found.metric == P95 and found.method == "blocks" and found.ratio is not None
    return of_one_run and abs((found.ratio or 1.0) - 1) < BETWEEN_RUNS


def ablation(run: Run, comparisons: Iterable[Comparison]) -> Ablation | None:
    """That of a run whose scenario asks for it; `comparisons` are those that need not be made again."""
    told = run.manifest.get("ablation")
    if not told:
        return None
    made = {(one.reference, one.other): one for one in comparisons}
    pairs = {name: _sides(told, arms) for name, arms in told["features"].items()}
    for without, having in {side for sides in pairs.values() for side in sides} - made.keys():
        made[without, having] = compare(_arm(run, without), _arm(run, having), run.seed)
    cost = _cost([made[side] for sides in pairs.values() for side in sides])
    worths = [Worth(name, *(_effect(made[side], cost) for side in sides)) for name, sides in pairs.items()]
    return Ablation(told["on"], told["off"], cost, tuple(sorted(worths, key=lambda one: tuple(_harms(one)))))


def _sides(told: Mapping[str, str], arms: Mapping[str, str]) -> tuple[tuple[str, str], tuple[str, str]]:
    """Without and with the feature: left out, and alone."""
    return (arms["left_out"], told["on"]), (told["off"], arms["alone"])


def _arm(run: Run, name: str) -> Arm:
    return next(arm for arm in run.arms if arm.name == name)


def _cost(compared: Iterable[Comparison]) -> str:
    compared = list(compared)
    known = [name for name in COSTS if all((found := _of(one, name)) and found.difference is not None for one in compared)]
    return (known or COSTS[-1:])[0]


def _of(comparison: Comparison, metric: str) -> Difference | None:
    return next((one for one in comparison.differences if one.metric == metric), None)


def _effect(compared: Comparison, cost: str) -> Effect:
    found = (_of(compared, name) or Difference(name, None, None, None) for name in (FAILURES, P95, cost))
    return Effect(compared.reference, compared.other, compared.pairs, *found)


def _harms(worth: Worth) -> Iterator[float]:
    """What the ranking goes by: the least harmful first."""
    for effect in (worth.left_out, worth.alone):
        for found in (effect.failures, effect.p95):
            seen = word_of(found) in (HELPS, HARMS)
            yield found.difference if seen and found.difference is not None else 0.0
