"""Runs pairs until the gate has decided: an invalid pair is run again, and what is over is told as it comes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import exp
from pathlib import Path
from typing import Any

from harness.conditions import KEYS
from harness.progress import ShownProgress
from harness.run import Running
from harness.scenario import Scenario
from records.folder import RunFolder
from reports.gate import Gate, decide
from reports.gated import pairs_of
from reports.look import Pair, Rules
from reports.validity import invalid_because, read_pair

REPEATS = 2
"""How many invalid pairs of one gate are run again: a machine that needs more cannot be trusted with the others either."""


@dataclass(frozen=True)
class Comparison:
    """Two arms of an experiment."""

    base: str
    candidate: str
    expected: str = ""
    """What the gate must say, where the gate itself is on trial."""


@dataclass(frozen=True)
class Experiment:
    """What is to be run pair by pair, and held against what."""

    scenario: Scenario
    """With the arms as they shall run; its pairs are the most there can be."""
    comparisons: tuple[Comparison, ...]
    rules: Rules
    """Without any look it goes to the last pair."""
    told: Mapping[str, Any] = field(default_factory=dict)
    """More for the manifest's `gate`."""

    def manifest(self) -> dict[str, Any]:
        """What the manifest says of it."""
        rules = asdict(self.rules)
        del rules["deadline_s"]
        gate = {"comparisons": [asdict(one) for one in self.comparisons], **rules, "looks": list(rules["looks"])}
        return {"gate": {**gate, "counted": [], "told": [], **self.told}, "panel": []}


def run_experiment(experiment: Experiment, runs: Path, progress: ShownProgress) -> tuple[RunFolder, bool]:
    """The run's folder, and whether it came to its end: to the look that decides, or to a pair that cannot be made valid."""
    running = Running(experiment.scenario, runs, progress, experiment.manifest())
    sequence = Sequence(experiment, running)
    try:
        with progress.shown():
            sequence.run()
    except KeyboardInterrupt:
        return running.folder, False
    running.complete()
    return running.folder, True


class Sequence:
    """The pairs of one experiment, one after the other."""

    def __init__(self, experiment: Experiment, running: Running) -> None:
        self._experiment, self._running = experiment, running
        self._pairs: dict[Comparison, list[Pair]] = {one: [] for one in experiment.comparisons}
        self._repeats = REPEATS

    @property
    def _told(self) -> dict[str, Any]:
        """The manifest's `gate`."""
        return self._running.manifest["gate"]  # type: ignore[no-any-return]

    def run(self) -> None:
        for number in range(1, self._experiment.scenario.pairs + 1):
            self._running.reaches(number)
            self._running.manifest["panel"].append(f"p{number:02d}")
            if not self._run_valid(number):
                return
            self._count(number)
            if self._is_decided():
                return

    def _run_valid(self, number: int) -> bool:
        """Runs a pair, and again while it is invalid and there are repeats left."""
        while True:
            complete = self._running.run_pair(number)
            why = invalid_because(self._running.folder, number)
            if complete and not why:
                return True
            why = why or [f"Pair {number}: the load did not come to its end."]
            if not self._repeats:
                # Why is told of the pair's own folders, which stay where they are.
                self._told["invalid"] = [f"Pair {number} stayed invalid, and no repeat was left."]
                return False
            self._repeats -= 1
            self._set_aside(number, why)

    def _set_aside(self, number: int, why: list[str]) -> None:
        """Keeps an invalid try under another name, where nobody counts it."""
        suffix = f"invalid{REPEATS - self._repeats}"
        for arm in self._running.scenario.arms:
            folder = self._running.folder.arm(arm.name, number).path
            if folder.exists():
                folder.rename(folder.with_name(f"{folder.name}-{suffix}"))
            self._forget(folder.name)
        again = f"Pair {number} was invalid and run again, its first try is kept in *-{number:02d}-{suffix}: {' '.join(why)}"
        self._told["told"].append(again)
        self._running.write()
        self._say(again)

    def _forget(self, name: str) -> None:
        manifest = self._running.manifest
        for key in KEYS:
            manifest.get(key, {}).pop(name, None)
        manifest["ended_early"] = [one for one in manifest["ended_early"] if one.partition(":")[0] != name]

    def _count(self, number: int) -> None:
        arms = {arm.name: arm.rows for arm in read_pair(self._running.folder, number).arms}
        for one, pairs in self._pairs.items():
            pairs += pairs_of(arms[one.base], arms[one.candidate], [number])
            self._say(_in_words(one, pairs[-1]))
        self._told["counted"].append(number)
        self._running.write()

    def _is_decided(self) -> bool:
        if not self._experiment.rules.looks:
            return False
        gates = [decide(pairs, self._experiment.rules, one.base, one.candidate) for one, pairs in self._pairs.items()]
        self._told["verdicts"] = [_verdict(gate) for gate in gates]
        return all(gate.needs is None for gate in gates)

    def _say(self, text: str) -> None:
        self._running.progress.console.print(text, highlight=False, soft_wrap=True)


def _verdict(gate: Gate) -> dict[str, Any]:
    told = ("base", "candidate", "state", "reasons", "smallest_effect", "looks")
    return {key: value for key, value in asdict(gate).items() if key in told}


def _in_words(one: Comparison, pair: Pair) -> str:
    if not pair.requests:
        return f"pair {pair.number}: no request finished in both {one.base} and {one.candidate}"
    sides = f"P95 {pair.candidate_s:.3f} s {one.candidate}, {pair.base_s:.3f} s {one.base}"
    return f"pair {pair.number}: {sides}, ratio {exp(pair.log_ratio):.3f}"
