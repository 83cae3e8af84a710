"""What an attempt was worth, by how it ended and what it said."""

from dataclasses import replace

import pytest

from records.proof import pieces
from records.rows import OUTCOMES
from scenarios.answers import Seen, judge
from scenarios.workload import Arrival

ASKED = Arrival(0.0, "p01-000001", "stream", "q000", "How?", 0.3)
RIGHT = pieces("How?", {"temperature": 0.3}, ["one", "two", "three"])


def seen(texts=RIGHT, **of):
    return Seen(**{"status": 200, "texts": list(texts), "ended": "complete", **of})


CASES = [
    (seen(), "ok", "complete"),
    (seen(degraded=True), "degraded", "complete"),
    (seen(["Sorry, try later."], degraded=True), "degraded", None),
    (seen(["Sorry, try later."]), "garbled", "no mark at the beginning"),
    (seen([], degraded=True), "truncated", "no text"),
    (seen([]), "truncated", "no text"),
    (seen(pieces("Who?", {"temperature": 0.3}, ["one"]), degraded=True), "wrong", "the answer to another question"),
    (seen(status=422, texts=[], ended="orderly"), "rejected", None),
    (seen(status=404, texts=[], ended="orderly"), "rejected", None),
    (seen(status=408, texts=[], ended="orderly"), "http_error", None),
    (seen(status=429, texts=[], ended="orderly"), "http_error", None),
    (seen(status=503, texts=[], ended="orderly"), "http_error", None),
    (seen(status=503, texts=[], ended="broken"), "http_error", None),
    (seen(status=302, texts=[], ended="orderly"), "http_error", None),
    (seen(status=0, texts=[], ended="broken"), "http_error", None),
    (seen(status=504, texts=[], ended="orderly"), "timeout", None),
    (seen(ended="late"), "timeout", None),
    (seen(status=0, texts=[], ended="late"), "timeout", None),
    (seen(RIGHT[:2], ended="error_event", error_status=504), "timeout", None),
    (seen(RIGHT[:2], ended="error_event", error_status=503), "cut", None),
    (seen(RIGHT[:2], ended="broken"), "cut", None),
    (seen([], ended="broken"), "cut", None),
    (seen(ended="orderly"), "truncated", None),
    (seen(RIGHT[:-1]), "truncated", "ends after word 3"),
    (seen([*RIGHT[:3], *RIGHT[2:]]), "duplicated", "word 2 comes again after word 2"),
    (seen(pieces("Who?", {"temperature": 0.3}, ["one"])), "wrong", "the answer to another question"),
    (
        seen(pieces("How?", {"temperature": 0.7}, ["one"])),
        "wrong",
        "made with other parameters: temperature=0.7, asked for 0.3",
    ),
    (seen([*RIGHT[:2], *RIGHT[3:]]), "garbled", "word 3 follows word 1"),
    (seen(RIGHT[:2], ended="unreadable"), "garbled", None),
    (seen(RIGHT[:2], ended=None), "aborted", None),
    (Seen(), "aborted", None),
]


@pytest.mark.parametrize(("what", "outcome", "words"), CASES)
def test_judge(what, outcome, words):
    assert judge(what, ASKED) == (outcome, words)


def test_every_outcome_has_a_case():
    assert {outcome for _, outcome, _ in CASES} == set(OUTCOMES)


def test_without_proof_only_the_structure_counts():
    assert judge(seen(["Any words."]), ASKED, proof=False) == ("ok", None)
    assert judge(seen(["Any words."], degraded=True), ASKED, proof=False) == ("degraded", None)
    assert judge(seen(["  "]), ASKED, proof=False) == ("truncated", "no text")
    assert judge(seen(["Any words."], ended="orderly"), ASKED, proof=False) == ("truncated", None)


def test_who_asks_for_no_temperature_gets_the_right_answer_at_any():
    assert judge(seen(), replace(ASKED, temperature=None)) == ("ok", "complete")
    assert judge(seen(pieces("Who?", {}, ["one"])), replace(ASKED, temperature=None))[0] == "wrong"


def test_only_the_first_ending_counts():
    """A connection that breaks after the last event did no harm."""
    found = seen(ended=None)
    found.end("complete")
    found.end("broken", "ConnectionResetError")
    assert (found.ended, found.error) == ("complete", None)
