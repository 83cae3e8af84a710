"""What `headwind faults ...` does: tells of kinds and plans, checks, previews, and replays one request."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import takewhile
from pathlib import Path

from rich.table import Table
from rich.text import Text

from faults.actions import name_of
from faults.found import find_kinds, load_kinds
from faults.plan import Plan
from faults.reading import read_plan
from harness.console import Console
from harness.preview import Met, preview
from harness.recorded import Recorded
from harness.replay import Line, Replayed, replay
from harness.scenario import PLANS, find, read_scenario, reseeded, with_plan
from harness.told_kinds import Told, entry_of, first_sentence, told_kind
from records.bad_input import BadInput, unknown
from reports.render_words import percent

OK, DIFFERS = 0, 3
console = Console(highlight=False)


def list_kinds(faults_dir: str, as_json: bool) -> int:
    """Every kind there is, and every plan of ours."""
    kinds = sorted(find_kinds(faults_dir), key=name_of)
    told, plans = [told_kind(kind) for kind in kinds], [read_plan(path, kinds) for path in sorted(PLANS.glob("*.toml"))]
    if as_json:
        named = [{"name": plan.name, "what": _what(plan), "faults": [fault.name for fault in plan.faults]} for plan in plans]
        print(json.dumps({"kinds": [asdict(one) for one in told], "plans": named}, indent=1))
        return OK
    console.print(
        _table("Kind", "About", "Parameters; without = they must be given", "What it does", rows=map(_kind_row, told))
    )
    console.print()
    console.print(
        _table("Plan", "Faults", "What it is", rows=((plan.name, str(len(plan.faults)), _what(plan)) for plan in plans))
    )
    _say("\nMore of one: headwind faults show KIND. Write your own: docs/write-a-fault.md")
    return OK


def show_kind(name: str, faults_dir: str) -> int:
    """All there is to know of one kind, its code too."""
    kinds = {name_of(kind): kind for kind in find_kinds(faults_dir)}
    if name not in kinds:
        raise BadInput(unknown("kind", name, kinds))
    told = told_kind(kinds[name])
    console.print(Text(f"{told.name}  about the {told.about}", style="bold"))
    _say(f"{told.text}\n\nParameters")
    _say("\n".join(f"  {one.told}" for one in told.parameters) or "  none")
    _say(f"\nIn a plan\n{_indented(entry_of(kinds[name]))}\n\n{told.file}:{told.line}\n{_indented(told.code)}")
    return OK


def check_plans(names: Sequence[str], faults_dir: str) -> int:
    """Refuse bad plans, all problems of all of them at once."""
    problems: list[str] = []
    kinds = load_kinds(faults_dir, problems)
    for name in names:
        try:
            plan = read_plan(find(name, PLANS, "plan"), kinds)
            _say(f"{name}: good, {plan.size}, seed {plan.seed}, digest {plan.digest}")
        except BadInput as error:
            problems.extend(error.problems)
    if problems:
        raise BadInput(*problems)
    return OK


def preview_plan(name: str, scenario_name: str, faults_dir: str, seed: int | None, as_json: bool) -> int:
    """How many requests of a scenario each fault of a plan will strike."""
    scenario = with_plan(read_scenario(scenario_name, faults_dir), name)
    found = preview(scenario if seed is None else reseeded(scenario, seed))
    if as_json:
        print(json.dumps(asdict(found), indent=1))
        return OK
    _say(f"Plan {found.plan}, seed {found.seed}, digest {found.digest}, in {found.scenario}: {found.requests} requests\n")
    console.print(
        _table("Fault", "Kind", "Share", "Raised to", "Strikes", "No chance", "First", rows=map(_met_row, found.faults))
    )
    share = percent(found.at_least_one / found.requests) if found.requests else "none"
    _say(f"\n{found.at_least_one} requests meet at least one fault ({share}), {found.several} of them more than one.")
    if any(one.no_chance for one in found.faults):
        _say("No chance: of those it strikes, the ones that another fault ends before its turn comes.")
    _say("\n".join(found.notes))
    return OK


def replay_request(run: Path, request_id: str, arm: str | None) -> int:
    """One request of a run again; exit code 3 when it came out differently."""
    recorded = Recorded(run, request_id, arm)
    where = f"{recorded.folder.arm}-{recorded.folder.pair:02d}"
    _say(f"{request_id} of {where}, {recorded.at_s:.2f} s after the first call: starting its stack again")
    found = replay(recorded)
    console.print(_table("", "Recorded", "Replayed", rows=map(_line_row, found.lines)))
    _say("\n" + "\n".join([*_judged(found), *found.notes]))
    return OK if found.agrees else DIFFERS


def _table(*columns: str, rows: Iterable[Sequence[str]]) -> Table:
    """Long cells are folded: also where the output is no terminal, nothing is cut off."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(Text(name), overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _say(text: str) -> None:
    console.print(Text(text), soft_wrap=True)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())


def _kind_row(told: Told) -> Sequence[str]:
    return told.name, told.about, "\n".join(one.told for one in told.parameters), told.what


def _what(plan: Plan) -> str:
    """The first sentence of the comment it begins with."""
    lines = takewhile(lambda line: line.startswith("#"), (PLANS / f"{plan.name}.toml").read_text(encoding="utf-8").splitlines())
    return first_sentence(" ".join(line.removeprefix("#").strip() for line in lines))


def _met_row(one: Met) -> Sequence[str]:
    raised_to = "-" if one.raised_to is None else percent(one.raised_to)
    share = percent(one.share) if one.on else "off"
    return one.fault, one.kind, share, raised_to, str(one.strikes), str(one.no_chance or "-"), one.first or "-"


def _line_row(line: Line) -> Sequence[str]:
    return f"{'! ' if line.differs else '  '}{line.label}", line.recorded, line.replayed


def _judged(found: Replayed) -> list[str]:
    if found.agrees:
        return ["They agree: the same faults, attempts and outcome."]
    return [f"They do not agree: {', '.join(line.label for line in found.lines if line.differs)}."]
