"""What the gate runs: an app against another revision of it, the same app twice, and one that a slowdown was planted into."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from faults.kinds import KINDS
from faults.reading import parse_plan
from harness.gating.revision import changed_files, checked_out, commit_of, repository_of
from harness.gating.sequence import Comparison, Experiment
from harness.scenario import Arm, Scenario
from model_server.physics import Physics, offsets_s
from records.bad_input import BadInput, unknown
from reports.look import LOOKS, Rules
from reports.metrics import quantile
from scenarios.workload import due

BASE, CANDIDATE, SAME, PLANTED = "base", "candidate", "same", "planted"
SHORT_S = 4.0
PLAN = """# Planted by `headwind gate selftest` into one arm: every call waits, so that the gate has something to find.
[[fault]]
name = "planted slowdown"
kind = "latency"
share = 1.0
seconds = {seconds:.4f}
"""


def arm_named(scenario: Scenario, name: str | None) -> Arm:
    """The arm of that name; without one, the last."""
    known = {arm.name: arm for arm in scenario.arms}
    if name is not None and name not in known:
        raise BadInput(f"--arm: {unknown('arm', name, known)}")
    return known[name] if name else scenario.arms[-1]


def _on_trial(scenario: Scenario, arms: tuple[Arm, ...], pairs: int) -> Scenario:
    """With these arms; its bounds are about others."""
    return replace(scenario, arms=arms, pairs=pairs, bounds=())


@contextmanager
def against(scenario: Scenario, arm: Arm, revision: str, rules: Rules, runs: Path) -> Iterator[Experiment]:
    """The app of a git revision, checked out beside, and that of the working tree."""
    here = scenario.app.directory if scenario.app else Path.cwd()
    repository = repository_of(here)
    commit, head = commit_of(repository, revision), commit_of(repository, "HEAD")
    changed = changed_files(repository, besides=runs)
    with checked_out(repository, commit) as files:
        there = files / here.resolve().relative_to(repository.resolve())
        _refuse_absent(scenario, there, here, revision)
        arms = (replace(arm, name=BASE, folder=there), replace(arm, name=CANDIDATE, folder=here))
        told: dict[str, Any] = {
            "against": {"revision": revision, "commit": commit, "candidate_commit": head, "changed_files": len(changed)}
        }
        if commit == head and not changed:
            told["told"] = [f"The working tree is {revision}, nothing was changed: both arms are the same code."]
        yield Experiment(_on_trial(scenario, arms, rules.looks[-1].pairs), (Comparison(BASE, CANDIDATE),), rules, told)


def _refuse_absent(scenario: Scenario, there: Path, here: Path, revision: str) -> None:
    """Python would take the installed reference app for one that is not there, and compare it with itself."""
    if scenario.app:
        if not there.is_dir():
            raise BadInput(f"--against: {revision} has no folder {here}, where the app is started")
        return
    for folder, where in ((there, revision), (here, "the working tree")):
        if not (folder / "reference_app" / "__main__.py").is_file():
            told = "Call the command where the reference app's code is, or name an app of your own in [app]"
            raise BadInput(f"--against: {where} has no reference_app in {here}. {told}")


def twice(scenario: Scenario, arm: Arm, rules: Rules, pairs: int) -> Experiment:
    """The same app in both arms, for all of the pairs: what they differ by is noise."""
    arms = (replace(arm, name=BASE), replace(arm, name=SAME))
    return Experiment(_on_trial(scenario, arms, pairs), (Comparison(BASE, SAME),), replace(rules, looks=()))


def on_trial(scenario: Scenario, rules: Rules) -> Experiment:
    """The same app twice, which must pass, and with twice the tolerance planted into it, which must fail."""
    pairs = rules.looks[-1].pairs
    plain = replace(scenario.arms[-1], name=BASE, plain=True)
    arms = (plain, replace(plain, name=SAME), replace(plain, name=PLANTED, plain=False))
    seconds = 2 * rules.tolerance * model_p95_s(scenario, LOOKS[0].pairs)
    text = PLAN.format(seconds=seconds)
    planted = replace(
        _on_trial(scenario, arms, pairs),
        plan_path=Path("planted.toml"),
        plan=parse_plan(text, "planted.toml", KINDS),
        plan_text=text,
    )
    comparisons = (Comparison(BASE, SAME, "pass"), Comparison(BASE, PLANTED, "fail"))
    return Experiment(planted, comparisons, rules, {"planted_s": round(seconds, 4)})


def short(scenario: Scenario) -> Scenario:
    """With a load as short as it may be."""
    return replace(scenario, workload=replace(scenario.workload, duration_s=SHORT_S))


def model_p95_s(scenario: Scenario, pairs: int) -> float:
    """P95 of the model's own timing over the requests of these pairs, known before anything runs: its physics are keyed.

    App and proxy add some milliseconds of their own: what is planted is rather less than twice the tolerance, never more.
    """
    import numpy as np

    asked = [one.request_id for number in range(1, pairs + 1) for one in due(scenario.workload, scenario.seed, number)]
    return quantile(np.array([_model_s(scenario.physics, key) for key in asked]), 0.95) or 0.0


def _model_s(physics: Physics, key: str) -> float:
    """Until its last token: the words, and a mark and a seal."""
    return max(islice(offsets_s(physics, key, 1), physics.words + 2))
