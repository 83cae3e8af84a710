"""The lines of the ledger: what was tried, what served, and what the user saw."""

import pytest

from records.folder import APP, MODEL
from reports.entries import COLUMNS, entries
from tests.reports.fates import Fate, Step, an_arm_of, id_of

CUT, BUSY = Step(faults=("cut",), end="cut"), Step(status=503, faults=("answer",), end="http_error")
AGAIN, GOES_ON = Step("retry"), Step("recovery")


def line(fate: Fate, **more):
    (found,) = entries(an_arm_of([fate], **more)).lines.to_dict("records")
    return found


def test_a_line_tells_what_was_met_tried_and_paid():
    found = line(Fate((BUSY, Step("retry", faults=("cut", "answer"), end="cut"), GOES_ON), served_by="recovery"))

    assert list(found) == list(COLUMNS)
    assert (found["faults"], found["kinds"], found["attempts"]) == ("answer, cut", "answer, cut", 3)
    assert (found["reasons"], found["ends"]) == ("first, retry, recovery", "http_error, cut, ok")
    assert (found["mechanisms"], found["served_by"], found["saw"]) == ("retry, recovery", "recovery", "right in time")
    assert (found["tokens_spent"], found["tokens_wasted"], found["recovered"], found["told"]) == (104, 52, True, True)


def test_only_who_met_a_fault_is_in_it():
    spared, struck = Fate((Step(),)), Fate((CUT,), "cut")

    assert list(entries(an_arm_of([spared, struck, spared, struck])).lines.index) == [id_of(2), id_of(4)]
    assert entries(an_arm_of([spared])).lines.empty
    assert entries(an_arm_of([])).lines.empty
    for name in ("faults", "kinds", "reasons", "ends", "mechanisms", "served_by", "saw"):
        assert entries(an_arm_of([])).lines[name].dtype == object


def test_aborted_requests_are_in_no_line():
    assert list(entries(an_arm_of([Fate((CUT,), "aborted"), Fate()])).lines.index) == [id_of(2)]


@pytest.mark.parametrize(
    ("fate", "served_by", "mechanisms"),
    [
        (Fate((CUT,)), "model", "none"),
        (Fate((BUSY, AGAIN), served_by="retry"), "retry", "retry"),
        (Fate((CUT, GOES_ON), served_by="recovery"), "recovery", "recovery"),
        (Fate((BUSY,), served_by="cache"), "cache", "cache"),
        (Fate((BUSY, AGAIN), served_by="recovery"), "recovery", "retry"),
        (Fate((CUT, Step("hedge")), served_by="hedge"), "hedge", "hedge"),
        (Fate((CUT, Step("hedge")), served_by="model"), "model", "hedge"),
        (Fate((BUSY, Step("fallback")), served_by="other model"), "other model", "other model"),
        (Fate((BUSY, Step("fallback")), served_by="fallback_model"), "other model", "other model"),
        (Fate((BUSY, AGAIN), "degraded", "stale cache", True), "stale cache", "retry, stale cache"),
        (Fate((BUSY,), "degraded", "default", True), "default", "default"),
        (Fate((BUSY, Step("second region")), served_by="second region"), "second region", "second region"),
        (Fate((CUT,), "cut", None), "nothing", "none"),
        (Fate((BUSY, AGAIN), "timeout", "retry"), "nothing", "retry"),
        (Fate((CUT, Step("first")), served_by="model"), "model", "none"),
        (Fate((CUT,), "wrong", "cache"), "cache", "cache"),
    ],
    ids=lambda value: None if isinstance(value, Fate) else str(value),
)
def test_what_served_is_told_in_the_apps_words(fate: Fate, served_by: str, mechanisms: str):
    found = line(fate)

    assert (found["served_by"], found["mechanisms"]) == (served_by, mechanisms)


@pytest.mark.parametrize(
    ("steps", "outcome", "served_by", "mechanisms", "reasons"),
    [
        ((CUT,), "ok", "model", "none", "first"),
        ((CUT, Step()), "ok", "another call", "unknown", "first, unknown"),
        ((BUSY,), "ok", "no call (cache or default)", "no call (cache or default)", "first"),
        ((BUSY, BUSY), "ok", "no call (cache or default)", "no call (cache or default)", "first, unknown"),
        ((BUSY, BUSY), "http_error", "nothing", "unknown", "first, unknown"),
        ((CUT,), "cut", "nothing", "none", "first"),
    ],
)
def test_without_the_apps_log_the_calls_tell(
    steps: tuple[Step, ...], outcome: str, served_by: str, mechanisms: str, reasons: str
):
    found = line(Fate(steps, outcome, None), without=(APP,))

    assert (found["served_by"], found["mechanisms"], found["reasons"]) == (served_by, mechanisms, reasons)
    assert not found["told"]
    assert found["ends"] == ", ".join(f"status {step.status}" for step in steps)


def test_an_app_that_tells_what_served_but_no_attempt_is_believed():
    found = line(Fate((BUSY, Step()), served_by="retry", told=False))

    assert (found["served_by"], found["mechanisms"], found["told"]) == ("retry", "retry", False)


@pytest.mark.parametrize(
    ("fate", "saw"),
    [
        (Fate(), "right in time"),
        (Fate(took_s=10.0), "right in time"),
        (Fate(took_s=10.5), "late"),
        (Fate(outcome="degraded"), "right but degraded"),
        (Fate(degraded=True), "right but degraded"),
        (Fate(outcome="degraded", took_s=11.0), "late"),
        (Fate(outcome="timeout", took_s=10.0), "timeout"),
        (Fate(outcome="cut"), "cut"),
        (Fate(outcome="truncated", proof="ends after word 7"), "truncated"),
        (Fate(outcome="duplicated", proof="word 3 comes again after word 7"), "duplicated"),
        (Fate(outcome="garbled"), "garbled"),
        (Fate(outcome="wrong", proof="the answer to another question"), "other question"),
        (Fate(outcome="wrong", proof="made with other parameters: temperature=0.3, asked for 0.7"), "other parameters"),
        (Fate(outcome="wrong", proof=None), "wrong"),
        (Fate(outcome="http_error"), "error"),
        (Fate((Step(status=200, faults=("answer",)),), outcome="rejected"), "rejected"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_the_user_saw(fate: Fate, saw: str):
    assert line(fate)["saw"] == saw


def test_the_proofs_own_words_are_known():
    """What records.proof says of a wrong answer is what the ledger looks for."""
    from records.proof import check, pieces

    text = "".join(pieces("why?", {"temperature": 0.3}, ["a", "b"]))
    for asked, params, saw in [("why not?", {}, "other question"), ("why?", {"temperature": 0.7}, "other parameters")]:
        told = check(text, asked, params)
        assert line(Fate(outcome=told.outcome, proof=told.why))["saw"] == saw


def test_tokens_nobody_counted_are_unknown_not_none():
    found = line(Fate(), without=(MODEL,))

    assert found["tokens_spent"] != found["tokens_spent"]
    assert found["tokens_wasted"] != found["tokens_wasted"]
