"""Tables say of each request what joining its rows one by one says, whatever the rows; and so do all figures made of them."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.bench.straightforward import Bounds, figures, measured
from records.folder import APP, CALLS, MODEL, REQUESTS
from records.join import join
from records.rows import OUTCOMES
from reports.arm import Arm
from reports.foreign_calls import joined
from reports.frames import Frames, frames, gather
from reports.goodput import Goodput
from reports.metrics import METRICS, measure
from reports.prices import Price, Prices
from reports.tables import tables_of
from reports.terms import Terms, on_terms
from tests.reports.random_runs import Rows, a_random_run, shuffled

BOUNDS = Bounds(10.0, ttft_s=0.9, gap_s=0.08, total_s=6.0, price_in=0.1, price_out=0.4)
PRICES = Prices("test", "USD", dict.fromkeys(("small", "large"), Price(0.1, 0.4)))
TERMS = Terms(10.0, Goodput(0.9, 0.08, 6.0), PRICES)


def an_arm_of(rows: Rows) -> Arm:
    found = on_terms(frames(tables_of(rows), BOUNDS.deadline_s), TERMS)
    return Arm("on", found, BOUNDS.deadline_s, frozenset(name for name, of in rows.items() if of))


RUNS = st.builds(
    lambda seed, count, shuffle: shuffled(a_random_run(seed, count), seed) if shuffle else a_random_run(seed, count),
    st.integers(0, 10**6),
    st.integers(1, 60),
    st.booleans(),
)


@settings(max_examples=30, deadline=None)
@given(RUNS)
def test_every_request_is_measured_as_by_itself(rows: Rows):
    arm, (ones, aborted) = an_arm_of(rows), measured(rows, BOUNDS.deadline_s)
    strikes = arm.strikes[arm.strikes["at"] >= 0]
    faults = strikes.groupby("at")["fault"].agg(set).to_dict()

    assert (arm.rows.index.tolist(), arm.aborted) == ([one.row["request_id"] for one in ones], aborted)
    for at, (one, row) in enumerate(zip(ones, arm.rows.itertuples(), strict=True)):
        told = one.told
        assert (row.outcome, faults.get(at, set()), row.attempts) == (told.outcome, set(told.faults), told.attempts)
        assert (row.tokens_spent, row.tokens_wasted, row.degraded) == (told.tokens_spent, told.tokens_wasted, told.degraded)
        assert (row.served_by if isinstance(row.served_by, str) else None) == told.served_by
        assert (row.joined if isinstance(row.joined, str) else None) == told.joined
        assert (row.own_s, row.effective_s, row.start_s) == (one.own_s, one.effective_s, one.start_s)
        assert (row.recovered, row.met) == (bool(told.faults) and one.in_time, bool(told.faults))
        assert arm.gaps.of(at).tolist() == one.gaps_us


@settings(max_examples=30, deadline=None)
@given(RUNS)
def test_every_metric_is_what_plain_python_makes_of_the_rows(rows: Rows):
    arm = an_arm_of(rows)
    plain = figures(rows, BOUNDS, arm.sources)

    ours = measure(arm)
    if len(arm.rows):
        assert plain.keys() | {"time_to_recover_s"} == {metric.name for metric in METRICS}
    for name, value in plain.items():
        assert ours[name] == (None if value is None else pytest.approx(value, rel=1e-9, abs=1e-12)), name


@settings(max_examples=30, deadline=None)
@given(RUNS)
def test_attempts_put_side_by_side_what_the_three_tell(rows: Rows):
    arm = an_arm_of(rows)
    place = {id_: at for at, id_ in enumerate(arm.rows.index)}
    told = Counter(place.get(row["request_id"], -1) for row in rows[APP] if row["event"] == "attempt")
    called = Counter((place.get(row["request_id"], -1), row["attempt"]) for row in rows[CALLS])
    made = Counter((place.get(row["request_id"], -1), row["attempt"]) for row in rows[MODEL])
    found = arm.attempts

    assert Counter(found["at"][found["told"]].tolist()) == told
    for column, expected in (("called", called), ("generated", made)):
        of = found[found[column]]
        assert Counter(zip(of["at"].tolist(), of["attempt"].tolist(), strict=True)) == expected
    assert (found["told"] | found["called"] | found["generated"]).all()
    known = found[found["at"] >= 0]
    both = Counter((at, attempt) for (at, attempt) in zip(known["at"].tolist(), known["attempt"].tolist(), strict=True))
    assert all(both[key] >= max(called[key], made[key]) for key in both)
    assert (np.diff(known["at"]) >= 0).all()


@settings(max_examples=15, deadline=None)
@given(RUNS, st.randoms(use_true_random=False))
def test_some_requests_take_along_what_belongs_to_them(rows: Rows, random: Any):
    every = an_arm_of(rows).frames
    places = np.array(sorted(random.sample(range(len(every.rows)), len(every.rows) // 2)), dtype=np.int64)
    some = every.picked(places)

    assert some.rows.index.tolist() == every.rows.index[places].tolist()
    for at, was in enumerate(places):
        assert some.gaps.of(at).tolist() == every.gaps.of(was).tolist()
        for name in ("attempts", "strikes"):
            mine, theirs = (getattr(of, name) for of in (some, every))
            told = [column for column in mine if column != "at"]
            assert mine[mine["at"] == at][told].equals(theirs[theirs["at"] == was][told])


@settings(max_examples=10, deadline=None)
@given(RUNS, st.integers(0, 10**6))
def test_pairs_gathered_are_each_what_they_were(rows: Rows, seed: int):
    other = {
        name: [row | {"request_id": row["request_id"].replace("p01", "p02")} for row in of]
        for name, of in a_random_run(seed, 20).items()
    }
    pairs = [an_arm_of(rows).frames, an_arm_of(other).frames]
    both = gather(pairs)
    first = np.arange(len(pairs[0].rows))
    halves = both.picked(first), both.picked(np.arange(len(first), len(both.rows)))

    assert both.aborted == pairs[0].aborted + pairs[1].aborted
    assert both.rows["outcome"].cat.categories.tolist() == list(OUTCOMES)
    for half, pair in zip(halves, pairs, strict=True):
        assert_same_tables(half, pair)


def assert_same_tables(one: Frames, other: Frames) -> None:
    assert one.gaps.us.tolist() == other.gaps.us.tolist()
    assert one.gaps.ends.tolist() == other.gaps.ends.tolist()
    for name in ("rows", "attempts", "strikes"):
        here, there = (as_texts(getattr(of, name)) for of in (one, other))
        if name != "rows":
            here, there = here[here["at"] >= 0], there[there["at"] >= 0]
        assert here.reset_index(drop=True).equals(there.reset_index(drop=True)), name


def as_texts(table: Any) -> Any:
    """Without the categories, which both pairs share when gathered."""
    return table.astype({name: object for name in table if table[name].dtype == "category"})


def test_attempts_without_an_ordinal_are_numbered_in_their_order(rows: SimpleNamespace):
    told = [{"event": "attempt", "request_id": f"p01-00000{number}"} for number in (1, 2, 1)]
    calls = [rows.as_row(rows.a_call("p01-000001", attempt)) for attempt in (1, 2)]
    requests = [rows.as_row(rows.a_request(number)) for number in (1, 2)]
    found = frames(tables_of({REQUESTS: requests, APP: told, CALLS: calls, MODEL: []}), 10.0).attempts

    assert found[["at", "attempt"]].to_numpy().tolist() == [[0, 1], [0, 2], [1, 1]]
    assert found["told"].tolist() == [True, True, True]
    assert found["called"].tolist() == [True, True, False]


def test_the_making_of_an_embedding_is_no_attempt_though_what_struck_it_was_met(rows: SimpleNamespace):
    """It bears the id of its request, and the first ordinal."""
    strike = [{"name": "cuts", "kind": "cut"}]
    calls = [rows.as_row(rows.a_call("p01-000001", 1)), rows.as_row(rows.a_call("p01-000001", 1, faults=strike))]
    calls[1]["path"] = "/api/embed"
    found = frames(tables_of({REQUESTS: [rows.as_row(rows.a_request(1))], APP: [], CALLS: calls, MODEL: []}), 10.0)

    assert found.attempts[["at", "attempt"]].to_numpy().tolist() == [[0, 1]] and not found.attempts["struck"].any()
    assert (found.rows["attempts"].tolist(), found.rows["met"].tolist()) == ([1], [True])


def test_texts_are_categories_in_alphabetical_order(rows: SimpleNamespace):
    asked = [rows.a_request(1, prompt_key="z"), rows.a_request(2, prompt_key="a"), rows.a_request(3, prompt_key=None)]
    keys = rows.an_arm(asked).rows["prompt_key"]

    assert keys.cat.categories.tolist() == ["a", "z"]
    assert keys.isna().tolist() == [False, False, True]


def test_joining_by_hand_and_by_table_agree_where_the_prompt_tells(rows: SimpleNamespace):
    """An app that passes no request id on."""
    asked = [rows.as_row(rows.a_request(number, prompt_key=f"q{number % 2}")) for number in range(1, 9)]
    calls = [
        rows.as_row(rows.a_call(f"body-{number}", at_s=row["sent_s"] + 0.01)) | {"prompt_key": row["prompt_key"]}
        for number, row in enumerate(asked)
    ]
    generations = [rows.as_row(rows.a_generation(call["request_id"], 1, 30, call["started_s"])) for call in calls]
    probe = rows.as_row(rows.a_call("body-probe")) | {"path": "/api/version"}
    told = {REQUESTS: asked, APP: [], CALLS: [*calls, probe], MODEL: generations}
    tables = tables_of(told)
    joins, how = joined(tables)
    found = frames(tables, 10.0, how).rows
    plain = join(asked, [], told[CALLS], generations)

    assert (joins.by_id, joins.by_prompt + joins.uncertain, joins.nobodys) == (0, 8, 0)
    assert found["attempts"].tolist() == [one.attempts for one in plain]
    assert found["tokens_spent"].tolist() == [one.tokens_spent for one in plain]
    assert found["joined"].tolist() == [one.joined for one in plain]
