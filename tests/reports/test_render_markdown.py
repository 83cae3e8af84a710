"""Markdown: the facts, short, and safe inside a comment."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest

from records.folder import RunFolder
from reports.load import load
from reports.render_markdown import render_markdown
from reports.report import Report, make_report
from reports.verdict import Verdict

GITHUB_TAKES = 65_536


def test_markdown_tells_the_facts_and_fits_a_comment(article: Report):
    text = render_markdown(article)

    assert text.startswith("<!-- headwind: article -->\n\n### ✅ Headwind: article: **pass**\n\n- All 2 bounds hold.")
    assert "| P95 | 10.00 s | " in text
    assert "| Failure share | 16.0 % | 0 % | −16.0 points |" in text
    assert "52 of 52 recovered: at least 93.1 %" in text
    assert "✅ `on.p95_s <= 0.5 * off.p95_s`" in text
    assert "spread within this run, not between runs" in text
    assert len(text) < 4000


def test_what_a_reviewer_must_see_is_above_the_fold_in_a_short_table(article: Report):
    above, *folds = render_markdown(article).split("<details>")
    figures, ledger = (part.splitlines() for part in above.split("\n\n") if part.startswith("|"))

    assert len(figures) <= 2 + 12
    assert ledger[2:4] == [
        "| all | 18 of 98 (18.4 %) | 71 of 71 (≥ 94.8 %) |",
        "| of kind answer | 0 of 9 (≤ 30 %) | 8 of 8 (≥ 67.5 %) |",
    ]
    assert "| by retry | – | 60 of 60 (≥ 93.9 %) |" in ledger
    assert len(folds) == render_markdown(article).count("</details>\n") == 2
    assert "| P50 |" in folds[-1] and " more figures, in report.html and report.json." in folds[-1]


def test_why_it_failed_comes_before_what_holds(a_run: Callable[..., RunFolder]):
    bounds = ["on.wrong_share <= 0", "on.p95_s <= 0.1", "off.requests >= 1"]
    lines = render_markdown(make_report(load(a_run(bounds=bounds)))).splitlines()

    assert lines[2] == "### ❌ Headwind: article: **fail**"
    assert lines[4] == r"- on.p95\_s &lt;= 0.1: fail, 2.941 against 0.1."
    assert [line[2] for line in lines if "`o" in line and line.startswith("- ")] == ["❌", "✅", "✅"]


@pytest.mark.parametrize(
    ("scenario", "marker"),
    [("rush hour", "rush hour"), ("a --> b", "a - b"), ("x" * 500, "x" * 60), ("--><b>", "-b-")],
)
def test_the_first_line_marks_the_comment_of_the_scenario(article: Report, scenario: str, marker: str):
    """CI looks for it among the comments; it must be the same for every run, and must not end early."""
    first = [
        render_markdown(replace(article, run=replace(article.run, manifest=article.manifest | told))).splitlines()[0]
        for told in (
            {"scenario": {"name": scenario}, "id": "one"},
            {"scenario": {"name": scenario}, "id": "another", "seed": 8},
        )
    ]

    assert first == [f"<!-- headwind: {marker} -->"] * 2


def crowded(article: Report, count: int, letter: str) -> Report:
    """So many arms, faults, changes, bounds, reasons and problems, each in long words."""
    words = [f"{number} {letter * 3000}" for number in range(count)]
    arm = article.arms[1]
    landings = tuple(replace(arm.landings[0], name=one, bug=one) for one in words)
    fates = tuple(replace(arm.by_fault[0], name=one) for one in words)
    arms = tuple(replace(arm, name=one, landings=landings, by_fault=fates) for one in words)
    judged = tuple(replace(article.judged[0], bound=replace(article.judged[0].bound, text=one)) for one in words)
    run = replace(
        article.run, problems=tuple(words), manifest=article.manifest | {"command": words[0], "scenario": {"name": words[0]}}
    )
    return replace(article, run=run, arms=(*article.arms, *arms), judged=judged, verdict=Verdict("fail", tuple(words)))


@pytest.mark.parametrize("letter", ["x", "@", "<", "|", "wörter "])
def test_it_fits_whatever_the_number_of_arms_faults_and_problems(article: Report, letter: str):
    text = render_markdown(crowded(article, 300, letter))

    assert len(text) < GITHUB_TAKES
    assert text.count("<details>") == text.count("</details>")
    assert "and 294 more, in report.json" in text
    assert ("Shortened to fit into a comment" in text) == (letter == "@")


def test_arms_that_find_no_place_are_counted_and_the_one_of_the_headline_is_there(article: Report):
    off, on = article.arms
    arms = (off, *(replace(off, name=f"arm {number}") for number in range(9)), on)
    text = render_markdown(replace(article, arms=arms))

    assert "|  | off | arm 0 | arm 1 | on | on − off | 95 % interval |" in text
    assert "And 7 more arms" in text


def test_what_each_feature_is_worth_is_a_table_of_its_own(sorts: dict[str, Report]):
    """The arms that only tell it are not among the others."""
    text = render_markdown(sorts["ablation"])
    head, _, *features = next(part for part in text.split("\n\n") if part.startswith("| Feature")).splitlines()

    assert head == "| Feature |  | beside all others | alone | Tokens per request |"
    assert [line.split(" | ")[0] for line in features] == ["| retry", "| cache"]
    assert features[0].startswith("| retry | helps | failures −")
    assert "only-cache" not in text and "|  | off | on | on − off | 95 % interval |" in text


def test_the_gate_is_told_by_its_reasons_and_pair_by_pair(sorts: dict[str, Report]):
    report, text = sorts["gate"], render_markdown(sorts["gate"])

    assert len(report.gates) == 2
    assert f"**{report.verdict.state}**" in text and "P95 ratio " in text.partition("With ")[0]
    assert "<details><summary>on against off, pair by pair</summary>" in text
    assert "| Pair | P95 of off | of on | Ratio |" in text


def test_markdown_leaves_no_markup_of_others(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    files = rows.simulate("off", 60)
    for call in files.calls:
        for fault in call["struck"]:
            fault |= {"fault": "a | b <img src=x> [link](http://x) @you", "bug": "<img src=y> | `z`"}
    files.changes = [rows.a_change(1, "off", "<b>me</b>", fault="<img src=z>", why="[x](y)")]
    scenario = {"name": "**bold** <b>x</b>", "text": ""}
    text = render_markdown(make_report(load(a_run(off=files, scenario=scenario, command="run `x`"))))

    assert "<img" not in text
    assert "<b>" not in text
    assert "@you" not in text
    assert r"a \| b" in text
    assert "`run 'x'`" in text
