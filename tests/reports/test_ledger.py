"""The recovery ledger agrees with every other figure of the report, and with a plain count over its rows."""

import time
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from records.folder import APP, CALLS, MODEL
from reports.arm import Arm
from reports.entries import SAME
from reports.ledger import Ledger, ledger
from reports.metrics import BY_NAME
from reports.recovery import by_kind, overall, wilson
from reports.report import Report
from tests.reports.fates import Fate, Step, an_arm_of, id_of

KINDS = ("cut", "answer", "stall")
steps = st.builds(
    Step,
    reason=st.sampled_from(["first", "retry", "recovery", "hedge", "fallback", "their own"]),
    status=st.sampled_from([200, 200, 503, 422]),
    faults=st.lists(st.sampled_from(KINDS), max_size=3).map(tuple),
    end=st.sampled_from(["ok", "cut", ""]),
    generated=st.booleans(),
)
fates = st.builds(
    Fate,
    steps=st.lists(steps, max_size=4).map(tuple),
    outcome=st.sampled_from(
        ["ok", "ok", "degraded", "rejected", "http_error", "timeout", "cut", "truncated", "wrong", "garbled", "aborted"]
    ),
    served_by=st.sampled_from(["model", "retry", "cache", "their own", None]),
    degraded=st.booleans(),
    took_s=st.sampled_from([2.0, 9.9, 10.1]),
    told=st.booleans(),
)
arms = st.lists(fates, max_size=20)


@settings(max_examples=25, deadline=None)
@given(arms)
def test_it_tells_the_same_as_the_report_and_as_a_count_by_hand(told: list[Fate]):
    arm = an_arm_of(told)
    found = ledger(arm)

    agrees_with_the_report(arm, found)
    holds_everyone_once(told, found)
    is_counted_as_by_hand(told, arm, found)


def agrees_with_the_report(arm: Arm, found: Ledger) -> None:
    kinds = [one for one in found.successes if one.kind and not one.mechanism]

    def fields(one):
        return one.met, one.recovered, one.rejected, one.share, one.low, one.high

    assert fields(found.overall) == fields(overall(arm))
    assert [(one.kind, *fields(one)) for one in kinds] == [(one.kind, *fields(one)) for one in by_kind(arm)]
    assert found.overall.share == pytest.approx(BY_NAME["retry_success"].value(arm))
    assert found.amplification == BY_NAME["attempts_per_request"].value(arm)
    met = arm.rows[arm.rows["met"]]
    assert found.overall.tokens_wasted == (met["tokens_wasted"].sum() if len(met) else None)
    assert found.amplification_met == found.overall.attempts_per_request
    if found.amplification_met is not None:
        assert found.amplification_met == pytest.approx(met["attempts"].mean())


def holds_everyone_once(told: list[Fate], found: Ledger) -> None:
    """Every request that met a fault and was not aborted."""
    met = [number for number, fate in enumerate(told, 1) if any(step.faults for step in fate.steps)]

    assert found.entries.index.tolist() == [id_of(number) for number in met if told[number - 1].outcome != "aborted"]


def acted_on(fate: Fate) -> set[str]:
    """The mechanisms of one request, by the words of the docstring."""
    answered = fate.outcome in ("ok", "degraded", "truncated", "wrong", "garbled")
    could_be_the_model = any(step.status < 400 for step in fate.steps)
    served = fate.served_by or ("model" if could_be_the_model else "no call (cache or default)")
    instead = {served} - {"model"} if answered else set()
    reasons = {SAME.get(step.reason, step.reason) for step in fate.steps} - {"first"}
    if fate.told and reasons:
        instead -= {"retry"}
    if not fate.told:
        reasons = {"unknown"} if len(fate.steps) > 1 and not instead else set()
    return reasons | instead or {"none"}


def is_counted_as_by_hand(told: list[Fate], arm: Arm, found: Ledger) -> None:
    """Kinds and mechanisms, against an oracle that looks at one request at a time."""
    counted: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for number, fate in enumerate(told, 1):
        kinds = {kind for step in fate.steps for kind in step.faults}
        if fate.outcome == "aborted" or not kinds:
            continue
        row = arm.rows.loc[id_of(number)]
        for key in [(kind, acted) for kind in ("", *kinds) for acted in ("", *acted_on(fate))]:
            for at, amount in enumerate((1, row["recovered"], row["outcome"] == "rejected", len(fate.steps))):
                counted[key][at] += int(amount)

    successes = {(one.kind, one.mechanism): one for one in found.successes if one.met}
    assert successes.keys() == counted.keys()
    for key, one in successes.items():
        assert [one.met, one.recovered, one.rejected, round(one.attempts_per_request * one.met)] == counted[key]


