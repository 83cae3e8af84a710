"""The routes as a load generator meets them."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import pytest


@pytest.mark.parametrize("features", ["none", "all"])
def test_a_stream_is_tokens_and_done(app_with, provider, features):
    told = app_with(features).ask(f"n=4 {features}")

    assert told.status == 200 and told.headers["content-type"].startswith("text/event-stream")
    assert [name for name, _ in told.events] == ["token"] * 4 + ["done"]
    assert told.text == provider.words(4)
    usage = {"input_tokens": 12, "output_tokens": 4, "wasted_output_tokens": 0, "attempts": 1, "estimated": False}
    assert told.end == {"served_by": "model", "degraded": False, "usage": usage}


@pytest.mark.parametrize("features", ["none", "all"])
def test_an_answer_is_json(app_with, provider, features):
    told = app_with(features).ask(f"n=4 json {features}", "/chat")

    assert (told.status, told.text, told.json["served_by"]) == (200, provider.words(4), "model")
    assert told.json["usage"]["output_tokens"] == 4


def test_tokens_are_sent_as_they_come(app_with):
    arrived = []
    body = {"question": "n=4 every=0.1 as they come"}
    with httpx.stream("POST", app_with("all").url + "/chat/stream", json=body) as response:
        for _ in response.iter_bytes():
            arrived.append(time.monotonic())
    assert arrived[-1] - arrived[0] > 0.25


WRONG = [
    {"question": ""},
    {"question": " \n"},
    {"question": "x" * 32_001},
    {"question": "n=1", "temperature": 2.1},
    {"question": "n=1", "max_tokens": 0},
    {"question": "n=1", "top_k": 3},
    {},
]


@pytest.mark.parametrize("route", ["/chat", "/chat/stream"])
@pytest.mark.parametrize("body", WRONG, ids=range(len(WRONG)))
def test_what_cannot_be_asked_is_refused_before_any_call(app_with, provider, route, body):
    before = len(provider.seen)
    response = httpx.post(app_with("all").url + route, json=body)

    assert response.status_code == 422 and response.headers["x-request-id"]
    assert len(provider.seen) == before


HOSTILE = {
    "10 MB": (b'{"question":"%b"}' % (b"x" * 10_000_000), 413),
    "10 MB of numbers": (b'{"question":[%b1]}' % (b"1," * 5_000_000), 413),
    "no UTF-8": (b'{"question":"\xff\xfe"}', 400),
    "half a character": (rb'{"question":"\ud800"}', 422),
    "half a character in a name": (rb'{"question":"n=1","\ud800":1}', 422),
    "no number": (b'{"question":"n=1","temperature":NaN}', 422),
    "too deep": (b"[" * 200_000, 400),
    "many names": (b'{"question":"n=1",%b}' % b",".join(b'"%d":0' % number for number in range(5_000)), 422),
    "nothing": (b"", 422),
    "no JSON": (b"question=1", 422),
}


@pytest.mark.parametrize("route", ["/chat", "/chat/stream"])
@pytest.mark.parametrize("chunked", [False, True], ids=["sized", "chunked"])
@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_body_is_refused_at_once_and_in_few_words(app_with, provider, case, chunked, route):
    body, status = HOSTILE[case]
    app, before, began = app_with("all"), len(provider.seen), time.monotonic()
    headers = {"content-type": "application/json", "x-request-id": f"{case}-{chunked}-{len(route)}".replace(" ", "-")}
    told = httpx.post(app.url + route, content=iter([body]) if chunked else body, headers=headers)

    assert told.status_code == status and "detail" in told.json()
    assert len(told.content) < 1000 and time.monotonic() - began < 2 and len(provider.seen) == before
    assert (row := app.request_row(headers["x-request-id"]))["status"] == status and row["outcome"] == "rejected"


@pytest.mark.parametrize("route", ["/chat", "/chat/stream"])
def test_the_longest_question_fits_however_it_is_written(app_with, route):
    """As JSON escapes it, a character may take twelve bytes."""
    question = "n=1 " + "\U0001f44b" * 31_996

    assert app_with("all").ask(question, route).status == 200


@pytest.mark.parametrize("route", ["/chat", "/chat/stream"])
@pytest.mark.parametrize("features", ["none", "retry"])
@pytest.mark.parametrize(
    ("asked", "status"),
    [("status=500", 503), ("status=503", 503), ("how=drop", 503), ("status=404", 404), ("cut=0 how=rst", 503)],
)
def test_an_error_before_the_first_token_is_a_status(app_with, route, features, asked, status):
    told = app_with(features, retry_base_s=0.001).ask(f"n=3 {asked}", route)

    assert told.status == status and list(told.json) == ["error"]


@pytest.mark.parametrize(("asked", "told_s"), [("3", "3"), ("0.5", "1"), ("2592000", "2592000"), ("inf", None)])
def test_off_retry_after_is_passed_on(app_with, asked, told_s):
    """In whole seconds, as HTTP has them, and never fewer."""
    told = app_with("none").ask(f"n=3 status=429 ra={asked}")

    assert (told.status, told.headers.get("retry-after")) == (429, told_s)


@pytest.mark.parametrize("route", ["/chat", "/chat/stream"])
def test_an_answer_beyond_all_expectation_is_a_503_with_its_trace_in_the_log(app_with, route):
    app = app_with("none")
    told = app.ask("n=3 cut=0 how=list", route)

    assert told.status == 503 and told.headers["x-request-id"] == told.request_id
    assert "Traceback" in app.rows("unexpected", told.request_id)[0]["exception"]


def test_ids_go_through_to_the_provider(app_with, provider):
    told = app_with("none").ask("n=1", request_id="p01-000417")

    assert told.headers["x-request-id"] == "p01-000417"
    assert [seen.attempt for seen in provider.of("p01-000417")] == ["1"]


@pytest.mark.parametrize(
    "bad", ["", "a b", "x" * 129, "x" * 60_000, "a/b", "é", "ÿþ", '"},{"event":"request', "../../x", "a\tb"]
)
def test_an_id_that_cannot_be_used_is_replaced(app_with, provider, bad):
    app, body = app_with("none"), {"question": "n=1"}
    told = httpx.post(app.url + "/chat", json=body, headers={"x-request-id": bad.encode("latin1")})

    assert told.status_code == 200 and (given := told.headers["x-request-id"]).isalnum()
    assert len(provider.of(given)) == 1 and app.request_row(given)["status"] == 200


@pytest.mark.parametrize("features", ["none", "all"])
@pytest.mark.parametrize(
    ("route", "question"),
    [("/chat/stream", "n=200 every=0.05"), ("/chat", "n=200 every=0.05"), ("/chat/stream", "n=3 first=30")],
)
def test_when_the_user_leaves_the_provider_is_told_at_once(app_with, provider, features, route, question):
    app, request_id = app_with(features), f"leaves-{features}-{route.count('/')}-{len(question)}"
    headers, body = {"x-request-id": request_id}, {"question": question}
    with suppress(httpx.ReadTimeout), httpx.stream("POST", app.url + route, json=body, headers=headers, timeout=0.3) as told:
        next(told.iter_bytes())
    left = time.monotonic()
    row = app.request_row(request_id)

    assert row["outcome"] == "cancelled" and time.monotonic() - left < 1
    seen = provider.of(request_id)[-1]
    while seen.ended == "running" and time.monotonic() - left < 1:
        time.sleep(0.005)
    assert seen.ended == "left" and seen.ended_at - left < 1
    # With all features on, a hedge may have been under way, too.
    assert {attempt["outcome"] for attempt in app.rows("attempt", request_id)} == {"cancelled"}


def test_a_user_who_does_not_read_and_leaves_is_noticed(app_with, provider):
    """The app is blocked in sending, or busy with chunks that are there already, but not in waiting for the provider."""
    app = app_with("all")
    address = app.url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1]))) as user:
        body = b'{"question": "n=100000 blocked"}'
        head = b"POST /chat/stream HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\nx-request-id: blocked\r\n"
        user.sendall(head + b"content-length: %d\r\n\r\n" % len(body) + body)
        user.recv(100)
        time.sleep(0.3)
    assert app.request_row("blocked")["outcome"] == "cancelled"


def test_a_hundred_at_once_get_their_own_answers(app_with, provider):
    """Most are cut at once, which is more than the usual budget of retries allows, and would open the breaker."""
    app = app_with("all,-breaker", retry_budget_share=1.0)
    sizes = {f"many-{number}": 1 + number % 7 for number in range(100)}

    def ask(request_id):
        words = sizes[request_id]
        return app.ask(f"n={words} every=0.01 cut=1 how=fin times={len(request_id) % 2} {request_id}", request_id=request_id)

    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(ask, sizes))

    for told in answers:
        assert told.text == provider.words(sizes[told.request_id]) and told.ended == "done"
        assert told.headers["x-request-id"] == told.request_id
        calls = provider.of(told.request_id)
        # Two calls at once, by hedge, may come in any order.
        assert sorted(call.attempt for call in calls) == [str(number + 1) for number in range(len(calls))]
        assert all(told.request_id in call.body["messages"][0]["content"] for call in calls)


def test_connections_are_used_again(app_with, provider):
    """Without hedge, which on a slow machine makes a second call at once, on a connection of its own."""
    app = app_with("all,-hedge")
    app.ask("n=2 first of them")
    before = provider.connections
    for number in range(10):
        app.ask(f"n=2 one of them {number}")

    assert provider.connections - before <= 1


def test_health(app_with, provider):
    url = app_with("all").url

    assert httpx.get(url + "/health/live").json() == {"status": "live"}
    ready = httpx.get(url + "/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")


def test_the_key_goes_to_the_provider_that_wants_one_and_nowhere_else(app_with, provider):
    app, wanted = app_with("none", api_key="sk-secret"), "Bearer sk-secret" if provider.api == "openai" else None
    told = app.ask("n=1")
    ready = httpx.get(app.url + "/health/ready")

    assert provider.of(told.request_id)[0].headers.get("authorization") == wanted and ready.status_code == 200
    assert app.request_row(told.request_id) and "sk-secret" not in app.log.read_text() + ready.text + repr(told)


def test_it_is_not_ready_with_a_key_that_its_provider_refuses(app_with, provider):
    ready = httpx.get(app_with("none", api_key="wrong").url + "/health/ready")

    expected = (200, "answers") if provider.api == "ollama" else (503, "answered 401")
    assert (ready.status_code, ready.json()["provider"].rpartition(": ")[2]) == expected


def test_it_is_not_ready_without_its_provider(app_with):
    url = app_with("all", provider_url="http://127.0.0.1:9/v1").url
    ready = httpx.get(url + "/health/ready")

    assert (ready.status_code, ready.json()["status"]) == (503, "unready") and "127.0.0.1:9" in ready.json()["provider"]
    assert httpx.get(url + "/health/live").status_code == 200
