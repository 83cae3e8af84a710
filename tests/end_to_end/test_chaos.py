"""Faults that are changed while a run goes on: by the plan's own rules, over the proxy's port, and in Locust's web UI."""

import json
import re
import sys
import time

import orjson
import pytest

from records.folder import CHANGES
from records.jsonl import read_rows
from records.rows import is_failure
from tests.browser import chromium
from tests.end_to_end.locusts import SHORT, Site, arm_folder, requests_of, wait_for
from tests.end_to_end.small import headwind, write_scenario

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes left behind, by their environment")

HALTING = """
seed = 7
halt_if = { error_share = 0.5, over_s = 3, at_least = 8 }

[[fault]]
name = "503"
kind = "answer"
status = 503
routes = "/api/chat"
"""
BUSY = SHORT.replace("rate_per_s = 8.0", "rate_per_s = 12.0")
ONE_ARM = re.sub(r"\[arms.on\].*", "", BUSY, flags=re.DOTALL)


def changes_of(run):
    return read_rows(arm_folder(run) / CHANGES, orjson.loads).rows


@pytest.fixture(scope="module")
def halted(locust, tmp_path_factory):
    """The same arm, all of whose calls fail until the plan's own rule ends it: `headwind run`, and Locust in two processes."""
    folder = tmp_path_factory.mktemp("halted")
    by_locust = locust("--headless", "--features", "none", "--processes", 2, scenario=ONE_ARM, plan=HALTING)
    done = headwind("run", write_scenario(folder, ONE_ARM, HALTING), cwd=folder)
    by_locust.ended()
    (run,) = (folder / "runs").iterdir()
    return {"headwind": (run, done.stdout + done.stderr), "locust": (by_locust.run(), by_locust.said())}


@pytest.mark.parametrize("who", ["headwind", "locust"])
def test_chaos_ends_by_itself_when_too_many_users_fail(halted, who):
    run, said = halted[who]
    (stop,) = changes_of(run)
    figures = re.fullmatch(
        r"(\d+) of (\d+) users of the last 3 s got no right answer, 100.0 % where 50.0 % is the limit", stop["why"]
    )

    assert (stop["action"], stop["by"]) == ("stop", "halt_if")
    assert figures and int(figures[1]) == int(figures[2]) >= 8
    assert "Faults: all of them are stopped, by halt_if: " in said
    rows = sorted(requests_of(run), key=lambda row: row["sent_s"])
    after = [row for row in rows if row["sent_s"] > stop["at_s"]]
    before = [row for row in rows if row["finished_s"] < stop["at_s"]]
    assert len(before) >= 8 and all(is_failure(row["outcome"]) for row in before)
    assert len(after) >= 8 and all(row["outcome"] == "ok" for row in after)


ALL_BUSY = HALTING.replace("halt_if", "# halt_if")


class ChaosSite(Site):
    """The web UI with its tab."""

    def told(self):
        return self.ask("chaos/faults")[1]

    def change(self, origin=None, content_type="application/json", **change):
        headers = {"Origin": origin or self.url, "Content-Type": content_type}
        return self.ask("chaos/faults", json.dumps(change).encode(), headers)

    def fault(self):
        (fault,) = self.told()["state"]["faults"]
        return fault

    def outcomes_since(self, began_s, many=5):
        """Of those who asked after that moment, once there are so many."""

        def found():
            run = self.one.runs()[-1]
            since = [row["outcome"] for row in requests_of(run) if row["sent_s"] > began_s]
            return since if len(since) >= many else None

        return set(wait_for(found, why=self.one.said))


@pytest.fixture(scope="module")
def site(locust):
    """A master with two workers, whose provider answers 503 to every call."""
    site = ChaosSite(locust, "--features", "none", "--processes", 2, scenario=BUSY, plan=ALL_BUSY)
    wait_for(lambda: site.one.said().count("reported as ready") == 2, why=site.one.said)
    assert site.told() == {
        "state": None,
        "why": "No test is running. Once one is, its faults are here.",
        "plans": site.told()["plans"],
        "report": False,
    }
    assert site.change(fault="503", on=False) == (409, {"problems": [site.told()["why"]]})
    assert site.ask("chaos/report")[0] == 404
    assert site.start()[1]["success"]
    site.one.loading(rows=5)
    return site


@pytest.fixture
def busy(site):
    """The run goes on, and all calls fail."""
    assert site.change(plan_named="small-plan")[0] == 200
    return site


def test_what_is_switched_in_the_web_ui_changes_what_users_get(busy):
    began_s = time.monotonic()
    assert busy.outcomes_since(began_s) == {"http_error"}
    assert busy.fault()["struck"] > 0

    assert busy.change(fault="503", on=False, why="enough")[0] == 200
    assert busy.outcomes_since(time.monotonic()) == {"ok"}
    assert busy.change(fault="503", on=True, share=0.0)[0] == 200
    assert busy.outcomes_since(time.monotonic()) == {"ok"}
    assert busy.change(fault="503", share=1)[0] == 200
    assert busy.outcomes_since(time.monotonic()) == {"http_error"}

    changes = [row for row in changes_of(busy.one.runs()[-1]) if row["at_s"] > began_s]
    assert [(row["action"], row["by"], row["value"]) for row in changes] == [
        ("off", "web ui", None),
        ("share", "web ui", 0.0),
        ("on", "web ui", None),
        ("share", "web ui", 1),
    ]
    assert changes[0]["why"] == "enough"
    assert "Faults: 503 is off, by web ui: enough" in busy.one.said()


