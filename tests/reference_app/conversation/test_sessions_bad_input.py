"""What no client of good faith sends to a session: each is a clear 4xx, and reaches neither the store nor the provider."""

import httpx
import pytest

from tests.reference_app.conversation.talk import Talk

pytestmark = pytest.mark.parametrize("api", ["ollama"], indirect=True)
GOOD = "0123456789abcdef" * 2
NAMES = [
    "",
    "x",
    GOOD + "0",
    GOOD.upper(),
    GOOD + "\n",
    "\r\nevil: yes",
    "../../../../../../../../etc/pass",
    "..%2f" * 6 + "ab",
    "é" * 32,
    "\x00" * 32,
    "0" * 100_000,
    "*" * 32,
    "' OR 1=1 --",
]
BODIES = [
    {"question": "", "session": GOOD},
    {"question": "x" * 32_001, "session": GOOD},
    {"session": GOOD},
    {"question": "n=1", "session": 7},
    {"question": "n=1", "session": [GOOD]},
    {"question": "n=1", "session": {"$ne": ""}},
    {"question": "n=1", "session": GOOD, "user": "bob"},
    {"question": "n=1", "thread": GOOD},
]
RAW = {
    "no UTF-8": (b'{"question":"n=1","session":"\xff\xfe"}', 400),
    "half a character": (b'{"question":"n=1","session":"\\ud800"}', 422),
    "half a character asked": (b'{"question":"n=1 \\ud800"}', 422),
    "no JSON": (b"session=1", 422),
    "50 MB": (b'{"question":"n=1","session":"%b"}' % (b"x" * 52_428_800), 413),
}
ROUTES = ["/chat/session", "/chat/session/stream"]


@pytest.fixture
def app(app_with):
    return app_with("none", session_ttl_s=66.0)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("body", [*BODIES, *({"question": "n=1", "session": name} for name in NAMES)], ids=range(21))
def test_a_bad_body_is_a_clear_refusal(app, provider, body, route):
    """It says where and what, and does not repeat what may be long."""
    calls = len(provider.seen)
    told = httpx.post(app.url + route, json=body)

    assert told.status_code == 422 and len(told.content) < 500 and len(provider.seen) == calls
    assert all(problem["loc"][0] == "body" and problem["msg"] for problem in told.json()["detail"])


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("case", RAW)
def test_what_is_no_json_of_ours_is_refused(app, provider, case, route):
    """Invalid UTF-8, in a session's name as elsewhere."""
    (body, status), calls = RAW[case], len(provider.seen)
    told = httpx.post(app.url + route, content=body, headers={"content-type": "application/json"})

    assert told.status_code == status and len(told.content) < 500 and len(provider.seen) == calls


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize(
    "name", ["x", "..%2f..%2fetc", "%0d%0aevil:%20yes", GOOD + "%0a", "%00", "%ff%fe", "%2e%2e", "a" * 4_000]
)
def test_a_bad_name_in_a_path_is_a_clear_refusal(app, method, name):
    """No line of a name becomes a header, and no path leads elsewhere."""
    told = httpx.request(method, f"{app.url}/chat/session/{name}")

    assert told.status_code in (404, 405, 422) and "evil" not in told.headers and told.json()


@pytest.mark.parametrize("user", ["a:chat", "../ann", "a%0d%0a", "ann,bob", "a" * 129])
def test_a_user_without_a_proper_name_is_nobody_in_particular(app, user):
    """And so has no session of anybody who has one."""
    ann = Talk(app, "ann")
    ann.ask("n=1 secret")
    told = httpx.get(f"{app.url}/chat/session/{ann.session}", headers={"x-user-id": user})

    assert told.status_code == 404 and len(ann.said) == 2
