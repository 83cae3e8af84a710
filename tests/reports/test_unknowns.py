"""What a ledger could not know is said."""

import pytest

from records.folder import APP, MODEL
from records.foreign import Joins
from reports.ledger import ledger
from reports.tally import Tally
from tests.reports.fates import Fate, Step, an_arm_of

CUT, AGAIN = Step(faults=("cut",), end="cut"), Step("retry")


def a_tally(folder: str, generations: int) -> Tally:
    counts = dict.fromkeys(("requests", "uncached", "answered", "calls", "attempts"), 1)
    return Tally(folder=folder, generations=generations, lost=0, lag_p95_s=None, **counts)


def unknowns(*fates: Fate, **more) -> str:
    return "\n".join(ledger(an_arm_of(fates, **more)).unknowns)


def test_of_a_whole_run_all_is_known():
    assert unknowns(Fate((CUT, AGAIN), served_by="retry"), Fate((CUT,), "cut", None, proof=None)) == ""


@pytest.mark.parametrize(
    ("fates", "more", "told"),
    [
        ([Fate((CUT, AGAIN))], {"without": (APP,)}, "app.jsonl is missing: why the app called again is unknown"),
        ([Fate((CUT, AGAIN)), Fate((CUT, AGAIN), told=False)], {}, "app.jsonl tells no attempt of 1 of 2 requests that met"),
        ([Fate((CUT, AGAIN), told=False)], {}, "Why the app called again is unknown for 1 of 1 requests that met a fault."),
        ([Fate((CUT, Step("")))], {}, "Why the app called again is unknown for 1 of 1"),
        ([Fate((CUT, AGAIN), served_by=None)], {}, "Which of several calls served is unknown for 1 of 1"),
        ([Fate(proof=None)], {}, "No answer carries a proof: only their structure is checked"),
        ([Fate(), Fate(proof=None)], {}, "1 of 2 right answers carry no proof"),
        ([Fate()], {"without": (MODEL,)}, "model.jsonl is missing: tokens, spent and wasted, are unknown."),
        (
            [Fate()],
            {"tallies": (a_tally("on-01", generations=1), a_tally("on-02", generations=0))},
            "model.jsonl has no row in on-02",
        ),
        (
            [Fate()],
            {"joins": Joins(90, 7, 3, 0)},
            "10 of 100 calls came without the id of their request and were joined by their prompt and time; "
            "3 of them could belong to another request that asked the same.",
        ),
        ([Fate()], {"joins": Joins(98, 0, 0, 2)}, "2 of 100 calls belong to no request"),
        ([Fate(), Fate((CUT,), "aborted")], {}, "Faults struck once in calls of requests that were aborted"),
    ],
)  # fmt: skip
def test_what_is_missing_is_told(fates: list[Fate], more: dict, told: str):
    assert told in unknowns(*fates, **more)


def test_joins_by_id_need_no_word():
    assert unknowns(Fate(), joins=Joins(100)) == ""
