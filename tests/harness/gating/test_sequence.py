"""Pairs, one after the other, until the gate has decided: with a stack that only writes down what it is told to."""

import json
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.gating.sequence import REPEATS, Comparison, Experiment, Sequence, run_experiment
from harness.manifest import make_manifest, of_pairs
from harness.scenario import Scenario, read_scenario
from records.folder import REQUESTS, RunFolder
from records.rows import RequestRow
from reports.load import load
from reports.look import LOOKS, Look, Rules
from reports.report import make_report
from scenarios.workload import due

PLAIN = read_scenario("selftest")
RULES = Rules(deadline_s=5.0)


def an_experiment(rules: Rules = RULES, *comparisons: Comparison) -> Experiment:
    compared = comparisons or (Comparison("base", "candidate"),)
    names = dict.fromkeys(name for one in compared for name in (one.base, one.candidate))
    arms = tuple(replace(PLAIN.arms[0], name=name) for name in names)
    load = replace(PLAIN.workload, rate_per_s=10.0, duration_s=1.0)
    return Experiment(replace(PLAIN, arms=arms, pairs=12, workload=load), compared, rules)


@dataclass
class Pretended:
    """In the place of a run that goes on: each arm takes so many seconds, and some tries are spoiled by the machine."""

    experiment: Experiment
    path: Path
    seconds: dict[str, float] = field(default_factory=dict)
    spoiled: dict[int, int] = field(default_factory=dict)
    """By pair, how many of its tries."""
    incomplete: dict[int, int] = field(default_factory=dict)
    interrupted: int = 0

    def __post_init__(self) -> None:
        self.folder = RunFolder(self.path / "run")
        self.scenario: Scenario = self.experiment.scenario
        made = make_manifest(self.scenario, "run", self.scenario.arms, ())
        self.manifest = made | {"embedded": False} | self.experiment.manifest()
        self.said: list[str] = []
        self.progress = SimpleNamespace(console=SimpleNamespace(print=lambda text, **_: self.said.append(text)))
        self.tries: list[int] = []

    def run_pair(self, number: int) -> bool:
        self.tries.append(number)
        if number == self.interrupted:
            raise KeyboardInterrupt
        bad = self.tries.count(number) <= self.spoiled.get(number, 0)
        for arm in self.scenario.arms:
            folder = self.folder.arm(arm.name, number)
            self._write(folder.path, arm.name, number)
            self.manifest.setdefault("steal_share", {})[folder.path.name] = 0.5 if bad else 0.0
        self.write()
        return self.tries.count(number) > self.incomplete.get(number, 0)

    def _write(self, folder: Path, arm: str, pair: int) -> None:
        folder.mkdir(parents=True)
        took_s = self.seconds.get(arm, 1.0)
        with (folder / REQUESTS).open("w") as file:
            for one in due(self.scenario.workload, self.scenario.seed, pair):
                at = self.manifest["clocks"]["monotonic_s"] + 60 * pair + one.offset_s
                row = RequestRow(one.request_id, arm, pair, "chat", "q1", at, at, at + 0.1, at + took_s, 200, "ok", "model")
                file.write(json.dumps(vars(row)) + "\n")

    def reaches(self, pairs: int) -> None:
        self.manifest |= of_pairs(self.scenario, pairs)

    def write(self) -> None:
        self.folder.write_manifest(self.manifest)

    def complete(self) -> None:
        self.manifest["state"] = "complete"
        self.write()


@pytest.fixture
def sequence(tmp_path: Path) -> Any:
    """sequence(experiment, seconds={"candidate": 1.2}): the pretended run, once its pairs are over."""

    def run(experiment: Experiment | None = None, **more: Any) -> Pretended:
        experiment = experiment or an_experiment()
        running = Pretended(experiment, tmp_path, **more)
        Sequence(experiment, running).run()  # type: ignore[arg-type]
        running.complete()
        return running

    return run


def verdict(running: Pretended) -> str:
    return make_report(load(running.folder)).verdict.state


