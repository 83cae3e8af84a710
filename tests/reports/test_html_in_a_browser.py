"""The HTML report in a real browser: how it looks, on screen and on paper, and what can be done with it."""

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reports.ledger_sample import MOST
from reports.load import load
from reports.render_html import render_html
from reports.report import make_report
from reports.write import report
from tests.browser import Browser, chromium
from tests.reports.all_sorts import ABLATION, a_gate, arms_of
from tests.reports.large import multiplied
from tests.reports.looks import CONTRAST, CUT_OFF, LEFT_OUT, NAMED, WRONG_WITH
from tests.reports.shown import write_strata

MOST_BYTES = 5_000_000
MOST_MS = 2000
PAGE_PX, ACROSS_PX = 688, 1046
"""What A4 is wide within its margins, at 96 dots an inch: upright, and across."""
COUNT = "document.getElementById('ledger-count').textContent"
FOCUSED = "document.activeElement"
LISTED = "[...document.querySelectorAll('#ledger-rows > tr:not(.detail)')]"
CONSOLE = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, rows: SimpleNamespace) -> Path:
    """Two arms with long names and problems: what is most likely to overflow."""
    arms = {"off": rows.simulate("off", 300), "on": rows.simulate("on", 300)}
    command = "headwind run " + "long/" * 40 + "path.toml"
    told = {"planned": {"off-01": 300, "on-01": 300}, "steal_share": {"off-01": 0.01}}
    folder = rows.write_run(tmp_path_factory.mktemp("plain"), arms, embedded=False, command=command, **told)
    (folder.arm("on", 1).path / "model.jsonl").unlink()
    report(folder)
    return folder.path / "report.html"


@pytest.fixture(scope="module")
def eventful(tmp_path_factory: pytest.TempPathFactory, rows: SimpleNamespace) -> Path:
    """All that is rare: a fault with a bug, changes by hand, windows, raised faults, long names."""
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
def many(tmp_path_factory: pytest.TempPathFactory, rows: SimpleNamespace) -> Path:
    """More arms than colours, of an ablation, with a gate beside it."""
    more = {f"another-arm-{number}": rows.simulate("on", 40) for number in range(2)}
    for name, files in more.items():
        files.requests = [row | {"arm": name} for row in files.requests]
    arms = {"off": rows.simulate("off", 60), "on": rows.simulate("on", 60), **arms_of(ABLATION, rows), **more}
    folder = rows.write_run(tmp_path_factory.mktemp("many"), arms, ablation=ABLATION, gate=a_gate(), bounds=[])
    report(folder)
    return folder.path / "report.html"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, rows: SimpleNamespace) -> Path:
    """100,000 requests."""
    arms = {"off": rows.simulate("off", 2500), "on": rows.simulate("on", 2500)}
    run = multiplied(load(rows.write_run(tmp_path_factory.mktemp("large") / "run", arms)), 20)
    page = run.folder.path / "report.html"
    page.write_text(render_html(make_report(run)), encoding="utf-8")
    return page


