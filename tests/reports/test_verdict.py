"""Each verdict, and which outweighs which."""

from dataclasses import replace

import pytest

from reports.bounds import judge, parse_bound
from reports.recovery import Landing
from reports.verdict import spared, verdict

FINE = {"requests": 100, "p95_s": 2.0, "ttft_p95_s": None, "send_lag_p95_s": 0.01}
LAGGED = FINE | {"send_lag_p95_s": 0.26}
LANDED = [Landing("cut", "cut", 0.12, 12, 12, 12), Landing("never asked", "answer", 0.0, 0, 0, 0)]
MISSED = [Landing("cut", "cut", 0.12, 3, 0, 0)]


def judged(*texts: str, metrics=FINE):
    return judge([parse_bound(text, ["on"], list(FINE)) for text in texts], {"on": metrics})


@pytest.mark.parametrize(
    ("texts", "metrics", "landed", "partial", "state", "exit_code"),
    [
        (["on.p95_s <= 3"], FINE, LANDED, False, "pass", 0),
        ([], FINE, LANDED, False, "pass", 0),
        (["on.p95_s <= 1"], FINE, LANDED, False, "fail", 3),
        (["on.ttft_p95_s <= 1"], FINE, LANDED, False, "inconclusive", 4),
        (["on.p95_s <= 3"], FINE, LANDED, True, "inconclusive", 4),
        (["on.p95_s <= 3"], FINE, MISSED, False, "vacuous", 4),
        (["on.p95_s <= 3"], LAGGED, LANDED, False, "invalid", 5),
        (["on.p95_s <= 1"], LAGGED, MISSED, True, "invalid", 5),
        (["on.p95_s <= 1"], FINE, MISSED, True, "fail", 3),
        (["on.ttft_p95_s <= 1"], FINE, MISSED, False, "vacuous", 4),
    ],
)
def test_the_verdicts(texts, metrics, landed, partial, state, exit_code):
    found = verdict({"on": metrics}, judged(*texts, metrics=metrics), {"on": landed}, partial)

    assert (found.state, found.exit_code) == (state, exit_code)


def test_an_arm_in_which_nothing_finished_makes_the_run_vacuous():
    found = verdict({"off": FINE, "on": {"requests": None}}, [], {"off": LANDED, "on": []}, False)

    assert found.state == "vacuous"
    assert 'No request finished in arm "on".' in found.reasons


def test_an_arm_without_one_right_answer_makes_the_run_vacuous():
    """Its P95 is the deadline and its tokens are none: nothing is told of the app, whatever the bounds say."""
    found = verdict({"off": FINE, "on": FINE | {"ok_share": 0.0}}, [], {"off": LANDED, "on": LANDED}, False)

    assert found.state == "vacuous"
    assert found.reasons == ('No request of arm "on" got a right answer.',)


def test_a_fault_that_landed_in_one_arm_has_landed():
    assert verdict({"off": FINE, "on": FINE}, [], {"off": LANDED, "on": MISSED}, False).state == "pass"


def test_a_fault_that_never_landed_is_named():
    assert verdict({"on": FINE}, [], {"on": MISSED}, False).reasons == ('The planned fault "cut" never landed in any arm.',)


def test_every_reason_is_told_the_decisive_one_first():
    found = verdict({"on": LAGGED}, judged("on.p95_s <= 1", "on.ttft_p95_s <= 1"), {"on": MISSED}, True)

    assert len(found.reasons) == 5
    assert "lagged" in found.reasons[0]
    assert "2 against 1" in found.reasons[1]
    assert found.partial
    assert "partial" in found.reasons[-1]


@pytest.mark.parametrize(("used", "state"), [(0.5, "pass"), (0.51, "invalid")])
def test_a_proxy_that_is_too_busy_makes_the_run_invalid(used, state):
    found = verdict({"on": FINE}, [], {"on": LANDED}, False, {"on-01": {"proxy": used, "app": 0.9}})

    assert found.state == state


RARE = Landing("stall", "stall", 0.0001, 0, 0, 0, spared_of=546)


def test_a_fault_too_rare_for_the_run_is_told_and_no_failure_of_the_run():
    assert verdict({"on": FINE}, [], {"on": [*LANDED, RARE]}, False).state == "pass"
    assert spared({"on": [*LANDED, RARE]}) == [
        'The fault "stall" was not to strike: a share of 0.0001 spares all 546 requests that it is meant for. '
        "To meet it, give it at_least = 30, or ask more."
    ]


def test_faults_too_rare_are_told_in_one_sentence():
    """A plan of a day has a dozen."""
    assert spared({"on": [*LANDED, RARE, replace(RARE, name="cold", share=0.002, spared_of=12)]}) == [
        "2 faults were not to strike: their shares spare all requests that they are meant for: "
        '"stall" (0.0001 of 546), "cold" (0.002 of 12). To meet them, give them at_least = 30, or ask more.'
    ]


def test_faults_that_never_landed_are_told_in_one_sentence():
    other = [replace(one, name="drop") for one in MISSED]

    assert verdict({"on": FINE}, [], {"on": [*MISSED, *other]}, False).reasons == (
        'The planned faults "cut", "drop" never landed in any arm.',
    )


def test_a_plan_that_strikes_nobody_is_vacuous_however_rare_its_faults():
    assert verdict({"on": FINE}, [], {"on": [RARE]}, False).state == "vacuous"


def test_a_rare_fault_that_struck_a_retry_was_met():
    struck = replace(RARE, planned=1, struck=1, requests=1)

    assert spared({"off": [RARE], "on": [struck]}) == []
