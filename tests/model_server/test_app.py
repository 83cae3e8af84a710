"""Whatever is sent, both APIs answer in their own words, and never with a 5xx."""

import socket
import time
from itertools import pairwise, product
from typing import Any

import httpx
import orjson
import pytest

QUESTION = "Why is the sky blue?"
CHAT = {"model": "llama3.1", "messages": [{"role": "user", "content": QUESTION}], "stream": False}
ROUTES: dict[str, dict[str, Any]] = {
    "/api/chat": CHAT,
    "/api/generate": {"model": "llama3.1", "prompt": QUESTION, "stream": False},
    "/api/embed": {"model": "llama3.1", "input": QUESTION},
    "/api/embeddings": {"model": "llama3.1", "prompt": QUESTION},
    "/api/show": {"model": "llama3.1"},
    "/v1/chat/completions": CHAT,
    "/v1/completions": {"model": "llama3.1", "prompt": QUESTION},
    "/v1/embeddings": {"model": "llama3.1", "input": QUESTION},
}
NO_BODY = [
    b"",
    b"null",
    b"1",
    b'"text"',
    b"[]",
    b"{",
    b"{}",
    b"NaN",
    b'{"model": null}',
    b'{"model": 1}',
    b'{"model": [{}]}',
    b'{"model": "\xff\xfe"}',
    b'{"model": "\\ud800"}',
    b"\xef\xbb\xbf{}",
    b"\x00\xff\xfe",
    b'{"model":' + b"[" * 100_000,
    b'{"model":' + b'{"a":' * 1_020 + b"1" + b"}" * 1_020 + b"}",
]
FIELDS = (
    "model messages prompt input system stream options tools tool_choice format keep_alive truncate dimensions n stop seed "
    "temperature max_tokens max_completion_tokens top_p stream_options response_format encoding_format"
)


DEEP = orjson.Fragment(b"[" * 900 + b"]" * 900)
"""About as deep as JSON is read, and deeper than it is written."""
ODD: list[Any] = [None, True, -1, 0.5, 1e300, "", "x", [], {}, [None], [[]], [{}], {"type": []}, DEEP]
ODD_INSIDE: list[dict[str, Any]] = [
    {"messages": [{"role": role, "content": content}]} for role, content in product(("user", None, 1, []), (None, 1, {}, [[]]))
]
ODD_INSIDE += [{"options": {name: value}} for name in ("seed", "stop", "num_predict", "temperature") for value in ODD]
ODD_INSIDE += [{"tools": [{"type": "function", "function": odd}]} for odd in ODD]
ODD_INSIDE += [
    {
        "tools": [{"type": "function", "function": {"name": "sky", "parameters": {"required": ["a"], "properties": odd}}}],
        "tool_choice": "required",
    }
    for odd in (*ODD, {"a": {"$ref": "#"}}, {"a": {"const": DEEP}}, {"a": {"enum": [DEEP]}})
]


def refused(answer: httpx.Response) -> bool:
    """Whether it was refused, which is done in the words of whose API it is."""
    assert answer.status_code in (200, 400, 404), answer.text[:200]
    if answer.status_code == 200:
        return False
    error = answer.json()["error"]
    if "/v1/" not in str(answer.url):
        assert isinstance(error, str) and error and list(answer.json()) == ["error"]
        return True
    assert list(error) == ["message", "type", "param", "code"]
    assert error["type"] == "invalid_request_error" and isinstance(error["message"], str) and error["message"]
    return True


def dumps(body: Any) -> bytes:
    return orjson.dumps(body)


@pytest.mark.parametrize("path", ROUTES)
def test_what_is_no_request_is_refused(shared: Any, path: str):
    with httpx.Client(base_url=shared.url) as client:
        assert not refused(client.post(path, content=dumps(ROUTES[path])))
        for body in NO_BODY:
            assert refused(client.post(path, content=body)), body[:40]


@pytest.mark.parametrize("path", ROUTES)
def test_odd_values_are_refused_or_answered(shared: Any, path: str):
    """Null, wrong types and deep ones, in every field of either API."""
    changes = [{field: odd} for field in FIELDS.split() for odd in ODD] + ODD_INSIDE
    with httpx.Client(base_url=shared.url, timeout=10) as client:
        told = [refused(client.post(path, content=dumps({**ROUTES[path], **change}))) for change in changes]

    assert True in told and False in told


def test_a_prompt_of_10_mb_is_answered(shared: Any):
    """And billed; for embeddings it is too long, or cut."""
    text = "sky é " * 1_500_000
    bodies: dict[str, dict[str, Any]] = {
        "/api/chat": {"messages": [{"role": "user", "content": text}], "stream": False},
        "/v1/chat/completions": {"messages": [{"role": "user", "content": text}]},
        "/v1/completions": {"prompt": text},
        "/api/embed": {"input": text},
        "/v1/embeddings": {"input": text},
    }
    for number, (path, body) in enumerate(bodies.items()):
        who = {"x-request-id": f"huge-{number}"}
        answer = httpx.post(shared.url + path, json={"model": "llama3.1", **body}, headers=who, timeout=30)
        assert refused(answer) == (path == "/v1/embeddings")
        if "embed" not in path:
            assert shared.row(f"huge-{number}")["tokens_in"] == 3_000_004


def test_a_huge_prompt_does_not_hold_up_the_others(model: Any):
    """A stream beside it waits for the counting of 10 MB, and no longer."""
    url = httpx.URL(model("--words", 150).url)
    body = orjson.dumps({"model": "llama3.1", "prompt": "sky " * 2_500_000, "stream": False})
    head = b"POST /api/generate HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
    arrived = []
    with (
        httpx.stream("POST", url.join("/api/chat"), json={**CHAT, "stream": True}, timeout=30) as answer,
        socket.create_connection((url.host, url.port or 0)) as other,
    ):
        other.sendall(head + body)
        for _ in answer.iter_raw():
            arrived.append(time.monotonic())

    gaps = [after - before for before, after in pairwise(arrived)]
    assert len(gaps) > 150 and max(gaps) < 2


def test_who_leaves_before_having_asked_leaves_no_trace(start: Any):
    server = start("model_server")
    url = httpx.URL(server.url)
    for path in ("/api/chat", "/v1/chat/completions"):
        with socket.create_connection((url.host, url.port or 0)) as client:
            client.sendall(f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{{".encode())
        assert httpx.get(f"{server.url}/api/version").status_code == 200

    assert server.stop() == 0
    assert server.log.read_text() == f"listening on {server.url}\n"


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/api/chats", 404), ("GET", "/api/chat", 405)])
def test_what_is_not_there_is_refused_in_ollamas_words(shared: Any, method: str, path: str, status: int):
    answer = httpx.request(method, shared.url + path)

    assert (answer.status_code, answer.text[:3]) == (status, str(status))


@pytest.mark.parametrize("path", ["/", "/api/tags", "/api/version", "/v1/models"])
def test_it_can_be_asked_whether_it_is_there(shared: Any, path: str):
    assert httpx.head(shared.url + path).status_code == 200