@pytest.fixture
def page(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def wrong_with(browser: Browser) -> dict[str, list[str]]:
    """What a careful person would find, by the name of the check."""
    found = {name: browser.value(question) for name, question in WRONG_WITH.items()} | {"nameless": nameless(browser)}
    return {name: told for name, told in found.items() if told}


def as_heard(browser: Browser) -> list[tuple[str, str]]:
    """Role and name of all that a screen reader can come upon."""
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    return [(one["role"]["value"], (one.get("name") or {}).get("value", "")) for one in nodes if not one["ignored"]]


def nameless(browser: Browser) -> list[str]:
    """What it could only call by its role."""
    return [role for role, name in as_heard(browser) if role in NAMED and not name.strip()]


@pytest.mark.parametrize(
    ("page", "width", "scheme"),
    [
        *(("plain", width, scheme) for width in (360, 1440) for scheme in ("light", "dark")),
        *((page, *one) for page in ("eventful", "many") for one in ((360, "dark"), (1440, "light"))),
    ],
    indirect=["page"],
)
def test_on_screen(browser: Browser, page: Path, width: int, scheme: str):
    """No error in the console, no request but the file itself; nothing too wide, too faint, out of order or without a name."""
    browser.open(page.as_uri(), width, scheme)

    assert wrong_with(browser) == {}
    assert [browser.told(event) for event in CONSOLE] == [[], [], []]
    asked = [told["request"]["url"] for told in browser.told("Network.requestWillBeSent")]
    assert [url for url in asked if not url.startswith("data:")] == [page.as_uri()]
    paper = browser.value("getComputedStyle(document.documentElement).backgroundColor")
    assert (max(int(part) for part in re.findall(r"\d+", paper)) < 60) == (scheme == "dark")


BREAKS = {
    "contrast": "document.querySelector('.waterfall .grid').parentElement.insertAdjacentHTML('beforeend', "
    '\'<rect width="300" height="60" fill="#777"/><text x="60" y="30">faint</text>\')',
    "too wide": "document.querySelector('h1').style.width = '200vw'",
    "headings": "document.querySelector('section').insertAdjacentHTML('beforeend', '<h5>too deep</h5>')",
    "unreachable": "document.querySelectorAll('.scroll').forEach(e => e.removeAttribute('tabindex'))",
    "nameless": "document.querySelector('label').firstChild.remove()",
}


@pytest.mark.parametrize("what", BREAKS)
def test_what_is_broken_is_found(browser: Browser, plain: Path, what: str):
    browser.open(plain.as_uri(), 360, "light")
    browser.value(BREAKS[what])

    assert list(wrong_with(browser)) == [what]


def test_faint_text_on_the_page_is_found(browser: Browser, plain: Path):
    browser.open(plain.as_uri(), 1440, "light")
    browser.value("document.querySelector('.verdict').style.opacity = 0.6")

    assert any("All 2 bounds hold." in one for one in browser.value(CONTRAST))


@pytest.mark.parametrize("page", ["plain", "eventful", "many"], indirect=True)
def test_on_paper(browser: Browser, page: Path):
    """All that matters is printed, nothing is cut off, and it is black on white whatever the screen."""
    browser.open(page.as_uri(), PAGE_PX, "dark", media="print")

    assert browser.value(LEFT_OUT) == []
    assert browser.value(CUT_OFF.replace("ACROSS", str(ACROSS_PX))) == []
    assert browser.value(CONTRAST) == []
    assert browser.value("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.value("[...document.querySelectorAll('main > section')].every(e => e.offsetHeight > 20)")


def test_what_paper_would_cut_off_is_found(browser: Browser, plain: Path):
    browser.open(plain.as_uri(), PAGE_PX, "light", media="print")
    browser.value("document.querySelector('.scroll table').style.width = '900px'")
    browser.value("document.querySelector('.verdict').style.display = 'none'")

    assert browser.value(CUT_OFF.replace("ACROSS", "0"))[0].startswith("Arms side by side: 900 of ")
    assert len(browser.value(LEFT_OUT)) > 2


def test_landmarks_and_a_way_past_them(browser: Browser, plain: Path):
    browser.open(plain.as_uri(), 1440, "light")
    browser.press("Tab")

    assert browser.value(f"{FOCUSED}.textContent") == "To the report"
    assert browser.value(f"{FOCUSED}.getBoundingClientRect().width") > 50, "seen once it is focused"
    assert {"banner", "navigation", "main", "search", "status"} <= {role for role, _ in as_heard(browser)}
    linked = browser.value("[...document.querySelectorAll('.contents a')].map(a => !!document.querySelector(a.hash))")
    assert len(linked) > 8 and all(linked)


def test_the_focus_is_seen_and_motion_is_asked_for(browser: Browser, plain: Path):
    browser.open(plain.as_uri(), 1440, "light")
    browser.value("document.querySelector('select[name=arm]').focus()")
    browser.press("Tab")

    assert browser.value(f"getComputedStyle({FOCUSED}).outlineStyle") == "solid"
    assert browser.value("getComputedStyle(document.documentElement).scrollBehavior") == "smooth"
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    assert browser.value("getComputedStyle(document.documentElement).scrollBehavior") == "auto"


def test_the_ledger_is_filtered_by_keyboard_and_says_how_many_are_left(browser: Browser, plain: Path):
    browser.open(plain.as_uri(), 1440, "light")
    every = int(browser.value(COUNT).split()[0])
    browser.value("document.querySelector('select[name=arm]').focus()")
    browser.press("ArrowDown")
    of_off = int(browser.value(COUNT).split()[0])

    assert browser.value(f"{FOCUSED}.value") == "off"
    assert 0 < of_off < every
    browser.press("Tab")
    browser.press("ArrowDown")
    fault = browser.value(f"{FOCUSED}.value")
    of_fault = int(browser.value(COUNT).split()[0])
    assert 0 < of_fault < of_off
    assert browser.value(f"{LISTED}.map(e => e.cells[2].textContent)") == [fault] * min(25, of_fault)
    browser.value("document.querySelector('input[name=id]').focus()")
    for key in "zzz":
        browser.press(key)
    assert browser.value(COUNT) == "No request is like that."
    assert browser.value("document.getElementById('ledger-count').role") == "status"


def test_pages_and_order(browser: Browser, plain: Path):
    browser.open(plain.as_uri(), 1440, "light")
    browser.value("document.querySelectorAll('#ledger-pages button')[1].focus()")
    browser.press("Enter")

    assert ", 26 to 50 shown." in browser.value(COUNT)
    browser.value("[...document.querySelectorAll('.order')].find(e => e.textContent === 'Took').focus()")
    browser.press("Enter")
    longest = took_ms(browser)
    browser.press("Enter")
    shortest = took_ms(browser)
    assert longest == sorted(longest, reverse=True) and shortest == sorted(shortest)
    assert shortest[-1] < longest[-1], "over all pages"
    assert browser.value("document.querySelectorAll('th[aria-sort=ascending]').length") == 1


def took_ms(browser: Browser) -> list[float]:
    told = browser.value(f"{LISTED}.map(e => e.cells[6].textContent)")
    return [float(one.split()[0]) * (1 if one.endswith(" ms") else 1000) for one in told]


def test_a_chosen_request_shows_its_waterfall_and_tells_it_in_words(browser: Browser, plain: Path):
    browser.open(plain.as_uri(), 1440, "light")
    browser.value("document.querySelector('.request[aria-expanded=true]').focus()")
    browser.press("ArrowDown")
    chosen = browser.value(f"{FOCUSED}.textContent")
    browser.press("Enter")

    assert browser.value(f"[{FOCUSED}.textContent, {FOCUSED}.ariaExpanded]") == [chosen, "true"]
    assert browser.value("document.querySelectorAll('.detail').length") == 1
    told = browser.value("document.querySelector('.waterfall').textContent")
    assert f"Request {chosen}" in told
    for word in ("was due", "attempt 1 (first) began", "fault ", " struck attempt 1", "over: "):
        assert word in told, word
    drawn = "document.querySelector('.waterfall svg')"
    assert browser.value(f"{drawn}.getAttribute('role')") == "img"
    assert "attempt" in browser.value(f"{drawn}.getAttribute('aria-label')")
    assert browser.value(f"{drawn}.querySelectorAll('path.fault').length") == 1
    assert browser.value(f"{drawn}.querySelectorAll('.token').length") > 0
    browser.press("Enter")
    assert browser.value("document.querySelectorAll('.detail').length") == 0
    assert browser.value(f"{FOCUSED}.textContent") == chosen


def test_the_same_request_is_shown_in_the_other_arm_on_one_axis(browser: Browser, plain: Path):
    browser.open(plain.as_uri(), 1440, "light")

    of_each = "[...document.querySelectorAll('.waterfall svg')].map(e => [...e.querySelectorAll('.tick')]"
    ticks = browser.value(f"{of_each}.map(t => t.textContent).join())")
    assert len(ticks) == 2 and ticks[0] == ticks[1]
    ends = browser.value(
        "[...document.querySelectorAll('.waterfall rect')].map(e => e.x.baseVal.value + e.width.baseVal.value)"
    )
    width = browser.value("document.querySelector('.waterfall svg').viewBox.baseVal.width")
    assert 0.9 * width < max(ends) <= width, "as wide as there is room"
    first, second = browser.value("[...document.querySelectorAll('.waterfall figcaption')].map(e => e.textContent)")
    assert first.startswith("off · ") and second.startswith("on · right in time"), "one that failed, and was recovered"
    assert browser.value("document.querySelectorAll('.waterfall svg')[1].querySelectorAll('.name').length") == 3


def test_a_link_leads_to_a_request(browser: Browser, plain: Path):
    browser.open(plain.as_uri(), 1440, "light")
    last = browser.value("[...document.querySelectorAll('.request')].at(-1).textContent")
    browser.open("about:blank", 1440, "light")
    browser.open(f"{plain.as_uri()}#request={last}", 1440, "light")

    assert browser.value("document.querySelector('.waterfall h3').textContent") == f"Request {last}"


def test_without_a_script_the_first_requests_are_a_table(browser: Browser, plain: Path):
    browser.open(plain.as_uri(), 1440, "light", scripts=False)
    try:
        assert browser.value("document.querySelectorAll('#ledger-rows > tr').length") == 25
        assert re.match(r"The first 25 of \d+ requests", browser.value(COUNT))
        assert browser.value("document.getElementById('ledger-filters').getClientRects().length") == 0
        assert browser.value("document.querySelectorAll('.request, .order').length") == 0
        assert "need this page's script" in browser.value("document.querySelector('main').innerText")
        assert wrong_with(browser) == {}
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_100_000_requests_open_at_once(browser: Browser, large: Path):
    browser.open(large.as_uri(), 1440, "light")
    told = browser.value("document.querySelector('section[aria-labelledby=ledger] > p').textContent")

    assert browser.value("performance.getEntriesByType('navigation')[0].loadEventEnd") < MOST_MS
    assert large.stat().st_size < MOST_BYTES
    assert re.search(r"[\d,]+ of these [\d,]+ are listed", told), told
    assert MOST / 2 < int(browser.value(COUNT).split()[0].replace(",", "")) < 1.5 * MOST
    assert "Too many to draw all" in browser.value("document.body.textContent")
    assert wrong_with(browser) == {}


def test_the_demo_is_small(plain: Path):
    assert plain.stat().st_size < 1_500_000
