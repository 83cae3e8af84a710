"""The HTML report, and how it looks in a real browser."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from records.folder import RunFolder
from reports.load import load
from reports.render_html import render_html
from reports.report import make_report
from reports.write import report
from tests.browser import Browser, chromium
from tests.reports.shown import write_strata

ODD = '<script>alert(1)</script>"&'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def eventful(tmp_path_factory: pytest.TempPathFactory, rows: SimpleNamespace) -> Path:
    """The report of a run with all that is rare: a fault with a bug, changes by hand, windows, raised faults, long names."""
    off, on = rows.simulate("off", 300), rows.simulate("on", 300)
    for struck in (struck for call in off.calls for struck in call["struck"]):
        struck["bug"] = f"KeyError({'x' * 400!r}) at my_fault.py:7"
    off.changes = [rows.a_change(n, "off", fault=f"{'very-long-' * 20}{n}", why="why " * 90) for n in range(70)]
    faults = [fault | {"during_s": [3, 9 if number else None]} for number, fault in enumerate(rows.FAULTS)]
    plan = {"name": "p", "path": "p.toml", "text": "", "faults": faults}
    folder = rows.write_run(tmp_path_factory.mktemp("eventful"), {"off": off, "on": on}, plan=plan)
    write_strata(folder, 250)
    report(folder)
    return folder.path / "report.html"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, rows: SimpleNamespace) -> Path:
    """The report of a run with long names and problems: what is most likely to overflow."""
    arms = {"off": rows.simulate("off", 300), "on": rows.simulate("on", 300)}
    folder = rows.write_run(
        tmp_path_factory.mktemp("run"), arms, embedded=False, command="headwind run " + "long/" * 40 + "path.toml"
    )
    (folder.arm("on", 1).path / "model.jsonl").unlink()
    report(folder)
    return folder.path / "report.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_in_a_browser(browser: Browser, page: Path, width: int, scheme: str):
    """No error in the console, no request but the file itself, nothing wider than the window."""
    browser.open(page.as_uri(), width, scheme)

    assert browser.told("Runtime.exceptionThrown") == []
    assert browser.told("Runtime.consoleAPICalled") == []
    assert browser.told("Log.entryAdded") == []
    asked = [told["request"]["url"] for told in browser.told("Network.requestWillBeSent")]
    assert [url for url in asked if not url.startswith("data:")] == [page.as_uri()]
    assert browser.value("document.documentElement.scrollWidth") <= width
    paper = [
        int(part) for part in re.findall(r"\d+", browser.value("getComputedStyle(document.documentElement).backgroundColor"))
    ]
    assert (max(paper) < 60) == (scheme == "dark")


CONTRAST = """
(() => {
  const linear = x => (x /= 255) <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4;
  const lit = c => { const v = c.match(/[\\d.]+/g).slice(0, 3).map(linear); return .2126 * v[0] + .7152 * v[1] + .0722 * v[2] };
  const behind = e => {
    for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!/, 0\\)$/.test(c)) return c }
    return 'rgb(255, 255, 255)';
  };
  const low = [];
  for (const e of document.querySelectorAll('main *:not(svg):not(svg *), svg text')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const style = getComputedStyle(e), a = lit(e.closest('svg') ? style.fill : style.color), b = lit(behind(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) low.push(`${ratio.toFixed(2)} ${e.tagName} ${e.textContent.trim().slice(0, 40)}`);
  }
  return low;
})()
"""
"""Every text whose contrast with its paper is below the 4.5 that WCAG AA asks for."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_enough_contrast(browser: Browser, page: Path, scheme: str):
    browser.open(page.as_uri(), 1440, scheme)

    assert browser.value(CONTRAST) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_an_eventful_run_in_a_browser(browser: Browser, eventful: Path, width: int, scheme: str):
    browser.open(eventful.as_uri(), width, scheme)

    assert browser.told("Runtime.exceptionThrown") == []
    assert browser.told("Log.entryAdded") == []
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.value(CONTRAST) == []
    assert browser.value("document.querySelectorAll('tr.bug').length") == 4
    assert browser.value("document.querySelectorAll('section[aria-labelledby=chart-timeline] li').length") == 51
    assert browser.value("document.querySelector('section[aria-labelledby=strata] tbody').rows.length") == 7
    assert "planned windows" in browser.value("document.querySelector('section[aria-labelledby=chart-timeline]').textContent")


def test_the_verdict_and_three_figures_stand_on_top(page: Path):
    text = re.sub(r"<style>.*?</style>|<svg.*?</svg>|<[^>]+>", " ", page.read_text(), flags=re.DOTALL)
    top = " ".join(text.split())[:1500]

    assert "pass All 2 bounds hold." in top
    assert re.search(r"Failure share 1\d\.\d % → 0 %", top)
    assert re.search(r"P95 10\.00 s → 2\.\d\d s", top)
    assert re.search(r"Retry success [\d.]+ % → ≥ [\d.]+ %", top)
    assert "on-01/model.jsonl: missing" in top


def test_every_section_is_there_and_is_named(page: Path):
    text = page.read_text()
    named = re.findall(r'<section[^>]* aria-labelledby="([^"]+)"', text)

    assert named == [
        "problems", "arms", "chart-latency", "chart-timeline", "chart-outcomes", "faults", "bounds", "measured", "glossary",
    ]  # fmt: skip
    assert all(f'<h2 id="{name}">' in text for name in named)
    assert "Seed" in text
    assert "locust 2.47.0" in text


def test_nothing_from_outside_becomes_markup(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    files = rows.simulate("off", 60)
    for call in files.calls:
        for fault in call["struck"]:
            fault |= {"fault": ODD, "kind": ODD, "bug": ODD}
    files.changes = [rows.a_change(1, "plan", ODD, value=ODD, why=ODD), rows.a_change(2, "off", ODD, fault=ODD)]
    scenario = {"name": ODD, "summary": ODD, "path": ODD, "text": ""}
    told = {"id": ODD, "command": ODD, "machine": {ODD: ODD}, "versions": {ODD: ODD}, "scenario": scenario}
    text = render_html(make_report(load(a_run("odd", **{"a<b>": files}, **told))))

    assert "<script" not in text
    assert "a<b>" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 8


def test_one_arm_alone_is_a_report_too(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    text = render_html(make_report(load(a_run(off=rows.simulate("off", 60), plan=None))))

    assert 'class="before"' not in text
    assert "95 % interval</th>" not in text


def test_a_run_in_which_nothing_finished_is_still_told(a_run: Callable[..., RunFolder], rows: SimpleNamespace):
    aborted = rows.Files(requests=[rows.as_row(rows.a_request(n, outcome="aborted")) for n in range(5)])
    text = render_html(make_report(load(a_run(off=aborted))))

    assert "vacuous" in text
    assert "No request finished in arm &#34;off&#34;." in text
    assert "<svg" not in text
