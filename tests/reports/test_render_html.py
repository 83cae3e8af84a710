"""The HTML report as text: what stands where, and that nothing from outside becomes markup."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from records.folder import RunFolder
from reports.load import load
from reports.render_html import TEMPLATES, render_html
from reports.report import make_report
from reports.sections import SECTIONS
from tests.reports.all_sorts import all_sorts

ODD = '<script>alert(1)</script>"&</script><!--'


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, rows: SimpleNamespace) -> str:
    """Of a run with problems."""
    arms = {"off": rows.simulate("off", 300), "on": rows.simulate("on", 300)}
    folder = rows.write_run(tmp_path_factory.mktemp("run"), arms, embedded=False)
    (folder.arm("on", 1).path / "model.jsonl").unlink()
    return render_html(make_report(load(folder)))


def words_of(page: str) -> str:
    text = re.sub(r"<style>.*?</style>|<script.*?</script>|<svg.*?</svg>|<[^>]+>", " ", page, flags=re.DOTALL)
    return " ".join(text.split())


def sections_of(page: str) -> list[str]:
    return re.findall(r'<section[^>]* aria-labelledby="([^"]+)"', page)


def test_the_verdict_three_sentences_and_the_key_figures_stand_on_top(page: str):
    top = words_of(page)[:2600]

    assert "pass All 2 bounds hold." in top
    assert re.search(r"With &#34;off&#34;, 36 of 300 requests \(12.0 %\) got no right answer in time", top)
    assert re.search(
        r"&#34;on&#34; means 12.0 points fewer failures \(95 % interval 8.6 to 16.2\) and a P95 shorter by 7\.\d\d s", top
    )
    assert "It cost 0.82 attempts a request instead of 1.00." in top
    assert re.search(r"Failure share 1\d\.\d % → 0 %", top)
    assert re.search(r"P95 10\.00 s → 2\.\d\d s", top)
    assert re.search(r"Retry success [\d.]+ % → ≥ [\d.]+ %", top)
    assert "on-01/model.jsonl: missing" in top


def test_every_section_is_there_in_its_order_and_is_named_and_listed(page: str):
    named = sections_of(page)

    assert named == [
        "problems", "arms", "chart-latency", "chart-curve", "cache", "chart-timeline", "chart-outcomes", "faults", "mechanisms",
        "ledger", "bounds", "measured", "glossary",
    ]  # fmt: skip
    assert all(f'<h2 id="{name}">' in page for name in named)
    assert re.findall(r'<li><a href="#([^"]+)"', page) == named
    assert "Seed" in page and "locust 2.47.0" in page and "headwind run article" in page


def test_every_section_has_its_template_and_every_template_its_section():
    shown = {one.path for one in SECTIONS}

    assert shown == {f"sections/{path.name}" for path in (TEMPLATES / "sections").iterdir()}


def test_it_reaches_for_nothing_outside_itself(page: str):
    assert "default-src 'none'" in page
    assert not re.findall(r'(?:src|href|action)="(?!#|data:)[^"]*"', re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL))
    assert not re.findall(r'url\((?!#)[^)]*\)|@import|href="(?!#|data:)', page)


@pytest.fixture(scope="module")
def every_sort(tmp_path_factory: pytest.TempPathFactory, rows: SimpleNamespace) -> dict[str, str]:
    runs = all_sorts(tmp_path_factory.mktemp("sorts"), rows)
    return {name: render_html(make_report(load(folder))) for name, folder in runs.items()}


def test_each_sort_of_run_has_the_sections_that_it_can_fill(every_sort: dict[str, str]):
    shown = {name: sections_of(page) for name, page in every_sort.items()}

    assert "gate" in shown["gate"] and "ablation" in shown["ablation"] and "strata" in shown["raised"]
    assert "recover" in shown["changed"]
    for name, sections in shown.items():
        assert {"arms", "measured", "glossary"} <= set(sections), name
        assert ("gate" in sections, "ablation" in sections) == (name == "gate", name == "ablation")
    assert shown["bare"] == [
        "problems", "arms", "chart-latency", "chart-timeline", "chart-outcomes", "faults", "ledger", "bounds", "measured",
        "glossary",
    ]  # fmt: skip


def test_nothing_from_outside_becomes_markup(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    files = rows.simulate("off", 60)
    for request in files.requests:
        request |= {"arm": "a<b>", "error": ODD, "proof": ODD, "task": ODD, "prompt_key": ODD}
    for call in files.calls:
        for fault in call["struck"]:
            fault |= {"fault": ODD, "kind": ODD, "bug": ODD}
    for told in files.app:
        told |= {"reason": ODD, "outcome": ODD, "model": ODD, "served_by": ODD}
    files.changes = [rows.a_change(1, "plan", ODD, value=ODD, why=ODD), rows.a_change(2, "off", ODD, fault=ODD)]
    scenario = {"name": ODD, "summary": ODD, "path": ODD, "text": ""}
    told = {"id": ODD, "command": ODD, "machine": {ODD: ODD}, "versions": {ODD: ODD}, "scenario": scenario}
    text = render_html(make_report(load(a_run("odd", **{"a<b>": files}, **told))))

    assert len(re.findall("<script|</script|<!--", text)) == 4, "the ledger's data, and what reads it"
    assert "<script>alert" not in text
    assert "a<b>" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 8
    data = json.loads(re.search(r'id="ledger-data">(.*?)</script>', text)[1])
    assert ODD in data["words"]


def test_one_arm_alone_is_a_report_too(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    text = render_html(make_report(load(a_run(off=rows.simulate("off", 60), plan=None))))

    assert 'class="before"' not in text
    assert "95 % interval</th>" not in text
    assert "chart-curve" not in sections_of(text)
    assert "It cost 1.00 attempts a request, " in words_of(text)


def test_a_run_in_which_nothing_finished_is_still_told(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    aborted = rows.Files(requests=[rows.as_row(rows.a_request(n, outcome="aborted")) for n in range(5)])
    text = render_html(make_report(load(a_run(off=aborted))))

    assert "vacuous" in text
    assert "No request finished in arm &#34;off&#34;." in text
    assert "<svg" not in text and "ledger-data" not in text


def test_many_problems_are_not_all_told(tmp_path: Path, rows: SimpleNamespace):
    arms = {f"arm-{number}": rows.Files(requests=rows.simulate(f"arm-{number}", 25).requests) for number in range(5)}
    text = words_of(render_html(make_report(load(rows.write_run(tmp_path / "run", arms)))))

    assert re.search(r"Problems (?:\S+ missing ){12}and \d+ more, in report.json", text)
