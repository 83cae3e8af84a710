"""What the commands do: they read, call the rooms, show, and return an exit code."""

from pathlib import Path

from harness.console import Console
from harness.foreseen import stratified
from harness.progress import ShownProgress
from harness.run import run
from harness.scenario import SCENARIOS, read_scenario, reseeded
from records.bad_input import BadInput
from records.folder import RunFolder
from reports.baseline import Gate, compare_to_baseline, make_baseline, read_baseline, read_run
from reports.baseline import write_baseline as write_baseline_file
from reports.load import has_rows
from reports.render_terminal import render_terminal
from reports.write import report

OK, INCONCLUSIVE = 0, 4
console = Console()


def run_scenario(name: str, runs: Path, seed: int | None, faults_dir: str = "") -> int:
    """Run, report, judge."""
    scenario = read_scenario(name, faults_dir)
    if seed is not None:
        scenario = reseeded(scenario, seed)
    console.print(f"[bold]{scenario.name}[/bold]: {scenario.summary}", highlight=False)
    folder, complete = run(scenario, runs, ShownProgress(console))
    if not has_rows(folder):
        console.print(f"{'VACUOUS' if complete else 'Interrupted'}  No request was made, so there is nothing to report.")
        return INCONCLUSIVE
    if not complete:
        console.print("Stopped before its end. What was recorded until then:")
    return write_report(folder.path)


def write_report(path: Path) -> int:
    """Write report.html, report.md and report.json into a run's folder, and show the figures."""
    found = report(RunFolder(path))
    console.print(render_terminal(found))
    console.print(f"\nReport: {path / 'report.html'}", highlight=False, soft_wrap=True)
    return found.exit_code


def write_baseline(path: Path, out: Path) -> int:
    """Keep a run's figures in a file."""
    write_baseline_file(out, make_baseline(read_run(path)))
    console.print(f"Baseline: {out}. Compare with it: headwind gate RUN --baseline {out}", highlight=False, soft_wrap=True)
    return OK


def judge_gate(path: Path, baseline: Path, arm: str | None, tolerance: float) -> int:
    """Judge a run's P95 against a baseline's."""
    if not tolerance >= 0:
        raise BadInput(f"--p95-tolerance: must be a share of at least 0, such as 0.10, got {tolerance}")
    kept, now = read_baseline(baseline), read_run(path)
    gate = compare_to_baseline(now, kept, arm or now.arms[-1].name, tolerance)
    console.print(_told(gate), highlight=False, soft_wrap=True)
    return gate.exit_code


def _told(gate: Gate) -> str:
    return f"{gate.state.upper()}  {' '.join(gate.reasons)}"


def list_scenarios() -> int:
    """Every scenario of ours, with what it is about."""
    for path in sorted(SCENARIOS.glob("*.toml")):
        console.print(f"[bold]{path.stem}[/bold]  {read_scenario(path).summary}", highlight=False, soft_wrap=True)
    return OK


def check_scenarios(names: list[str], faults_dir: str = "") -> int:
    """Refuse bad scenarios, all problems of all of them at once."""
    problems: list[str] = []
    for name in names or [str(path) for path in sorted(SCENARIOS.glob("*.toml"))]:
        try:
            stratified(read_scenario(name, faults_dir))
            console.print(f"{name}: good", highlight=False, soft_wrap=True)
        except BadInput as error:
            problems.extend(error.problems)
    if problems:
        raise BadInput(*problems)
    return OK