def test_a_plan_is_replaced_by_name_or_by_its_text(busy):
    assert {"article", "calm", "small-plan"} <= set(busy.told()["plans"])
    assert busy.change(plan_named="calm")[0] == 200
    assert (busy.told()["state"]["plan"], busy.told()["state"]["faults"]) == ("calm", [])
    assert busy.outcomes_since(time.monotonic()) == {"ok"}

    told = busy.change(plan="[[fault]]\nname = 'a'\nkind = 'drp'\nshare = 2")
    assert told[0] == 400 and len(told[1]["problems"]) == 2
    assert busy.change(plan_named="../pyproject")[1]["problems"][0].startswith('"../pyproject" is not a plan.')
    assert busy.told()["state"]["plan"] == "calm"

    assert busy.change(plan="[[fault]]\nname = 'gone'\nkind = 'drop'")[0] == 200
    assert busy.outcomes_since(time.monotonic()) == {"http_error"}
    assert busy.change(stop=True)[0] == 200
    assert busy.outcomes_since(time.monotonic()) == {"ok"}
    assert busy.told()["state"]["stopped"] == "by web ui"


def test_other_web_sites_can_neither_change_nor_read(busy):
    before = changes_of(busy.one.runs()[-1])

    assert busy.change(origin="https://example.org", fault="503", on=False)[0] == 403
    assert busy.ask("chaos/faults", None, {"Origin": "https://example.org"})[0] == 403
    for content_type in ("text/plain", "application/x-www-form-urlencoded"):
        assert busy.change(content_type=content_type, fault="503", on=False)[0] == 415
    assert busy.fault()["on"]
    assert changes_of(busy.one.runs()[-1]) == before


TAB = "document.querySelector('headwind-chaos')?.shadowRoot"
SWITCH = f"{TAB}?.querySelector('[data-fault=\"503\"] [role=switch]')"

FIELDS = f"[...{TAB}.querySelectorAll('input, select, textarea, button')]"
UNNAMED = f"{FIELDS}.filter(one => !one.labels?.length && !one.ariaLabel && !one.textContent).length"


@pytest.fixture(scope="module")
def browser():
    with chromium() as page:
        yield page


@pytest.mark.parametrize(("path", "scheme"), [("?tab=chaos", "light"), ("chaos", "dark")])
def test_in_a_browser(busy, browser, path, scheme):
    """By keyboard: focus and Enter, as with any button. No error in the console, and nothing from the network."""
    browser.open(f"{busy.url}/{path}", 1280, scheme)
    wait_for(lambda: browser.value(f"{SWITCH}?.textContent") == "On", why=lambda: str(browser.events[-5:]))
    assert browser.value(f"{TAB}.host.dataset.theme") == scheme
    wait_for(lambda: browser.value(f"{SWITCH}.closest('tr').cells[4].textContent") != "0")

    browser.value(f"{SWITCH}.focus()")
    browser.press("Enter")
    wait_for(lambda: browser.value(f"{SWITCH}.getAttribute('aria-checked')") == "false")
    assert browser.value(f"{TAB}.getElementById('said').textContent") == "503 is off."
    assert browser.value(f"{TAB}.getElementById('changes').firstChild.textContent").endswith("503 off, by web ui")
    assert busy.outcomes_since(time.monotonic()) == {"ok"}

    browser.value(f"{SWITCH}.closest('tr').querySelector('input').focus()")
    browser.value(f"{SWITCH}.closest('tr').querySelector('input').select()")
    for key in ("2", "5", "Enter"):
        browser.press(key)
    wait_for(lambda: busy.fault()["share"] == 0.25)
    assert browser.value(UNNAMED) == 0
    for method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
        assert browser.told(method) == []
    asked = [told["request"]["url"] for told in browser.told("Network.requestWillBeSent")]
    assert not [url for url in asked if not url.startswith((busy.url, "data:"))]


def test_when_the_run_has_ended_its_report_is_linked(busy, browser):
    """The last of this file that needs the run."""
    busy.stop()
    wait_for(lambda: busy.told()["report"], why=busy.one.said)
    status, page = busy.ask("chaos/report")

    assert status == 200 and busy.one.runs()[-1].name in page
    assert busy.told()["state"] is None and "No test is running" in busy.told()["why"]
    browser.open(f"{busy.url}/chaos", 1280, "light")
    wait_for(lambda: browser.value(f"{TAB}?.getElementById('report').hidden === false"))
    assert browser.value(f"{TAB}.getElementById('controls').hidden")


def test_of_an_app_that_is_there_already_the_tab_says_that_its_faults_are_not_ours(locust):
    site = ChaosSite(locust, "--host", "http://127.0.0.1:9")
    assert site.start(host="http://127.0.0.1:9")[1]["success"]
    site.one.loading()

    assert site.told()["state"] is None and "Start without --host" in site.told()["why"]
    assert site.change(stop=True) == (409, {"problems": [site.told()["why"]]})
