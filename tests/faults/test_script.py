"""Scripts, without a proxy, a port or a second of waiting."""

from functools import partial
from itertools import count, pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faults.actions import Finish, Message, Pause, Reply, Request, Sever
from faults.kinds import KINDS
from faults.kinds.cut import cut
from faults.kinds.delivery import buffered, split_frames
from faults.kinds.ending import linger
from faults.kinds.frame import duplicated, reordered
from faults.kinds.latency import latency, slow_first_token
from faults.kinds.stall import stall
from faults.plan import Fault
from faults.script import Script

SSE = {"content-type": "text/event-stream"}
BODY = b"".join(b'data: {"n": %d}\n\n' % n for n in range(6)) + b"data: [DONE]\n\n"


def a_script(*faults: Fault, clock=lambda: 0.0) -> Script:
    return Script(Request("p1-000001"), list(faults), clock)


def play(script: Script, pieces, headers=SSE) -> list:
    """All actions up to the one that ends the response."""
    list(script.on_request())
    list(script.on_headers(headers))
    done = []
    for step in [*(partial(script.on_data, piece) for piece in pieces), script.on_end]:
        for action in step():
            done.append(action)
            if isinstance(action, Sever | Finish):
                return done
    return done


def sent(actions) -> bytes:
    return b"".join(action for action in actions if isinstance(action, bytes))


def cut_up(body: bytes, cuts) -> list[bytes]:
    ends = sorted({min(at, len(body)) for at in cuts} | {0, len(body)})
    return [body[a:b] for a, b in pairwise(ends)]


FAULTS = st.lists(
    st.one_of(
        st.builds(lambda at, reset: Fault(cut, {"at": at, "reset": reset}), st.integers(0, 9), st.booleans()),
        st.builds(lambda n: Fault(cut, {"after_bytes": n}), st.integers(0, len(BODY) + 5)),
        st.builds(lambda at: Fault(stall, {"at": at, "seconds": 1.0}), st.integers(0, 9)),
        st.builds(lambda: Fault(slow_first_token, {"factor": 3.0})),
    ),
    max_size=3,
)


@given(faults=FAULTS, cuts=st.lists(st.integers(0, len(BODY))))
def test_the_short_cut_makes_no_difference(faults, cuts):
    faults = [Fault(one.kind, one.params, name=f"{n}") for n, one in enumerate(faults)]
    long, short = a_script(*faults), a_script(*faults)
    list(short.on_headers(SSE))
    pieces, done = cut_up(BODY, [*cuts, *range(0, len(BODY), 16)]), []
    for piece in pieces:
        done += [piece] if short.lets_pass(piece) else short.on_data(piece)
    done += short.on_end()

    ends = [n for n, action in enumerate(done, 1) if isinstance(action, Sever)]
    assert done[: ends[0] if ends else None] == play(long, pieces)
    if not ends:
        assert (short.struck, short.missed) == (long.struck, long.missed)


@given(faults=FAULTS, cuts=st.lists(st.integers(0, len(BODY))))
def test_how_tcp_cuts_the_body_never_matters(faults, cuts):
    """Neither for what is done, nor for what is recorded."""
    faults = [Fault(one.kind, one.params, name=f"{n}") for n, one in enumerate(faults)]
    whole, pieces = a_script(*faults), a_script(*faults)

    assert [x for x in play(pieces, cut_up(BODY, cuts)) if x] == [x for x in play(whole, [BODY]) if x]
    assert (pieces.struck, pieces.missed) == (whole.struck, whole.missed)


@pytest.mark.parametrize("at", range(8))
def test_a_cut_sends_exactly_k_messages(at):
    script = a_script(Fault(cut, {"at": at, "reset": True}))
    done = play(script, [BODY])

    assert sent(done).count(b"\n\n") == at and done[-1] == Sever(reset=True)
    assert (script.struck[0]["message"], script.struck[0]["byte"], script.missed) == (at, len(sent(done)), [])


@pytest.mark.parametrize("after_bytes", range(len(BODY) + 1))
def test_a_cut_after_any_byte(after_bytes):
    done = play(a_script(Fault(cut, {"after_bytes": after_bytes})), [BODY])

    assert (sent(done), done[-1]) == (BODY[:after_bytes], Sever(reset=False))


def test_what_finds_nothing_to_strike_is_missed_and_changes_nothing():
    script = a_script(Fault(cut, {"at": 8}, name="late"), Fault(stall, {"at": 99}))

    assert [x for x in play(script, [BODY]) if x] == BODY.replace(b"\n\n", b"\n\n|").split(b"|")[:-1]
    assert (script.struck, script.missed) == ([], ["late", "stall"])