def test_forty_of_forty_claims_no_more_than_the_count_allows():
    found = ledger(an_arm_of([Fate((Step(faults=("cut",)), Step("retry")), served_by="retry")] * 40))

    assert (found.overall.recovered, found.overall.met) == (40, 40)
    assert found.overall.low == pytest.approx(0.9124, abs=5e-5)
    assert found.by_mechanism == (found.by_mechanism[0],)
    assert found.by_mechanism[0].low == wilson(40, 40)[0]


def test_they_come_in_the_order_they_are_told():
    retried, continued = (Fate((Step(faults=(kind,)), Step(why))) for kind, why in [("stall", "retry"), ("cut", "recovery")])
    found = ledger(an_arm_of([continued, retried, Fate((Step(faults=("cut",)), Step("a habit")))])).successes

    assert [(one.kind, one.mechanism) for one in found] == [
        ("", ""), ("cut", ""), ("stall", ""), ("", "retry"), ("", "recovery"), ("", "a habit"),
        ("cut", "recovery"), ("cut", "a habit"), ("stall", "retry"),
    ]  # fmt: skip


def test_an_arm_that_met_nothing_claims_nothing():
    for told in ([], [Fate((Step(),))]):
        found = ledger(an_arm_of(told))

        assert (found.overall.met, found.overall.share, found.overall.attempts_per_request) == (0, None, None)
        assert found.amplification_met is None
        assert found.by_mechanism == ()
        assert found.unknowns == ()


def test_without_the_models_rows_waste_is_unknown():
    found = ledger(an_arm_of([Fate()], without=(MODEL,)))

    assert {one.tokens_wasted for one in found.successes} == {None}


def test_without_the_proxys_rows_nobody_is_known_to_have_met_a_fault():
    found = ledger(an_arm_of([Fate(), Fate((Step(), Step("retry")))], without=(CALLS,)))

    assert (found.overall.met, found.amplification) == (0, 1.5)


def test_the_report_holds_one_of_each_arm(found: Report):
    for arm, of in zip(found.run.arms, found.arms, strict=True):
        assert of.ledger.entries.index.tolist() == arm.rows.index[arm.rows["met"]].tolist()
        assert of.ledger.overall.recovered == of.overall.recovered
        assert not of.ledger.unknowns


def many_times(arm: Arm, copies: int) -> Arm:
    """The same requests again and again."""

    def again(table: pd.DataFrame) -> pd.DataFrame:
        at = np.tile(table["at"], copies) + np.repeat(np.arange(copies) * len(arm.rows), len(table))
        return table.iloc[np.tile(np.arange(len(table)), copies)].assign(at=at)

    rows = arm.rows.iloc[np.tile(np.arange(len(arm.rows)), copies)]
    return replace(arm, frames=replace(arm.frames, rows=rows, attempts=again(arm.attempts), strikes=again(arm.strikes)))


def test_a_hundred_thousand_that_met_a_fault_take_little_more_than_a_second():
    """Aim: 1.5 s, of a million requests; the guard is over a tenth of that, and of CPU time, because CI shares its cores."""
    one = [Fate((Step(),))] * 9 + [Fate((Step(faults=("cut", "stall")), Step("retry")), served_by="retry")]
    many = many_times(an_arm_of(one), 10_000)
    began_s = time.process_time()
    found = ledger(many)
    took_s = time.process_time() - began_s

    assert found.overall.met == 10_000
    assert took_s < 0.6, f"{took_s:.2f} s"


def test_a_missing_log_is_no_reason_to_leave_anyone_out():
    told = [Fate((Step(faults=("cut",)), Step("retry")), served_by="retry"), Fate((Step(faults=("cut",)),), "cut", None)]
    whole, blind = (ledger(an_arm_of(told, without=without)) for without in ((), (APP,)))

    assert whole.entries.index.tolist() == blind.entries.index.tolist()
    assert whole.overall == blind.overall
    assert [one.mechanism for one in blind.by_mechanism] == ["unknown", "none"]
