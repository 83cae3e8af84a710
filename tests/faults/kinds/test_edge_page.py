"""Pages for people."""

import pytest

from faults.actions import Request
from faults.kinds.edge_page import edge_page

CALL = Request("p01-000001", path="/v1/chat/completions", headers={"host": "api.example.com"})


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (502, "Bad gateway"),
        (520, "Web server is returning an unknown error"),
        (522, "Connection timed out"),
        (524, "A timeout occurred"),
        (530, "unregistered"),
        (599, "Unknown error"),
    ],
)
def test_cloudflares(status, words):
    (reply,) = edge_page(CALL, status)

    page = reply.body.decode()
    assert (reply.status, reply.headers["content-type"]) == (status, "text/html; charset=UTF-8")
    assert reply.headers["server"] == "cloudflare" and reply.headers["cf-ray"].split("-")[0] in page
    assert page.startswith("<!DOCTYPE html>") and f"<title>api.example.com | {status}: " in page and words in page
    assert reply == next(edge_page(CALL, status)), "the same call gets the same page"


def test_nginxs():
    (reply,) = edge_page(CALL, 502, nginx=True)

    assert b"<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>" in reply.body
    assert reply.headers == {"content-type": "text/html; charset=UTF-8", "server": "nginx"}


def test_a_call_that_says_little_or_odd_things():
    (reply,) = edge_page(Request("\udcff", headers={"host": "\udcff{0}"}))

    assert reply.body and reply.headers["cf-ray"]
