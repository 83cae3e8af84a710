"""Every kind that is about messages leaves all else as it was, whatever was sent and however TCP cut it."""

from itertools import islice, pairwise
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faults.actions import Finish, Pause, subject_of
from faults.kinds import KINDS
from tests.faults.wires import WIRES, Wire, anthropic, called, ollama, openai, play

ENDS = {"silent_truncation", "stream_error", "runner_death", "content_filter"}
"""What was sent before the message that they strike, they send; then they end the response."""
KEEPS = {"stall", "slow_drip", "buffered", "split_frames", "linger", "slow_first_token"}
"""They send all there is."""
CHANGES = {"malformed", "duplicated", "reordered", "empty_choices", "junk_line", "masked_stall"}
"""They send all there is, but for the message that they strike (and the next one, with which `reordered` swaps it)."""
REST = {"cut": "has its own tests, of every byte", "truncated_tool_call": "strikes many messages of one call: see below"}
ABOUT_MESSAGES = {kind.__name__: kind for kind in KINDS if subject_of(kind) == "message"}

PLACES = st.integers(0, 9)
PARAMETERS = {
    "silent_truncation": {"at": st.none() | PLACES},
    "stream_error": {"at": PLACES, "text": st.text(), "status": st.integers(400, 599)},
    "stall": {"at": st.none() | PLACES, "after_bytes": st.none() | st.integers(0, 400), "seconds": st.just(1.0)},
    "slow_drip": {"gap_s": st.just(0.1)},
    "buffered": {"hold": st.none() | st.integers(0, 4)},
    "split_frames": {"at": st.none() | PLACES},
    "linger": {"seconds": st.sampled_from([2.0, inf])},
    "slow_first_token": {"factor": st.just(3.0)},
    "masked_stall": {"at": PLACES, "seconds": st.just(2.0), "every_s": st.just(0.7), "named": st.booleans()},
    "junk_line": {"at": PLACES, "text": st.text(st.characters(exclude_categories=["Cs", "Cc"]))},
}
TEXT = st.text(max_size=5) | st.just('"done": true, "finish_reason": "stop", [DONE]')
SAID = {
    "ollama": st.builds(lambda text: ollama({"content": text}), TEXT),
    "openai": st.builds(lambda text: openai({"content": text}), TEXT),
    "anthropic": st.builds(lambda text: anthropic("content_block_delta", index=0, delta={"text": text}), TEXT),
}
ODD = {
    "ollama": st.sampled_from([b"\n", b"[1]\n", b"not json\n", b"\xff\n", b'{"message": null}\n', b'{"error": "x"}\n']),
    "openai": st.sampled_from(
        [b": ping\n\n", b"\n\n", b"data: 7\n\n", b"id: 1\ndata: {\ndata: }\nretry: 5\n\n", b"data: \xff\n\n"]
    ),
}
ODD["anthropic"] = ODD["openai"]


@st.composite
def streams(draw) -> tuple[str, list[bytes], str | None]:
    """A provider, messages, and their content-type where it is not that provider's own."""
    provider = draw(st.sampled_from(list(WIRES)))
    stream = draw(st.lists(SAID[provider] | ODD[provider], max_size=6))
    stream += draw(st.sampled_from([[], WIRES[provider].stream[-2:]]))
    if draw(st.booleans()):
        stream = [data.replace(b"\n", b"\r\n") for data in stream]
    return provider, stream, draw(st.sampled_from([None, None, None, "application/json", "text/html"]))


def cut_up(body: bytes, cuts: list[int]) -> list[bytes]:
    ends = sorted({min(at, len(body)) for at in cuts} | {0, len(body)})
    return [body[a:b] for a, b in pairwise(ends)]


def test_every_kind_is_looked_at():
    assert {*ENDS, *KEEPS, *CHANGES, *REST} == set(ABOUT_MESSAGES)


@pytest.mark.parametrize("name", sorted({*ENDS, *KEEPS, *CHANGES}))
@settings(max_examples=150, deadline=None)
@given(data=st.data(), told=streams(), cuts=st.lists(st.integers(0, 500), max_size=8))
def test_all_but_what_it_strikes_is_untouched_to_the_byte(name, data, told, cuts):
    provider, stream, content_type = told
    params = {key: data.draw(value) for key, value in PARAMETERS.get(name, {"at": PLACES}).items()}
    body = b"".join(stream)
    pieces = cut_up(body, cuts) if content_type != "text/html" else stream  # there, a chunk is a message
    played = play(ABOUT_MESSAGES[name], stream, provider, content_type, pieces, **params)

    assert played.actions == play(ABOUT_MESSAGES[name], stream, provider, content_type, **params).actions
    if not played.struck:
        assert played.body == body and not any(isinstance(action, Pause | Finish) for action in played.actions)
        return
    (struck,) = played.struck
    assert "bug" not in struck
    assert played.body.startswith(body[: struck["byte"]])
    if name in KEEPS:
        assert played.body == body
    elif name in CHANGES:
        behind = (
            body[struck["byte"] :] if name in ("junk_line", "masked_stall", "empty_choices") else after(played, told, struck)
        )
        assert played.body.endswith(behind)
    else:
        assert played.actions[-1] == Finish() or content_type == "application/json"


def after(played, told, struck) -> bytes:
    """What comes after the messages that were struck."""
    _, stream, content_type = told
    whole = [b"".join(stream)] if content_type == "application/json" else stream
    return b"".join(islice(whole, struck["message"] + (2 if struck["kind"] == "reordered" else 1), None))


@settings(max_examples=150, deadline=None)
@given(
    texts=st.lists(st.text(max_size=4), max_size=5),
    told=streams(),
    keep=st.integers(0, 12),
    cuts=st.lists(st.integers(0, 900), max_size=8),
)
def test_a_tool_call_loses_the_end_of_its_arguments_and_nothing_else(texts, told, keep, cuts):
    _, said, _ = told
    wire = Wire("/v1/chat/completions", "text/event-stream", [openai(called(text)) for text in texts])
    stream = [*wire.stream, *(data for data in said if data.startswith(b"data: {"))]
    played = play(ABOUT_MESSAGES["truncated_tool_call"], stream, pieces=cut_up(b"".join(stream), cuts), keep=keep)

    whole, left = "".join(texts), []
    for text in texts:
        left.append(text[: max(0, keep - len("".join(texts[: len(left)])))])
    assert "".join(left) == whole[:keep]
    assert played.body == b"".join([*(openai(called(text)) for text in left), *stream[len(texts) :]])
    assert bool(played.struck) == (len(whole) > keep)
