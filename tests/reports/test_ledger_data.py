"""The ledger as the page's script reads it."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.ledger import Struck, Try, Waterfall
from reports.ledger_data import COLUMNS, TICKS, in_a_page, ledger_data, silence, ticks

TRY = Try(1, "first", "llama3.1", 0.002, 1.05, 1.2304, 200, "cut", 13.0, 7.0)
REQUEST = Waterfall(
    "off", 1, "p01-000071", "stream", "q028", "cut", "cut", "nothing", "", "reset by peer", 0.001, 1.05, 1.23,
    (1.05, 1.08, 1.11, 1.2), (TRY,), (Struck("cut late", "cut", 1, 1.22, 6),), 20.0, None,
)  # fmt: skip


def told(*requests: Waterfall, listed: str = "met") -> list[dict[str, Any]]:
    """What the script makes of it."""
    data = json.loads(ledger_data(requests, [listed] * len(requests), [["retry"]] * len(requests), [("off", 0)], 10.0))
    assert data["deadline"] == 10_000 and data["arms"] == ["off"]
    found = [dict(zip(data["columns"], one, strict=True)) for one in data["requests"]]
    return [one | {name: data["words"][one[name]] for name in data["worded"]} for one in found]


def test_a_request_with_all_that_is_known_of_it():
    (found,) = told(REQUEST)

    assert list(found) == list(COLUMNS)
    assert [found[name] for name in ("arm", "id", "listed", "saw")] == ["off", "p01-000071", "met", "cut"]
    assert [found[name] for name in ("served_by", "error", "fine")] == ["nothing", "reset by peer", 0]
    assert (found["sent"], found["first"], found["finished"], found["tokens"]) == (1, 1050, 1230, 4)
    assert found["ticks"] == [1050, 30, 30, 90]
    assert (found["spent"], found["wasted"]) == (20, None)
    assert found["tries"][0][3:6] == [2, 1050, 1230]
    assert found["struck"][0][2:] == [1, 1220, 6]


@pytest.mark.parametrize(("saw", "fine"), [("right in time", 1), ("rejected", 1), ("late", 0), ("truncated", 0)])
def test_what_is_no_failure_is_fine(saw: str, fine: int):
    assert told(replace(REQUEST, saw=saw))[0]["fine"] == fine


@given(st.text())
def test_no_text_breaks_out_of_the_page(text: str):
    found = in_a_page(json.dumps([text, "</script><!--\u2028"], ensure_ascii=False))

    assert not set(found) & set("<>&\u2028\u2029")
    assert json.loads(found) == [text, "</script><!--\u2028"]


@given(st.lists(st.floats(0.0, 2.0), min_size=1, max_size=900))
def test_ticks_stand_where_tokens_came_and_are_never_too_many(gaps: list[float]):
    times = np.cumsum(gaps)
    found = np.cumsum(ticks(replace(REQUEST, tokens_s=tuple(times.tolist()))))

    assert len(found) <= TICKS + 1
    step_ms = max(1.0, 1000 * times[-1] / TICKS) if len(times) > TICKS else 1.0
    assert all(np.abs(found - 1000 * one).min() <= step_ms for one in times), "none is lost"
    assert all(np.abs(1000 * times - one).min() <= step_ms for one in found), "none is made up"


def test_a_silence_is_told_when_it_is_one():
    assert silence(REQUEST) is None
    assert silence(replace(REQUEST, tokens_s=(1.0, 1.1, 1.984, 2.0))) == [1100, 884]
    assert silence(replace(REQUEST, tokens_s=())) is None


def test_an_answer_without_tokens():
    (found,) = told(replace(REQUEST, tokens_s=(), first_token_s=None))

    assert (found["first"], found["ticks"], found["tokens"]) == (None, [], 0)