def test_what_struck_is_told_with_its_place_and_time():
    ticks = count()
    script = a_script(Fault(stall, {"at": 2, "seconds": float("inf")}, name="s"), clock=lambda: next(ticks) * 1.0)
    play(script, [BODY[:5], BODY[5:]])

    byte = 2 * BODY.index(b"\n\n") + 4
    told = {"fault": "s", "kind": "stall", "message": 2, "byte": byte, "params": {"at": 2, "seconds": "inf"}}
    assert script.struck == [told | {"at_s": 3.0}]


def test_one_fault_works_on_what_the_other_sends_on():
    def shout(message):
        yield message.data.upper()

    script = a_script(Fault(shout), Fault(cut, {"at": 1}))
    assert sent(play(script, [BODY])) == b'DATA: {"N": 0}\n\n'
    assert [one["kind"] for one in script.struck] == ["shout", "cut"]


@pytest.mark.parametrize("first", [Fault(buffered), Fault(reordered, {"at": 5})])
def test_the_end_comes_once_and_after_all_that_was_held_back(first):
    """The second fault meets an end that is empty, as it would alone."""
    body = BODY.removesuffix(b"data: [DONE]\n\n")

    done = play(a_script(first, Fault(linger, {"seconds": 2.0})), [body])
    assert sent(done[: done.index(Pause(2.0))]) == body and done.count(Pause(2.0)) == 1

    done = play(a_script(first, Fault(cut)), [body])
    assert (sent(done), done[-1]) == (body, Sever())


@pytest.mark.parametrize("first", [Fault(buffered, {"hold": 2}), Fault(split_frames), Fault(duplicated)])
@pytest.mark.parametrize("after_bytes", [0, 20, 40, 60])
def test_bytes_count_in_the_body_that_a_fault_meets(first, after_bytes):
    """Which is what the faults before it made of the provider's."""
    assert len(sent(play(a_script(first, Fault(cut, {"after_bytes": after_bytes})), [BODY]))) == after_bytes


def test_a_number_that_no_row_can_hold_is_told_as_text():
    script = a_script(Fault(buffered, {"hold": 2**70}))
    play(script, [BODY])

    assert orjson.loads(orjson.dumps(script.struck))[0]["params"] == {"hold": str(2**70)}


def test_a_fault_behind_a_cut_is_missed():
    script = a_script(Fault(cut, {"at": 0}), Fault(stall))
    play(script, [BODY])

    assert (len(script.struck), script.missed) == (1, ["stall"])


def test_a_message_knows_when_it_arrived_not_when_it_is_performed():
    """Seconds since the request was passed to the provider, latency before that not counted."""
    now = [10.0]
    script = a_script(Fault(latency, {"seconds": 5.0}), Fault(slow_first_token, {"factor": 3.0}), clock=lambda: now[0])
    waiting = script.on_request()
    assert next(waiting) == Pause(5.0)
    now[0] = 15.0
    assert next(waiting, None) is None
    list(script.on_headers(SSE))

    now[0] = 15.5
    arrived = script.on_data(BODY)
    now[0] = 99.0
    assert next(arrived) == Pause(1.0)


def test_a_fault_that_raises_severs_and_says_where():
    def broken(message):
        yield message.data[1 // (2 - message.index) :]

    script = a_script(Fault(broken))
    done = play(script, [BODY])

    assert done[-1] == Sever() and len(done) == 3
    line = broken.__code__.co_firstlineno + 1
    assert script.struck[0]["bug"] == f"ZeroDivisionError('integer division or modulo by zero') at test_script.py:{line}"


@pytest.mark.parametrize("wrong", ["a text", Reply(503, {}, b""), None])
def test_an_action_out_of_place_is_a_bug_too(wrong):
    def odd(message):
        yield wrong

    script = a_script(Fault(odd))
    assert play(script, [BODY]) == [Sever()]
    assert script.struck[0]["bug"].startswith("TypeError")


def test_a_fault_that_is_no_generator_is_a_bug_too():
    script = a_script(Fault(lambda request: None, name="none"))

    assert list(script.on_request()) == [Sever()]
    assert "bug" in script.struck[0]


def test_a_fault_may_swallow_a_message_and_that_counts():
    def swallow(message):
        if message.index != 1:
            yield message.data

    script = a_script(Fault(swallow))
    assert sent(play(script, [BODY])) == BODY.replace(b'data: {"n": 1}\n\n', b"")
    assert script.struck[0]["message"] == 1


def test_headers_can_be_set():
    def mislabel(headers, content_type):
        yield {"content-type": content_type}

    script = a_script(Fault(mislabel, {"content_type": "text/html"}))
    assert list(script.on_headers(dict(SSE))) == [{"content-type": "text/html"}]


def test_every_kind_has_one_sentence_and_a_subject():
    for kind in KINDS:
        first, _, more = (kind.__doc__ or "").partition("\n")
        assert first.endswith(".") and (not more or more.startswith("\n")), (
            "what `faults list` shows is one sentence of one line"
        )
        assert a_script(Fault(kind)).is_about(next(iter(kind.__annotations__)))
    assert Message(0, 0, b"").last is False
