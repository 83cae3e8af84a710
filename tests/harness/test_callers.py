"""What a caller sees, in words; and real callers, through the real proxy."""

import asyncio
from dataclasses import replace

import httpx
import openai
import pytest

from faults.kinds.cut import cut
from faults.plan import Fault
from faults.reading import read_plan
from harness.callers.__main__ import GALLERY, start
from harness.callers.asking import Asking
from harness.callers.clients import CALLERS, Told
from harness.callers.seen import Seen, judge, worst
from harness.callers.table import render_table
from harness.processes import Processes
from records.proof import pieces

WHOLE = pieces("q?", {}, ["river", "stone", "moss"])
RIGHT = "".join(WHOLE)


def words(seen: Seen, tools: bool = False) -> str:
    return judge(seen, "q?", tools, usual=Seen(RIGHT, took_s=0.1), patience_s=2.0)[1]


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (Seen(RIGHT, took_s=0.15), "right"),
        (Seen(RIGHT, took_s=0.9), "right, 0.8 s late"),
        (Seen("".join(WHOLE[:2]), took_s=0.1), "**cut answer, no error**"),
        (Seen("", took_s=0.1), "**empty answer, no error**"),
        (Seen("".join([*WHOLE[:3], *WHOLE[2:]])), "**doubled text, no error**"),
        (Seen("".join([*WHOLE[:2], *WHOLE[3:]])), "**garbled text, no error**"),
        (Seen("", httpx.ReadError("reset")), "`httpx.ReadError`"),
        (Seen("some", httpx.ReadError("reset")), "`httpx.ReadError` after part of the answer"),
        (Seen("some", httpx.ReadTimeout("late"), 2.1), "silence until `ReadTimeout` after part of the answer"),
        (Seen("", httpx.ReadTimeout("early"), 0.1), "`httpx.ReadTimeout`"),
        (Seen("", TimeoutError(), 4.0), "**silence that its timeout does not end**"),
        (Seen("", openai.APIConnectionError(request=httpx.Request("GET", "http://x"))), "`APIConnectionError`"),
        (Seen("", httpx.HTTPStatusError("", request=None, response=httpx.Response(503))), "`httpx.HTTPStatusError(503)`"),
    ],
)
def test_what_was_seen_in_words(seen, told):
    assert words(seen) == told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ('{"city": "Oslo", "days": 1}', "right"),
        ({"city": "Oslo", "days": 1}, "right"),
        ('{"city": "Os', "**tool call with broken arguments, no error**"),
        ({"city": "Oslo"}, "**tool call with arguments missing, no error**"),
        ("[]", "**tool call with arguments missing, no error**"),
        (None, "**no tool call, no error**"),
    ],
)
def test_tool_calls(arguments, told):
    caller = Told(lambda: 0.0)
    caller.calls += [] if arguments is None else [arguments]

    assert words(caller.seen(None), tools=True) == told


def test_a_stream_that_comes_all_at_once():
    """Proxy buffering: the first text is as late as the last."""
    usual, buffered = Seen(RIGHT, took_s=0.6, first_s=0.3), Seen(RIGHT, took_s=0.6, first_s=0.59)

    assert judge(usual, "q?", False, usual, 2)[1] == "right"
    assert judge(buffered, "q?", False, usual, 2)[1] == "right, all at once"


def test_the_unluckier_counts():
    assert worst([judge(seen, "q?", False, Seen(), 2) for seen in (Seen(RIGHT), Seen("", httpx.ReadError("")))]) == (
        "`httpx.ReadError`"
    )


def test_the_table():
    fault = Fault(cut, {"at": 3}, "cut")
    text = render_table([fault], [dict.fromkeys(CALLERS, "right") | {"openai client": "**cut answer, no error**"}])

    assert "| cut | `cut` | right | right | right | **cut answer, no error** | right |" in text
    assert "openai client 1" in text
    assert "- `cut` (message): Break the connection" in text


def test_real_callers(tmp_path):
    """Both APIs, through the real proxy: a right answer where nothing strikes, and what is documented of a cut."""
    named = {fault.name: fault for fault in read_plan(GALLERY).faults}
    calm = replace(named["cut"], name="calm")
    with Processes() as processes:
        asking = Asking(start(processes, tmp_path))
        undisturbed, cut_, busy = asyncio.run(asking.about([calm, named["cut"], named["503"]]))

    assert all(told.startswith("right") for told in undisturbed.values()), undisturbed
    assert all("after part of the answer" in told for told in cut_.values()), cut_
    assert busy["ollama client"] == "`ResponseError(503)`"
    assert busy["openai client"] == "`InternalServerError(503)`"