@pytest.mark.parametrize(("candidate_s", "state"), [(1.0, "pass"), (1.2, "fail")])
def test_it_stops_at_the_look_that_decides(sequence: Any, candidate_s: float, state: str):
    running = sequence(seconds={"candidate": candidate_s})

    assert running.tries == [1, 2, 3, 4, 5, 6]
    assert running.manifest["gate"]["counted"] == [1, 2, 3, 4, 5, 6]
    assert running.manifest["pairs"] == 6
    assert running.manifest["panel"] == ["p01", "p02", "p03", "p04", "p05", "p06"]
    assert [one["state"] for one in running.manifest["gate"]["verdicts"]] == [state]
    assert verdict(running) == state


def test_it_goes_on_while_nothing_is_decided(sequence: Any):
    """All looks need more certainty than there is."""
    rules = Rules(5.0, looks=tuple(Look(look.pairs, 1e-6) for look in LOOKS))
    running = sequence(an_experiment(rules))

    assert running.tries == list(range(1, 13))
    assert verdict(running) == "inconclusive"


def test_it_goes_on_until_every_comparison_is_decided(sequence: Any):
    rules = Rules(5.0, looks=(Look(2, 0.25), Look(4, 0.1)))
    trial = an_experiment(rules, Comparison("base", "same", "pass"), Comparison("base", "planted", "fail"))
    running = sequence(trial, seconds={"planted": 1.2})

    assert running.tries == [1, 2]
    assert verdict(running) == "pass"


def test_without_looks_it_goes_to_the_last_pair(sequence: Any):
    running = sequence(an_experiment(Rules(5.0, looks=())))

    assert running.tries == list(range(1, 13))
    assert "verdicts" not in running.manifest["gate"]


def test_an_invalid_pair_is_run_again_and_its_first_try_kept(sequence: Any):
    running = sequence(spoiled={3: 1})

    assert running.tries == [1, 2, 3, 3, 4, 5, 6]
    kept = {path.name for path in running.folder.path.iterdir() if "invalid" in path.name}
    assert kept == {"base-03-invalid1", "candidate-03-invalid1"}
    report = make_report(load(running.folder))
    assert report.verdict.state == "pass"
    (told,) = [problem for problem in report.problems if "Pair 3 was invalid" in problem]
    assert "its first try is kept in *-03-invalid1: base-03: 50% of the CPU time was stolen" in told
    assert running.manifest["gate"]["counted"] == [1, 2, 3, 4, 5, 6]


def test_a_load_that_broke_off_is_run_again(sequence: Any):
    assert sequence(incomplete={2: 1}).tries == [1, 2, 2, 3, 4, 5, 6]


def test_repeats_are_for_the_whole_gate(sequence: Any):
    assert REPEATS == 2
    assert verdict(sequence(spoiled={1: 1, 4: 1})) == "pass"


@pytest.mark.parametrize("spoiled", [{2: 3}, {1: 1, 2: 1, 3: 1}])
def test_a_machine_that_needs_more_repeats_makes_it_invalid(sequence: Any, spoiled: dict[int, int]):
    running = sequence(spoiled=spoiled)
    report = make_report(load(running.folder))

    assert running.tries.count(max(spoiled)) == spoiled[max(spoiled)]
    assert (report.verdict.state, report.exit_code) == ("invalid", 5)
    assert f"Pair {max(spoiled)} stayed invalid" in " ".join(report.verdict.reasons)


def test_each_pair_is_told_as_it_comes(sequence: Any):
    assert sequence(seconds={"candidate": 1.2}).said[0] == "pair 1: P95 1.200 s candidate, 1.000 s base, ratio 1.200"


def test_an_interrupted_gate_leaves_a_partial_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    experiment = an_experiment()
    running = Pretended(experiment, tmp_path, interrupted=3)
    running.progress.shown = nullcontext
    monkeypatch.setattr("harness.gating.sequence.Running", lambda *_: running)

    folder, complete = run_experiment(experiment, tmp_path, running.progress)

    assert not complete
    assert folder.manifest()["state"] == "partial"
    report = make_report(load(folder))
    assert report.verdict.state == "inconclusive"
    assert any("Only 2 pairs" in reason for reason in report.verdict.reasons)
