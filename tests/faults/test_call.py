"""What is read of a call, and its row."""

import orjson
import pytest

from faults import call as call_file
from faults.actions import Request
from faults.call import Call, Reader, announced, plain
from faults.kinds.drop import drop
from faults.plan import Fault
from faults.script import Script
from records.chance import draw


def read(path, headers, body=b"", at_s=0.0, reader=None) -> Request:
    return (reader or Reader()).request(announced(path, headers), body, at_s)


def test_what_a_request_says():
    headers = {"x-request-id": "p1", "x-attempt": "3"}

    body = b'{"model": "m"}'

    assert read("/api/chat?x=1", headers, body, 2.0) == Request("p1", 3, 2.0, "/api/chat", "m", headers, body)


def test_bodies_without_a_model():
    for body in (b"", b"{", b"[]", b'{"messages": []}', b'{"model": null}', b'{"model": ["m"]}'):
        assert read("/", {}, body).model == ""


def test_attempts_told_or_counted():
    reader = Reader()
    told = [{"x-attempt": "5", "x-stainless-retry-count": "0"}, {"x-stainless-retry-count": "1"}, {"x-attempt": "?"}, {}]

    assert [read("/", {"x-request-id": "r", **headers}, reader=reader).attempt for headers in told] == [5, 2, 1, 2]


@pytest.mark.parametrize("digits", [20, 5000])
def test_an_attempt_that_no_row_can_hold_is_not_told(digits):
    for name in ("x-attempt", "x-stainless-retry-count"):
        assert read("/", {"x-request-id": "r", name: "9" * digits}).attempt == 1


def test_a_fault_of_other_calls_is_told_once():
    """Two refusals at once break each other."""
    call, struck = Call("connection", 1.0, Request("p1")), {"fault": "refuse", "kind": "refuse", "params": {}}
    for at_s in (1.0, 2.0):
        call.broken_by(struck, at_s)

    assert [(one["fault"], one["at_s"]) for one in call.row(3.0).struck] == [("refuse", 1.0)]


def test_what_another_calls_fault_did_is_not_missed():
    """The same fault was planned for this call too, and had not come to its turn."""
    fault = Fault(drop)
    call = Call("connection", 1.0, Request("p1"), Script(Request("p1"), [fault], lambda: 1.0))
    assert call.row(2.0).missed == ["drop"]
    call.broken_by({"fault": "drop", "kind": "drop", "params": {}}, 1.5)

    assert (call.row(2.0).missed, len(call.row(2.0).struck)) == ([], 1)


def test_a_call_without_an_id_is_known_by_its_body():
    first, same, other = [read("/", {}, body) for body in (b"a", b"a", b"b")]

    assert first == same and first.id != other.id


def test_what_is_counted_is_bounded(monkeypatch):
    monkeypatch.setattr(call_file, "ATTEMPTS_REMEMBERED", 2)
    reader = Reader()

    assert [read("/", {"x-request-id": id_}, reader=reader).attempt for id_ in "abacbca"] == [1, 1, 2, 1, 1, 2, 1]


def test_a_row_of_a_call_that_never_came():
    call = Call("connection", 1.0, announced("/api/chat?x", {"x-request-id": "p1", "x-attempt": "2"}))
    assert call.count(b"abc") == b"abc"

    row = call.row(2.0)
    assert (row.request_id, row.attempt, row.path, row.status, row.bytes, row.finished_s) == ("p1", 2, "/api/chat", 0, 3, 2.0)


def test_a_row_says_what_was_planned_struck_and_missed():
    call = Call("connection", 1.0, Request("p1"))
    call.script = Script(call.request, [Fault(drop), Fault(drop, name="again")], lambda: 3.0)
    next(iter(call.script.on_request()))

    row = call.row(2.0)
    assert (row.planned, row.missed) == (["drop", "again"], ["again"])
    assert row.struck == [{"fault": "drop", "kind": "drop", "at_s": 3.0, "message": 0, "byte": 0, "params": {}}]


def test_an_id_that_is_no_text_can_be_written_and_drawn_with():
    """Two that differ stay two."""
    one, other = (announced("/api/\udcfft", plain([(b"X-Request-Id", b"caf" + byte)])) for byte in (b"\xe9", b"\xe8"))

    assert (one.id, other.id, one.path) == (r"caf\xe9", r"caf\xe8", r"/api/\xfft")
    assert 0 <= draw(1, "fault", one.id) < 1
    orjson.dumps(vars(Call("", 0, one).row(1)))


def test_a_fault_of_another_call_is_told_with_what_it_broke_here():
    call = Call("", 0, announced("/api/chat", {}))
    call.count(b"12345")
    call.broken_by({"fault": "down", "kind": "refuse", "at_s": 1.0, "message": 0, "byte": 0, "params": {"seconds": 3.0}}, 1.5)

    told = {"fault": "down", "kind": "refuse", "at_s": 1.5, "message": 0, "byte": 5, "params": {"seconds": 3.0}}
    assert call.row(2).struck == [told]
