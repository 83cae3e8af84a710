"""What `headwind gate` and its selftest and calibration do: they read, run, show, and return an exit code."""

from dataclasses import dataclass
from pathlib import Path

from harness.commands import INCONCLUSIVE, OK, console, write_report
from harness.gating.calibrate import measured_noise, tell_power
from harness.gating.experiments import against, arm_named, on_trial, short, twice
from harness.gating.length import told_length
from harness.gating.sequence import Experiment, run_experiment
from harness.progress import ShownProgress
from harness.scenario import Scenario, read_scenario, reseeded
from records.bad_input import BadInput
from records.folder import RunFolder
from reports.against import compare_to_baseline
from reports.baseline import make_baseline, read_baseline, read_run
from reports.load import has_rows
from reports.look import FAILURE_TOLERANCE, LOOKS, TOLERANCE, Look, Rules
from reports.report import Report
from reports.write import report

SELFTEST = "selftest"
FAILED = 3
FEWEST_PAIRS, MOST_PAIRS = 6, 100
MOST_TRIALS = 100_000


@dataclass(frozen=True)
class Place:
    """Where runs go, and what is otherwise than the scenario says."""

    runs: Path = Path("runs")
    seed: int | None = None
    faults_dir: str = ""


HERE = Place()


def judge_recorded(
    path: Path,
    baseline: Path | None,
    other: Path | None,
    arm: str | None,
    tolerance: float = TOLERANCE,
    failure_tolerance: float = FAILURE_TOLERANCE,
) -> int:
    """Judge a run that is over, against a baseline's file or another run."""
    check_tolerances(tolerance, failure_tolerance)
    kept = read_baseline(baseline) if baseline else make_baseline(read_run(other or path))
    now = read_run(path)
    gate = compare_to_baseline(now, kept, arm or now.arms[-1].name, tolerance, failure_tolerance)
    console.print(f"{gate.state.upper()}  {' '.join(gate.reasons)}", highlight=False, soft_wrap=True)
    return gate.exit_code


def gate_revision(
    name: str,
    revision: str,
    arm: str | None,
    tolerance: float = TOLERANCE,
    failure_tolerance: float = FAILURE_TOLERANCE,
    looks: tuple[Look, ...] = LOOKS,
    place: Place = HERE,
) -> int:
    """Judge the app of the working tree against that of a git revision: both are run, in turn."""
    check_tolerances(tolerance, failure_tolerance)
    scenario = _read(name, place)
    rules = Rules(scenario.workload.deadline_s, tolerance, failure_tolerance, looks)
    with against(scenario, arm_named(scenario, arm), revision, rules, place.runs) as experiment:
        console.print(f"[bold]{scenario.name}[/bold]: {_told_revisions(experiment)}", highlight=False, soft_wrap=True)
        folder, complete = _run(experiment, place)
    return _reported(folder, complete)


def _told_revisions(experiment: Experiment) -> str:
    told = experiment.told["against"]
    count = told["changed_files"]
    changed = f" with {count} file{'s' if count > 1 else ''} changed since" if count else ""
    return (
        f"base is {told['revision']} ({told['commit'][:12]}), candidate the working tree "
        f"({told['candidate_commit'][:12]}{changed})."
    )


def selftest(is_short: bool, times: int, tolerance: float = TOLERANCE, place: Place = HERE) -> int:
    """Put the gate itself on trial: the same app twice must pass, a planted slowdown must fail."""
    _check_effect(tolerance)
    if not 1 <= times <= MOST_PAIRS:
        raise BadInput(f"--times: must be between 1 and {MOST_PAIRS}, got {times}")
    plain = _read(SELFTEST, place)
    plain = short(plain) if is_short else plain
    reports = []
    for time in range(times):
        scenario = plain if not time else reseeded(plain, plain.seed + time)
        found = _tried(on_trial(scenario, Rules(scenario.workload.deadline_s, tolerance)), place)
        if found is None:
            return INCONCLUSIVE
        reports.append(found)
        if found.manifest["state"] != "complete":
            break
    if times > 1:
        console.print(_told_times(reports), highlight=False, soft_wrap=True)
    codes = [found.exit_code for found in reports]
    return FAILED if FAILED in codes else max(codes)


