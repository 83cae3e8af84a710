"""What the commands do: they read, call the rooms, show, and return an exit code."""

from pathlib import Path

from harness.console import Console
from harness.foreseen import stratified
from harness.length import told_length
from harness.progress import ShownProgress
from harness.run import run
from harness.scenario import SCENARIOS, names_in, read_scenario, reseeded
from records.bad_input import BadInput
from records.folder import RunFolder
from reports.baseline import make_baseline, read_run
from reports.baseline import write_baseline as write_baseline_file
from reports.load import has_rows
from reports.render_terminal import render_terminal
from reports.write import format_named, rendered, report

OK, INCONCLUSIVE = 0, 4
console = Console()


def run_scenario(name: str, runs: Path, seed: int | None, faults_dir: str = "") -> int:
    """Run, report, judge."""
    scenario = read_scenario(name, faults_dir)
    if seed is not None:
        scenario = reseeded(scenario, seed)
    console.print(f"[bold]{scenario.name}[/bold]: {scenario.summary}", highlight=False)
    if told := told_length(scenario):
        console.print(told, highlight=False)
    folder, complete = run(scenario, runs, ShownProgress(console))
    if not has_rows(folder):
        console.print(f"{'VACUOUS' if complete else 'Interrupted'}  No request was made, so there is nothing to report.")
        return INCONCLUSIVE
    if not complete:
        console.print("Stopped before its end. What was recorded until then:")
    return write_report(folder.path)


def write_report(path: Path, out: Path | None = None) -> int:
    """Write the report in every format, into the run's folder or into `out`, and show the figures."""
    found = report(RunFolder(path), out)
    console.print(render_terminal(found))
    console.print(f"\nReport: {(out or path) / 'report.html'}", highlight=False, soft_wrap=True)
    return found.exit_code


def tell_report(path: Path, name: str, out: Path | None = None) -> int:
    """The report in one format: printed, with nothing written; or written into `out`, with nothing printed."""
    one = format_named(name)
    if out:
        return report(RunFolder(path), out, (one,)).exit_code
    found, text = rendered(RunFolder(path), one)
    print(text, end="")
    return found.exit_code


def write_baseline(path: Path, out: Path) -> int:
    """Keep a run's figures in a file."""
    write_baseline_file(out, make_baseline(read_run(path)))
    console.print(f"Baseline: {out}. Compare with it: headwind gate RUN --baseline {out}", highlight=False, soft_wrap=True)
    return OK


def list_scenarios() -> int:
    """Every scenario of ours, with what it is about."""
    for name in names_in(SCENARIOS):
        summary = read_scenario(SCENARIOS / f"{name}.toml").summary
        console.print(f"[bold]{name}[/bold]  {summary}", highlight=False, soft_wrap=True)
    return OK


def check_scenarios(names: list[str], faults_dir: str = "") -> int:
    """Refuse bad scenarios, all problems of all of them at once."""
    problems: list[str] = []
    for name in names or [str(SCENARIOS / f"{name}.toml") for name in names_in(SCENARIOS)]:
        try:
            stratified(read_scenario(name, faults_dir))
            console.print(f"{name}: good", highlight=False, soft_wrap=True)
        except BadInput as error:
            problems.extend(error.problems)
    if problems:
        raise BadInput(*problems)
    return OK
