"""Messages are found by their boundary."""

import re
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from faults.messages import Messages

SORTS = ["text/event-stream", "application/x-ndjson; charset=utf-8", "Application/JSONL", "application/json"]
LINE_ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


@given(
    sort=st.sampled_from(SORTS),
    body=st.lists(st.sampled_from([b"\n", b"\r", b"a", b"data: x"]), max_size=30).map(b"".join),
    cuts=st.lists(st.integers(0, 60)),
)
def test_how_tcp_cuts_a_body_never_matters(sort, body, cuts):
    whole, cut = Messages(sort), Messages(sort)
    ends = sorted({min(at, len(body)) for at in cuts} | {0, len(body)})
    found = [message for a, b in pairwise(ends) for message in cut.feed(body[a:b])]

    assert found == whole.feed(body)
    assert cut.rest == whole.rest
    assert b"".join(found) + cut.rest == body


@pytest.mark.parametrize(
    ("sort", "body", "messages"),
    [
        ("text/event-stream", b"data: 1\n\n: ping\r\n\r\ndata", [b"data: 1\n\n", b": ping\r\n\r\n"]),
        ("text/event-stream", b"event: x\rdata: 2\r\r", [b"event: x\rdata: 2\r\r"]),
        ("application/x-ndjson", b'{"a": "\\n"}\n{}\r\n{', [b'{"a": "\\n"}\n', b"{}\r\n"]),
        ("text/event-stream", b"\xef\xbb\xbfdata: 1\n\r\ndata: 2\r\n\ndata: 3\r\r", 3),
        ("text/event-stream", b"data: 1\n\rdata: 2\r\n\rdata: 3\r\r", 3),
        ("text/plain", b"{}\n\n{}", [b"{}\n\n{}"]),
        ("", b"", []),
    ],
)
def test_boundaries(sort, body, messages):
    """SSE events, NDJSON lines; of a body that is neither, nor JSON, each piece is a message."""
    found = Messages(sort).feed(body)
    assert (found if isinstance(messages, list) else len(found)) == messages


def test_a_json_body_is_one_message_however_tcp_cut_it():
    """Or what a fault does to it, and how often, would hang on the size of a read."""
    messages = Messages("application/json; charset=utf-8")

    assert [messages.is_one(b"{}"), messages.feed(b'{"a":\n\n'), messages.feed(b"1}")] == [False, [], []]
    assert (messages.rest, messages.sort) == (b'{"a":\n\n1}', "json")


def events(body: bytes) -> list[bytes]:
    """The data of each event, as the standard reads them: HTML, section 9.2.6, with \\r\\n, \\n and \\r as line ends."""
    found, data = [], b""
    for line in re.split(rb"\r\n|\n|\r", body.removeprefix(b"\xef\xbb\xbf"))[:-1]:
        data += line.removeprefix(b"data: ")
        if not line and data:
            found, data = [*found, data], b""
    return found


@given(st.lists(st.tuples(st.sampled_from([b"data: x", b"data: y"]), LINE_ENDS, LINE_ENDS), max_size=8), st.booleans())
@example([(b"data: x", b"\n", b"\r\n"), (b"data: y", b"\n", b"\r\n")], False)
def test_every_message_is_one_event_whatever_the_line_ends(told, bom):
    """Also where they are mixed, as when a proxy puts in its own."""
    body = b"\xef\xbb\xbf" * bom + b"".join(b"".join(one) for one in told)
    messages = Messages("text/event-stream")
    found = [*messages.feed(body), messages.rest]

    assert [event for message in found for event in events(message)] == events(body)
    assert all(len(events(message)) <= 1 for message in found)
