"""The tab's requests: who may read, who may change, and what goes into Locust's page."""

import re
from types import SimpleNamespace

import pytest
from flask import Blueprint, Flask

from scenarios.chaos_tab import FILES, add_chaos_tab
from scenarios.web_ui import refuse_cross_origin

PAGE = "<html><body><div id=root></div></body></html>"
OURS = "http://127.0.0.1:8089"


class Chaos:
    def __init__(self):
        self.asked, self.written = [], None

    def told(self):
        return {"state": None, "why": "none"}

    def change(self, asked):
        self.asked.append(asked)
        return (200, {"plan": "calm"}) if asked else (400, {"problems": ["no"]})

    def report(self):
        return self.written


@pytest.fixture
def chaos():
    return Chaos()


@pytest.fixture
def page(chaos):
    """Locust's page as far as the tab is concerned, and a browser."""
    app, locust = Flask("site"), Blueprint("locust", __name__)
    locust.add_url_rule("/", "index", view_func=lambda: PAGE)
    locust.add_url_rule("/other", "other", view_func=lambda: PAGE)
    app.register_blueprint(locust)
    refuse_cross_origin(app)
    web_ui = SimpleNamespace(app=app, template_args={}, auth_required_if_enabled=lambda view: view)
    add_chaos_tab(web_ui, chaos)
    assert web_ui.template_args["extended_tabs"] == [{"title": "Chaos", "key": "chaos"}]
    return app.test_client()


def headers(origin=None):
    return {"Host": "127.0.0.1:8089"} | ({"Origin": origin} if origin is not None else {})


def test_locusts_page_alone_gets_the_script(page):
    assert page.get("/").text == PAGE.replace("</body>", '<script src="./chaos/chaos.js"></script></body>')
    assert page.get("/other").text == PAGE


def test_the_page_and_its_files_are_here_and_nothing_else_is(page):
    for path in ("/chaos", "/chaos/chaos.js", "/chaos/chaos.css"):
        assert page.get(path).status_code == 200
    assert page.get("/chaos/../chaos_tab.py").status_code == 404
    assert page.get("/chaos/nothing.js").status_code == 404


def test_the_files_need_no_network():
    text = "".join(path.read_text() for path in FILES.iterdir())
    assert re.findall(r"(?:https?:)?//[a-z]+\.[a-z]+", text) == []


def test_our_own_page_may_read_and_change(page, chaos):
    assert page.get("/chaos/faults", headers=headers()).json == {"state": None, "why": "none"}
    answer = page.post("/chaos/faults", json={"stop": True}, headers=headers(OURS))
    assert (answer.status_code, answer.json, chaos.asked) == (200, {"plan": "calm"}, [{"stop": True}])


@pytest.mark.parametrize("origin", ["https://example.org", "http://127.0.0.1:9000", "null", ""])
def test_other_web_sites_may_neither_read_nor_change(page, chaos, origin):
    """Locust itself lets every site read its answers."""
    assert page.post("/chaos/faults", json={"stop": True}, headers=headers(origin)).status_code == 403
    assert page.get("/chaos/faults", headers=headers(origin)).status_code == 403
    assert chaos.asked == []


def test_a_form_cannot_change_anything(page, chaos):
    assert page.post("/chaos/faults", data={"stop": "true"}, headers=headers(OURS)).status_code == 415
    assert page.post("/chaos/faults", data='{"stop": true}', content_type="text/plain").status_code == 415
    assert chaos.asked == []


def test_what_is_not_json_is_told_as_any_problem(page):
    answer = page.post("/chaos/faults", data='{"stop', content_type="application/json")
    assert (answer.status_code, answer.json) == (400, {"problems": ["no"]})


def test_the_report_once_there_is_one(page, chaos, tmp_path):
    assert page.get("/chaos/report").status_code == 404
    chaos.written = tmp_path / "report.html"
    chaos.written.write_text("<p>report")
    assert page.get("/chaos/report").text == "<p>report"
