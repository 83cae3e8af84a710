"""The report as Markdown, short enough for a pull-request comment: the verdict first, the rest folded away."""

import re
from collections.abc import Callable, Iterable

from reports import render_strata
from reports.compare import Difference
from reports.markdown import LONGEST_NAME, code, folded, listed, name, plain, table
from reports.markdown_tables import ablation_table, gate_table, ledger_table, places, shown
from reports.metrics import METRICS
from reports.render_bounds import told as told_bound
from reports.render_faults import bug_of, changes, fates, names_of
from reports.render_summary import sentences
from reports.render_words import (
    ONE_PAIR,
    arm_figure,
    comparison_of,
    difference,
    interval,
    label,
    shown_arms,
)
from reports.report import Report

SHORT = (
    "requests",
    "failure_share",
    "timeout_share",
    "broken_share",
    "wrong_share",
    "p50_s",
    "p95_s",
    "p99_s",
    "ttft_p95_s",
    "longest_gap_p95_s",
    "goodput_share",
    "retry_success",
    "attempts_per_request",
    "cost_per_1000",
    "tokens_spent",
    "tokens_wasted",
)
"""The metrics that fit into a terminal."""
LEADING = (
    "requests",
    "failure_share",
    "timeout_share",
    "broken_share",
    "wrong_share",
    "p95_s",
    "p99_s",
    "ttft_p95_s",
    "goodput_share",
    "retry_success",
    "attempts_per_request",
    "cost_per_1000",
    "tokens_spent",
    "tokens_wasted",
)
"""The metrics that a comment begins with, as many as there is room for; all others are folded away."""
MOST_ROWS, MOST_FOLDED_ROWS = 12, 14
MOST_CHARACTERS = 60_000
"""GitHub takes no comment of more than 65,536."""
MOST_FAULTS, MOST_BOUNDS, MOST_GATES, MOST_REASONS, MOST_PROBLEMS = 12, 12, 4, 6, 5
SHORTENED = "<sub>Shortened to fit into a comment: all of it is in report.html and report.json.</sub>"
MARKS = {"pass": "✅", "fail": "❌", "inconclusive": "❔", "vacuous": "❔", "invalid": "⚠️"}


def render_markdown(report: Report) -> str:
    """Verdict, reasons, the figures that matter; then what may be unfolded. Its first line is the marker of its comment."""
    main = report.main
    above = [_head(report), _bounds(report), _arms(main), ablation_table(report), ledger_table(main), _problems(report)]
    folds = [*map(gate_table, report.gates[:MOST_GATES]), _faults(main), _strata(main), _changes(report), _others(report)]
    return "\n\n".join(_fitting([marker(report), *above, _foot(report), *folds])) + "\n"


def marker(report: Report) -> str:
    """By it CI finds the comment of the same scenario again, and writes it anew instead of adding another."""
    return f"<!-- headwind: {re.sub('[^A-Za-z0-9_ ]+', '-', _scenario(report))[:LONGEST_NAME]} -->"


def _scenario(report: Report) -> str:
    return str((report.manifest.get("scenario") or {}).get("name") or report.run.folder.path.name)


def _fitting(parts: Iterable[str]) -> list[str]:
    """The parts in their order, as long as they fit; that some did not is told."""
    kept: list[str] = []
    room = MOST_CHARACTERS - len(SHORTENED)
    for part in filter(None, parts):
        room -= len(part) + 2
        if room < 0:
            return [*kept, SHORTENED]
        kept.append(part)
    return kept


def _head(report: Report) -> str:
    verdict = report.verdict
    lines = [f"### {MARKS[verdict.state]} Headwind: {name(_scenario(report))}: **{verdict.state}**", ""]
    lines += listed(verdict.reasons, MOST_REASONS)
    lines += ["", *listed(sentences(report), MOST_REASONS)]
    return "\n".join(lines)


def _leading(report: Report) -> list[str]:
    return [name for name in LEADING if _is_known(name, report)][:MOST_ROWS]


