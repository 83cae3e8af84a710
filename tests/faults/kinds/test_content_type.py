"""Answers with the wrong label."""

from faults.actions import Request
from faults.kinds.content_type import wrong_content_type
from faults.plan import Fault
from faults.script import Script
from tests.faults.wires import OPENAI


def test_the_label_is_wrong_and_the_body_is_not():
    script = Script(Request("r"), [Fault(wrong_content_type)], lambda: 0.0)

    assert list(script.on_headers({"content-type": "text/event-stream"})) == [{"content-type": "text/html"}]
    assert list(script.on_data(b"".join(OPENAI))) == OPENAI
    assert [struck["fault"] for struck in script.struck] == ["wrong_content_type"]


def test_any_label():
    assert list(wrong_content_type({}, "application/json")) == [{"content-type": "application/json"}]
