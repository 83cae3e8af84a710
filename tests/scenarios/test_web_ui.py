"""The web UI: this machine only, no other site's requests, and tests that do not mix."""

import json
import re
import urllib.error
import urllib.parse
import urllib.request

import pytest
from flask import Blueprint, Flask

from records.bad_input import BadInput
from scenarios.web_ui import refuse_bad_forms, refuse_cross_origin


@pytest.fixture
def site():
    app = Flask("site")
    refuse_cross_origin(app)
    app.add_url_rule("/swarm", view_func=lambda: "started", methods=["GET", "POST", "DELETE"])
    return app.test_client()


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        ("http://127.0.0.1:8089", 200),
        ("http://127.0.0.1:9000", 403),
        ("http://localhost:8089", 403),
        ("https://example.org", 403),
        ("http://127.0.0.1:8089.example.org", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_a_post_must_come_from_our_own_page(site, origin, status):
    headers = {"Host": "127.0.0.1:8089"} | ({} if origin is None else {"Origin": origin})
    assert site.post("/swarm", headers=headers).status_code == status
    assert site.delete("/swarm", headers=headers).status_code == status


def test_reading_is_left_alone(site):
    assert site.get("/swarm", headers={"Origin": "https://example.org"}).status_code == 200


def test_a_form_that_cannot_be_used_is_answered_with_its_sentence():
    def check(form):
        if form.get("plan"):
            raise BadInput("no such plan")

    app, ours = Flask("site"), Blueprint("locust", __name__)
    ours.add_url_rule("/swarm", "swarm", view_func=lambda: {"success": True}, methods=["POST"])
    ours.add_url_rule("/stop", "stop", view_func=lambda: {"success": True}, methods=["POST"])
    app.register_blueprint(ours)
    refuse_bad_forms(app, check)
    page = app.test_client()

    assert page.post("/swarm", data={"plan": "nope"}).json == {"success": False, "message": "no such plan"}
    assert page.post("/swarm", data={"plan": ""}).json == {"success": True}
    assert page.post("/stop", data={"plan": "nope"}).json == {"success": True}


def post(url, origin="", **form):
    request = urllib.request.Request(url, urllib.parse.urlencode(form).encode(), {"Origin": origin} if origin else {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_the_real_web_ui(stage, port, eventually):
    """Binds this machine only, refuses others, has our options in its form, and gives a second test its own pair."""
    stage.app(FATE="good", GAP_S="0.005")
    stage.locust("--web-port", port, headless=False, rate_per_s=30.0, users=7, spawn_per_s=70.0, deadline_s=1.0, duration_s=1.0)
    url = f"http://127.0.0.1:{port}"
    eventually(lambda: f"web interface at {url}," in stage.log("locust") and answers(url), why=stage.log("locust"))

    page = urllib.request.urlopen(url, timeout=5).read().decode()
    form = re.search(r'"extra_options": (\{.*?\}\})', page)
    assert form and set(json.loads(form[1])) == {"scenario", "plan", "features", "rate", "proof"}
    assert re.search(r'"num_users": 7\b', page), "the pool's size is filled in"

    assert post(f"{url}/swarm", "https://example.org", user_count=7, spawn_rate=70)[0] == 403
    assert not stage.rows()
    for pair in (1, 2):
        assert json.loads(post(f"{url}/swarm", url, user_count=7, spawn_rate=70)[1])["success"]
        # The workload's second is long over by then: with a web UI a test goes on until somebody stops it.
        eventually(lambda pair=pair: len(stage.rows(pair)) > 45, why="requests finished")
        assert post(f"{url}/stop", url)[0] == 200
        assert {row["pair"] for row in stage.rows(pair)} == {pair}
        assert {row["request_id"][:3] for row in stage.rows(pair)} == {f"p0{pair}"}


def answers(url):
    try:
        return urllib.request.urlopen(url, timeout=1).status == 200
    except OSError:
        return False
