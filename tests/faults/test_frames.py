"""What a message is, in each provider's words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faults.actions import Message, Request
from faults.frames import frame, is_framed, keep_alive, payload_of, says_end, value_of, with_payload, with_value, written
from tests.faults.wires import ANTHROPIC, EMBEDDINGS, OLLAMA, OLLAMA_BODY, OLLAMA_CALL, OPENAI, OPENAI_BODY, OPENAI_CALL

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def sse(data: bytes, path: str = "/v1/chat/completions") -> Message:
    return Message(0, 0, data, request=Request("r", path=path), sort="sse")


def ndjson(data: bytes, path: str = "/api/chat") -> Message:
    return Message(0, 0, data, request=Request("r", path=path), sort="ndjson")


@pytest.mark.parametrize(
    ("message", "payload"),
    [
        (sse(b"data: [DONE]\n\n"), b"[DONE]"),
        (sse(b"data:x\n\n"), b"x"),
        (sse(b"data:  x \r\n\r\n"), b" x "),
        (sse(b"data\n\n"), b""),
        (sse(b"\xef\xbb\xbfdata: x\n\n"), b"x"),
        (sse(b"id: 7\r\nevent: e\r\ndata: {\r\nretry: 9\r\ndata: }\r\n: c\r\n\r\n"), b"{\n}"),
        (sse(b"data: a\rdata: b\r\r"), b"a\nb"),
        (sse(b"\ndata: a"), b"a"),
        (sse(b": data: no\n\n"), None),
        (sse(b"database: no\nxdata: no\n\n"), None),
        (ndjson(b' {"a": 1}\r\n'), b'{"a": 1}'),
        (ndjson(b"\n"), None),
        (ndjson(b""), None),
        (ndjson(b"{}")._replace(sort="json"), b"{}"),
        (ndjson(b"{}")._replace(sort=""), None),
    ],
)
def test_payload(message, payload):
    assert payload_of(message) == payload


@pytest.mark.parametrize("text", [b"", b"[DONE]", b"[1]", b"\xff", b"[" * 100_000, b"{", b"nul"])
def test_what_carries_no_object_carries_an_empty_one(text):
    assert value_of(ndjson(text)) == value_of(sse(b"data: " + text + b"\n\n")) == {}


@pytest.mark.parametrize(
    ("message", "changed"),
    [
        (sse(b"data: x\n\n"), b"data: NEW\n\n"),
        (sse(b"data:x"), b"data: NEW"),
        (sse(b"\xef\xbb\xbfdata: x\r\n\r\n"), b"\xef\xbb\xbfdata: NEW\r\n\r\n"),
        (
            sse(b"id: 7\r\nevent: data\r\ndata: {\r\nretry: 9\r\ndata: }\r\n: c\r\n\r\n"),
            b"id: 7\r\nevent: data\r\ndata: NEW\r\nretry: 9\r\n: c\r\n\r\n",
        ),
        (sse(b"data: a\rdata: b\r\r"), b"data: NEW\r\r"),
        (ndjson(b' {"a": 1}\r\n'), b" NEW\r\n"),
        (ndjson(b"{}")._replace(sort="json"), b"NEW"),
    ],
)
def test_another_payload_leaves_all_else_as_it_was(message, changed):
    assert with_payload(message, b"NEW") == changed


def test_a_payload_of_several_lines_takes_as_many_lines_of_data():
    changed = with_payload(sse(b"data: x\r\n\r\n"), b"a\nb")

    assert changed == b"data: a\r\ndata: b\r\n\r\n"
    assert payload_of(sse(changed)) == b"a\nb"


@given(value=st.dictionaries(st.text(), JSON), wire=st.sampled_from([sse(b"id: 1\r\ndata: x\r\n\r\n"), ndjson(b"{}\r\n")]))
def test_what_is_written_is_read_again(value, wire):
    """Half of a surrogate pair too, which JSON can tell and UTF-8 cannot."""
    assert value_of(wire._replace(data=with_value(wire, value))) == value
    assert value_of(wire._replace(data=frame(wire, written(value)))) == value
    assert written(value).decode() and b"\n" not in written(value)


@pytest.mark.parametrize("stream", [OLLAMA, OPENAI, OLLAMA_CALL, OPENAI_CALL, ANTHROPIC])
def test_all_our_messages_are_written_as_providers_do(stream):
    for data in stream:
        message = ndjson(data) if stream in (OLLAMA, OLLAMA_CALL) else sse(data)
        assert not value_of(message) or with_value(message, value_of(message)) == data


@pytest.mark.parametrize(
    ("stream", "sort", "ends"),
    [(OLLAMA, "ndjson", [4]), (OPENAI, "sse", [5, 7]), (OPENAI_CALL, "sse", [5, 6]), (ANTHROPIC, "sse", [8, 9])],
)
def test_the_end_is_what_says_that_the_answer_is_complete(stream, sort, ends):
    """Not a text with the same words in it."""
    told = [Message(n, 0, data, sort=sort) for n, data in enumerate(stream)]

    assert [message.index for message in told if says_end(message)] == ends
    assert all(is_framed(message) for message in told)


@pytest.mark.parametrize(
    "data",
    [
        b'{"message":{"tool_calls":[{"function":{"arguments":{"done": true}}}]},"done":false}\n',
        b'{"choices":[{"finish_reason":""}],"a":[{"finish_reason":"stop"}]}\n',
        b'{"choices":"no","delta":[1],"finish_reason":"stop","done": true\n',
        b"[DONE]x\n",
    ],
)
def test_words_of_an_end_elsewhere_are_no_end(data):
    assert not says_end(ndjson(data)) and not says_end(sse(b"data: " + data + b"\n"))


def test_the_responses_api_ends_too():
    assert says_end(sse(b'event: response.completed\ndata: {"type":"response.completed"}\n\n'))
    assert not says_end(sse(b'event: response.created\ndata: {"type":"response.created"}\n\n'))


@pytest.mark.parametrize("body", [OLLAMA_BODY, OPENAI_BODY, EMBEDDINGS, [b""]])
def test_json_bodies_and_the_end_of_a_body_are_no_frames(body):
    message = Message(0, 0, body[0], sort="json" if body[0] else "sse")

    assert not is_framed(message) and not says_end(message)


@pytest.mark.parametrize(
    ("message", "named", "sent"),
    [
        (sse(OPENAI[1]), False, b": ping\n\n"),
        (sse(b"data: x\r\n\r\n"), False, b": ping\r\n\r\n"),
        (sse(OPENAI[1]), True, b'event: ping\ndata: {"type": "ping"}\n\n'),
        (sse(b"data: x\r\n\r\n", "/v1/messages"), False, b'event: ping\r\ndata: {"type": "ping"}\r\n\r\n'),
        (
            ndjson(OLLAMA[1]),
            True,
            b'{"model":"m","created_at":"2025-01-01T00:00:00Z","message":{"role":"assistant","content":""},"done":false}\n',
        ),
        (
            ndjson(b'{"model":"m","response":"x","done":true}\n', "/api/generate"),
            False,
            b'{"model":"m","response":"","done":false}\n',
        ),
        (ndjson(OPENAI_BODY[0])._replace(sort="json"), False, b"\n"),
    ],
)
def test_keep_alives(message, named, sent):
    assert keep_alive(message, named) == sent


def test_a_new_frame_has_the_line_ends_of_its_neighbour():
    assert frame(sse(b": c\r\n\r\n"), b"{}", "error") == b"event: error\r\ndata: {}\r\n\r\n"
    assert frame(ndjson(b"{}\n"), b"{}", "error") == b"{}\n"
    assert frame(ndjson(b"{}")._replace(sort="json"), b"{}") == b"{}"
    assert json.loads(written({"a": "ü"})) == {"a": "ü"} and written("ü") == '"ü"'.encode()
