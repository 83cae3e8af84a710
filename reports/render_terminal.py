"""The report as a rich table: arms, differences, faults and how each was survived, and the verdict."""

from rich.console import Group
from rich.table import Table
from rich.text import Text

from reports.ablation import HARMS, HELPS, word_of
from reports.difference import Difference
from reports.metrics import BY_NAME
from reports.render_faults import bug_of, changes, fates, names_of
from reports.render_markdown import MOST_PROBLEMS, SHORT
from reports.render_strata import HEADING, STRATIFIED, raised
from reports.render_strata import table as ordinary
from reports.render_tried import AMPLIFIED, amplified, mechanisms_of, shown_as, tried, unknowns
from reports.render_words import arm_figure, comparison_of, difference, headlines, judgement, label, shown_arms
from reports.report import Report

COLOURS = {"pass": "green", "fail": "red", "inconclusive": "yellow", "vacuous": "yellow", "invalid": "magenta"}
IF_ASKED = ("goodput_share", "cost_per_1000")
"""Metrics that only a scenario with bounds of goodput, or with a price list, asks for."""
SEEN = {HELPS: "green", HARMS: "red"}
JUDGED = {"better": "green", "worse": "red", "": ""}


def render_terminal(report: Report) -> Group:
    """Something a rich console prints."""
    main = report.main
    parts = [_arms(main), *([_faults(main)] if any(arm.landings for arm in main.arms) else []), *_tried(main), *_worth(report)]
    return Group(*parts, _headline(report), *_strata(main), *_changes(report), *_problems(report), _verdict(report))


def _table(first: str, *columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    table.add_column(Text(first))
    for name in columns:
        table.add_column(Text(name), justify="right")
    return table


def _arms(report: Report) -> Table:
    before, after = shown_arms(report)
    compared = comparison_of(report, after.name)
    names = [arm.name for arm in report.arms]
    table = _table("", *names, *([f"{after.name} − {before.name}"] if before and compared else []))
    for name in [one for one in SHORT if one not in IF_ASKED or any(arm.metrics[one] is not None for arm in report.arms)]:
        cells = [Text(arm_figure(name, arm)) for arm in report.arms]
        if compared:
            found = next(one for one in compared.differences if one.metric == name)
            cells.append(Text(difference(found), style=JUDGED[judgement(found)]))
        table.add_row(Text(label(name)), *cells)
    return table


def _faults(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("\nFault", *(f"\n{arm.name}" for arm in report.arms)):
        table.add_column(Text(name), overflow="fold")
    for fault in names_of(report):
        table.add_row(_marked(report, fault), *map(Text, fates(report, fault)))
    return table


def _tried(report: Report) -> list[Table | Text]:
    """What was tried for those who met a fault, what came of it, and what nobody could know."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("\nTried", *(f"\n{arm.name}" for arm in report.arms)):
        table.add_column(Text(name), overflow="fold")
    for mechanism in mechanisms_of(report):
        table.add_row(Text(shown_as(mechanism)), *map(Text, tried(report, mechanism)))
    table.add_row(Text(AMPLIFIED), *(Text(amplified(arm)) for arm in report.arms))
    met = [table] if any(arm.ledger.overall.met for arm in report.arms) else []
    return [*met, *(Text(told, style="yellow") for told in unknowns(report))]


def _marked(report: Report, fault: str) -> Text:
    bug = bug_of(report, fault)
    return Text(f"{fault} {bug}", style=COLOURS["invalid"]) if bug else Text(fault)


def _worth(report: Report) -> list[Text | Table]:
    """What each feature is worth, the most valuable first."""
    found = report.ablation
    if not found:
        return []
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("\nFeature")
    table.add_column("\nIt", no_wrap=True)
    cost = label(found.cost).split()[0].lower()
    for name in ("left out\nfailures", "\nP95", f"\n{cost}", "alone\nfailures", "\nP95", f"\n{cost}"):
        table.add_column(name, justify="right")
    for worth in found.features:
        cells = [_effect(one) for of in (worth.left_out, worth.alone) for one in (of.failures, of.p95, of.cost)]
        table.add_row(Text(worth.feature), Text(worth.word), *cells)
    told = f'\nWhat each feature of "{found.on}" does: points of failures; P95 and {cost}, so many times as much'
    return [Text(told, style="bold"), table]


def _effect(found: Difference) -> Text:
    """The difference in points, or how many times as much; what the interval leaves open is dim."""
    points = BY_NAME[found.metric].unit == "share"
    told = difference(found).removesuffix(" points") if points or found.ratio is None else f"×{found.ratio:.2f}"
    return Text(told, style=SEEN.get(word_of(found), "dim"))


def _strata(report: Report) -> list[Text | Table]:
    """The figures of an ordinary day, those above being of another."""
    if not report.ordinary:
        return []
    table = _table("", *(one.arm for one in report.ordinary))
    for name, *cells in ordinary(report):
        table.add_row(Text(name), *map(Text, cells))
    raised_faults = ", ".join(f"{name} {share} → {to}" for name, share, to in raised(report))
    stratified = Text(f"\nThe figures above are {STRATIFIED}: {raised_faults}.", style="yellow")
    return [stratified, Text(f"\n{HEADING}", style="bold"), table]


def _changes(report: Report) -> list[Text]:
    lines = changes(report, MOST_PROBLEMS)
    return [Text("\nChanged while it ran", style="bold"), *map(Text, lines)] if lines else []


def _headline(report: Report) -> Text:
    told = [f"{one.label} {f'{one.before} → ' if one.before else ''}{one.after}" for one in headlines(report)]
    return Text("\n" + " · ".join(told), style="bold")


def _problems(report: Report) -> list[Text]:
    return [Text(problem, style="yellow") for problem in report.problems]


def _verdict(report: Report) -> Text:
    text = Text()
    text.append(report.verdict.state.upper(), style=f"bold {COLOURS[report.verdict.state]}")
    text.append("  " + "\n      ".join(report.verdict.reasons))
    return text
