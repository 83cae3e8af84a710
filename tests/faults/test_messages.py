"""Messages are found by their boundary."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faults.messages import Messages

SORTS = ["text/event-stream", "application/x-ndjson; charset=utf-8", "Application/JSONL"]


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
        ("application/json", b"{}\n\n{}", [b"{}\n\n{}"]),
        ("", b"", []),
    ],
)
def test_boundaries(sort, body, messages):
    """SSE events, NDJSON lines; of any other body each piece is a message."""
    assert Messages(sort).feed(body) == messages
