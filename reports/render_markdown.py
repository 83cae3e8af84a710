"""The report as Markdown, short enough for a pull-request comment."""

import re

from reports import render_strata
from reports.metrics import BY_NAME
from reports.render_faults import bug_of, changes, fates, names_of
from reports.render_words import (
    ONE_PAIR,
    arm_figure,
    comparison_of,
    difference,
    figure,
    headlines,
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
    "retry_success",
    "attempts_per_request",
    "tokens_spent",
    "tokens_wasted",
)
"""The metrics that fit into a comment or a terminal."""
MOST_PROBLEMS = 5


def render_markdown(report: Report) -> str:
    """Verdict, three figures, arms side by side, faults, bounds."""
    parts = [_head(report), _arms(report), _strata(report), _faults(report), _changes(report), _bounds(report)]
    parts += [_problems(report), _foot(report)]
    return "\n\n".join(part for part in parts if part) + "\n"


def plain(text: str) -> str:
    """A text from outside, so that Markdown and HTML leave it as it is."""
    flat = " ".join(text.split())
    return re.sub(r"([\\`*_{}\[\]<>|#!~@])", r"\\\1", flat).replace("&", "&amp;").replace("\\<", "&lt;").replace("\\>", "&gt;")


def code(text: str) -> str:
    """A text from outside as code: a backtick or a pipe would end it or split its cell."""
    return "`" + " ".join(text.split()).replace("`", "'").replace("|", "¦") + "`"


def _head(report: Report) -> str:
    name = plain(str((report.manifest.get("scenario") or {}).get("name", report.run.folder.path.name)))
    lines = [f"### Headwind: {name}: **{report.verdict.state}**", ""]
    lines += [f"- {plain(reason)}" for reason in report.verdict.reasons]
    lines += ["", *(f"- **{one.label}** {_from(one.before)}**{one.after}**: {one.note}" for one in headlines(report))]
    return "\n".join(lines)


def _from(before: str | None) -> str:
    return f"{before} → " if before else ""


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _arms(report: Report) -> str:
    _, after = shown_arms(report)
    compared = comparison_of(report, after.name)
    found = {one.metric: one for one in compared.differences} if compared else {}
    head = ["", *(plain(arm.name) for arm in report.arms)]
    head += [f"{plain(after.name)} − {plain(report.arms[0].name)}", "95 % interval"] if compared else []
    rows = []
    for name in SHORT:
        row = [label(name), *(arm_figure(name, arm) for arm in report.arms)]
        rows.append(row + ([difference(found[name]), interval(found[name])] if compared else []))
    return _table(head, rows)


def _strata(report: Report) -> str:
    """The figures of an ordinary day, and what was raised; said that those above are of another."""
    if not report.ordinary:
        return ""
    figures = _table([render_strata.HEADING, *(plain(one.arm) for one in report.ordinary)], render_strata.table(report))
    raised = [[plain(name), share, to] for name, share, to in render_strata.raised(report)]
    faults = _table(["Raised fault", "Ordinary day", "This run"], raised)
    return "\n\n".join([f"The figures above are {render_strata.STRATIFIED}.", figures, faults])


def _faults(report: Report) -> str:
    names = names_of(report)
    if not names:
        return ""
    rows = [[plain(_marked(report, name)), *map(plain, fates(report, name))] for name in names]
    return _table(["Fault", *(plain(arm.name) for arm in report.arms)], rows)


def _marked(report: Report, name: str) -> str:
    """The fault's name, and its bug if it has one."""
    bug = bug_of(report, name)
    return f"⚠ {name} {bug}" if bug else name


def _changes(report: Report) -> str:
    lines = [f"- {plain(line)}" for line in changes(report, MOST_PROBLEMS)]
    return "\n".join(["Changed while it ran:", "", *lines]) if lines else ""


def _bounds(report: Report) -> str:
    mark = {"pass": "✅", "fail": "❌", "inconclusive": "❔"}
    lines = []
    for one in report.judged:
        unit = BY_NAME[one.bound.left.metric].unit
        told = one.why or f"{figure(unit, one.value)} against {figure(unit, one.limit)}"
        lines.append(f"- {mark[one.state]} {code(one.bound.text)}: {told}")
    return "\n".join(lines)


def _problems(report: Report) -> str:
    told = report.problems
    more = [f"- and {len(told) - MOST_PROBLEMS} more, in report.json"] if len(told) > MOST_PROBLEMS else []
    lines = [f"- {plain(problem)}" for problem in told[:MOST_PROBLEMS]] + more
    return "\n".join(["Problems:", "", *lines]) if lines else ""


def _foot(report: Report) -> str:
    lines = [f"Seed {report.manifest.get('seed')}, repeat: {code(str(report.manifest.get('command', '')))}."]
    if report.comparisons and report.manifest["pairs"] == 1:
        lines.append(ONE_PAIR)
    return "<sub>" + " ".join(lines) + "</sub>"