def _is_known(metric: str, report: Report) -> bool:
    """Whether any of these arms tells it."""
    return any(arm.metrics[metric] is not None for arm in shown(report))


def _arms(report: Report) -> str:
    return _figures(report, _leading(report), interval)


def _others(report: Report) -> str:
    """The figures that the first table leaves out."""
    main = report.main
    rest = [one.name for one in METRICS if one.name not in _leading(main) and _is_known(one.name, main)]
    hidden = {"arms": len(report.arms) - len(shown(main)), "figures": len(rest) - MOST_FOLDED_ROWS}
    told = [f"{count} more {what}" for what, count in hidden.items() if count > 0]
    more = f"And {' and '.join(told)}, in report.html and report.json." if told else ""
    return folded("Other figures", _figures(main, rest[:MOST_FOLDED_ROWS]), more)


def _figures(report: Report, names: list[str], last: Callable[[Difference], str] | None = None) -> str:
    """Arms side by side, and the difference that the headlines tell of."""
    _, after = shown_arms(report)
    compared, arms = comparison_of(report, after.name), shown(report)
    differences = compared.differences if compared else ()
    found = {one.metric: [difference(one), *([last(one)] if last else [])] for one in differences}
    head = ["", *(name(arm.name) for arm in arms)]
    if compared:
        head += [f"{name(after.name)} − {name(compared.reference)}", *(["95 % interval"] if last else [])]
    return table(head, [[label(one), *(arm_figure(one, arm) for arm in arms), *found.get(one, [])] for one in names])


def _strata(report: Report) -> str:
    """The figures of an ordinary day, and what was raised; said that those above are of another."""
    if not report.ordinary:
        return ""
    figures = table([render_strata.HEADING, *(name(one.arm) for one in report.ordinary)], render_strata.table(report))
    raised = [[name(one), share, to] for one, share, to in render_strata.raised(report)]
    faults = table(["Raised fault", "Ordinary day", "This run"], raised)
    return folded(render_strata.HEADING, f"The figures above are {render_strata.STRATIFIED}.", figures, faults)


def _faults(report: Report) -> str:
    names = names_of(report)
    if not names:
        return ""
    kept = places(report)
    rows = []
    for one in names[:MOST_FAULTS]:
        told = fates(report, one)
        rows.append([_marked(report, one), *(plain(told[place]) for place in kept)])
    more = f"And {len(names) - MOST_FAULTS:,} more, in report.json." if len(names) > MOST_FAULTS else ""
    head = ["Fault", *(name(report.arms[place].name) for place in kept)]
    return folded("What each fault did", table(head, rows), more)


def _marked(report: Report, fault: str) -> str:
    """The fault's name, and its bug if it has one."""
    bug = bug_of(report, fault)
    return f"⚠ {name(fault)} {plain(bug)}" if bug else name(fault)


def _changes(report: Report) -> str:
    lines = [f"- {plain(line)}" for line in changes(report, MOST_PROBLEMS)]
    return folded("Changed while it ran", "\n".join(lines)) if lines else ""


def _bounds(report: Report) -> str:
    """Those that do not hold first."""
    found = sorted(report.judged, key=lambda one: one.state == "pass")
    lines = [f"- {MARKS[one.state]} {code(one.bound.text)}: {plain(told_bound(one))}" for one in found[:MOST_BOUNDS]]
    more = [f"- and {len(found) - MOST_BOUNDS:,} more, in report.json"] if len(found) > MOST_BOUNDS else []
    return "\n".join([*lines, *more])


def _problems(report: Report) -> str:
    lines = listed(report.problems, MOST_PROBLEMS)
    return "\n".join(["Problems:", "", *lines]) if lines else ""


def _foot(report: Report) -> str:
    lines = [f"Seed {report.manifest.get('seed')}, repeat: {code(str(report.manifest.get('command', '')))}."]
    if report.comparisons and report.manifest["pairs"] == 1:
        lines.append(ONE_PAIR)
    return "<sub>" + " ".join(lines) + "</sub>"