def _tried(experiment: Experiment, place: Place) -> Report | None:
    """One trial, shown; None where there was no request to tell of."""
    planted = experiment.told["planted_s"]
    told = f"planted: {planted:.3f} s before each call, {2 * experiment.rules.tolerance:.0%} of the model's own P95."
    console.print(f"[bold]selftest[/bold], seed {experiment.scenario.seed}; {told}", highlight=False, soft_wrap=True)
    folder, _ = _run(experiment, place)
    if not has_rows(folder):
        console.print("Interrupted  No request was made, so there is nothing to report.")
        return None
    found = report(folder)
    for text in (*found.problems, f"{found.verdict.state.upper()}  " + "\n      ".join(found.verdict.reasons)):
        console.print(text, highlight=False, soft_wrap=True)
    console.print(f"Report: {folder.path / 'report.html'}\n", highlight=False, soft_wrap=True)
    return found


def _told_times(reports: list[Report]) -> str:
    """How often the gate said what, of each of its comparisons."""
    sides = list(dict.fromkeys((gate.candidate, gate.expected) for found in reports for gate in found.gates))
    states = {side: [gate.state for found in reports for gate in found.gates if gate.candidate == side[0]] for side in sides}
    told = [
        f"{candidate}, which must {expected}: "
        + ", ".join(
            f"{states[candidate, expected].count(state)} {state}" for state in ("pass", "fail", "inconclusive", "invalid")
        )
        for candidate, expected in sides
    ]
    return f"{len(reports)} selftests. " + ". ".join(told) + "."


def calibrate(
    name: str, arm: str | None, pairs: int, trials: int, tolerance: float, of: Path | None, place: Place = HERE
) -> int:
    """Measure what the same app differs by on this machine, and simulate how often the gate is then wrong and right."""
    _check_effect(tolerance)
    if not FEWEST_PAIRS <= pairs <= MOST_PAIRS:
        raise BadInput(f"--pairs: must be between {FEWEST_PAIRS} and {MOST_PAIRS}, got {pairs}")
    if not 1 <= trials <= MOST_TRIALS:
        raise BadInput(f"--trials: must be between 1 and {MOST_TRIALS}, got {trials}")
    scenario = _read(name, place)
    if of is None:
        rules = Rules(scenario.workload.deadline_s, tolerance)
        folder, complete = _run(twice(scenario, arm_named(scenario, arm), rules, pairs), place)
        code = _reported(folder, complete)
        if code or not complete:
            return code
        of = folder.path
    told, good = tell_power(measured_noise(of), tolerance, trials, scenario.seed)
    console.print(told, highlight=False, soft_wrap=True)
    return OK if good else INCONCLUSIVE


def _run(experiment: Experiment, place: Place) -> tuple[RunFolder, bool]:
    if not experiment.scenario.workload.rate_per_s:
        raise BadInput(f"{experiment.scenario.path}: a closed loop asks less of a slower app. For the gate, set rate_per_s")
    console.print(told_length(experiment), highlight=False, soft_wrap=True)
    return run_experiment(experiment, place.runs, ShownProgress(console))


def _reported(folder: RunFolder, complete: bool) -> int:
    if not has_rows(folder):
        console.print(f"{'VACUOUS' if complete else 'Interrupted'}  No request was made, so there is nothing to report.")
        return INCONCLUSIVE
    if not complete:
        console.print("Stopped before its end. What was recorded until then:")
    return write_report(folder.path)


def _read(name: str, place: Place) -> Scenario:
    scenario = read_scenario(name, place.faults_dir)
    return scenario if place.seed is None else reseeded(scenario, place.seed)


def check_tolerances(tolerance: float, failure_tolerance: float = FAILURE_TOLERANCE) -> None:
    """Raises BadInput for what is no share."""
    given = {"--p95-tolerance": tolerance, "--failure-tolerance": failure_tolerance}
    wrong = [f"{flag}: must be a share between 0 and 1, got {value:g}" for flag, value in given.items() if not 0 <= value <= 1]
    if wrong:
        raise BadInput(*wrong)


def _check_effect(tolerance: float) -> None:
    """Twice the tolerance is what is planted, or simulated."""
    check_tolerances(tolerance)
    if not tolerance:
        raise BadInput("--p95-tolerance: must be above 0: twice as much is the slowdown that the gate is tried with")


def parse_looks(text: str) -> tuple[Look, ...]:
    """Such as "6,12": some of the looks there are, each with its own share of errors."""
    known = {str(look.pairs): look for look in LOOKS}
    words = [word.strip() for word in text.split(",")]
    if not all(word in known for word in words) or words != sorted(set(words), key=int):
        raise BadInput(f"--looks: must be some of {','.join(known)}, rising, such as 6 or 6,12; got {text!r}")
    return tuple(known[word] for word in words)
