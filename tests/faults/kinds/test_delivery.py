"""The same bytes, at other times."""

import pytest

from faults.actions import Message, Pause
from faults.kinds.delivery import buffered, slow_drip, split_frames
from tests.faults.wires import OLLAMA, OLLAMA_BODY, OPENAI, OPENAI_BODY, play, play_json

STREAMS = [("ollama", OLLAMA), ("openai", OPENAI)]


@pytest.mark.parametrize(("provider", "stream"), STREAMS)
def test_every_message_waits(provider, stream):
    """But not the end."""
    played = play(slow_drip, stream, provider, gap_s=0.3)

    assert played.actions == [action for data in stream for action in (Pause(0.3), data)]


@pytest.mark.parametrize(("provider", "stream"), STREAMS)
def test_all_at_once(provider, stream):
    played = play(buffered, stream, provider)

    assert played.actions == [b"".join(stream)]
    assert len(played.struck) == 1


@pytest.mark.parametrize(("provider", "stream"), STREAMS)
def test_some_at_a_time(provider, stream):
    """As Azure delivers what it filters."""
    threes = [b"".join(stream[n : n + 3]) for n in range(0, len(stream), 3)]

    assert play(buffered, stream, provider, hold=3).actions == threes
    for hold in (0, 1):
        alone = play(buffered, stream, provider, hold=hold)
        assert (alone.actions, alone.struck) == (stream, [])


def test_what_has_no_boundary_is_held_back_too():
    assert play(buffered, [b"data: a\n\n", b"data: b"]).actions == [b"data: a\n\ndata: b"]


@pytest.mark.parametrize(("content_type", "body"), [("application/json", OPENAI_BODY), ("text/plain", OPENAI)])
def test_other_bodies_are_not_held_back(content_type, body):
    played = play(buffered, body, content_type=content_type)

    assert (played.actions, played.struck) == (body, [])


@pytest.mark.parametrize(
    ("data", "pieces"),
    [
        ("data: Grüße\n\n".encode(), [b"da", b"ta: Gr\xc3", b"\xbc\xc3\x9fe\n", b"\n"]),
        ('{"a":"世"}\n'.encode(), [b'{"', b'a":"\xe4', b'\xb8\x96"}', b"\n"]),
        (b"data: Gruss\n\n", [b"da", b"ta: ", b"Gruss\n", b"\n"]),
        ("é".encode(), [b"\xc3", b"\xa9"]),
        (b"abc", [b"a", b"b", b"c"]),
        (b"a", [b"a"]),
        (b"", [b""]),
    ],
)
def test_where_frames_are_cut(data, pieces):
    """Inside a name, inside a character, inside the end of the line."""
    actions = list(split_frames(Message(0, 0, data), pause_s=0.1))

    assert actions[::2] == pieces
    assert set(actions[1::2]) <= {Pause(0.1)}


@pytest.mark.parametrize(("provider", "stream"), STREAMS)
def test_only_one_frame_is_cut_or_all_are(provider, stream):
    one, every = (play(split_frames, stream, provider, at=at) for at in (2, None))

    assert one.body == every.body == b"".join(stream)
    assert one.actions[:2] == stream[:2] and one.actions[9:] == stream[3:]
    assert len(every.actions) == 7 * len(stream)


@pytest.mark.parametrize(("provider", "body"), [("ollama", OLLAMA_BODY), ("openai", OPENAI_BODY)])
def test_json_bodies_are_cut_and_drip_too(provider, body):
    assert len(play_json(split_frames, body, provider).actions) == 7
    assert play_json(slow_drip, body, provider, gap_s=1.0).actions == [Pause(1.0), *body]
