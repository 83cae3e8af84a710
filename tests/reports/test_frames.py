"""Tables say of each request what joining its rows one by one says, whatever the rows; and so do all figures made of them."""

from collections import Counter
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.bench.straightforward import Bounds, figures, measured
from records.chance import draw
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

BOUNDS = Bounds(10.0, ttft_s=0.9, gap_s=0.08, total_s=6.0, price_in=0.1, price_out=0.4)
PRICES = Prices("test", "USD", dict.fromkeys(("small", "large"), Price(0.1, 0.4)))
TERMS = Terms(10.0, Goodput(0.9, 0.08, 6.0), PRICES)
FAULTS = [{"fault": "cuts", "kind": "cut"}, {"fault": "busy", "kind": "answer"}, {"fault": "422", "kind": "answer"}]
Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Chance:
    """Keyed draws of one random run."""

    seed: int

    def of(self, name: str, key: object, low: float = 0.0, high: float = 1.0) -> float:
        return low + (high - low) * draw(self.seed, name, str(key))

    def holds(self, name: str, key: object, share: float = 0.5) -> bool:
        return self.of(name, key) < share

    def pick(self, name: str, key: object, among: Any) -> Any:
        return among[int(self.of(name, key) * len(among))]


def a_random_run(seed: int, count: int) -> Rows:
    """Whatever can happen, much of it, and more often than it should."""
    chance = Chance(seed)
    rows: Rows = {REQUESTS: [], APP: [], CALLS: [], MODEL: []}
    for number in range(count):
        key = f"p01-{number:06d}"
        rows[REQUESTS].append(_request(chance, key, 5000.0 + number * 0.2))
        for turn in range(int(chance.of("turns", key, 0, 4))):
            _turn(rows, chance, key, turn, rows[REQUESTS][-1]["intended_s"] + turn)
        if chance.holds("told", key, 0.8):
            rows[APP] += [_told(chance, key, again) for again in range(1 + chance.holds("twice told", key, 0.1))]
    for stranger in range(3):
        _turn(rows, chance, f"curl-{stranger}", 0, 5000.0)
    return {name: [] if name != REQUESTS and chance.holds("missing", name, 0.1) else of for name, of in rows.items()}


def _request(chance: Chance, key: str, due_s: float) -> dict[str, Any]:
    outcome = chance.pick("outcome", key, (*OUTCOMES, "ok", "ok", "rejected"))
    gaps = [int(chance.of("gap", (key, at), 0, 100_000)) for at in range(int(chance.of("gaps", key, -2, 5)))]
    return {
        "request_id": key,
        "arm": "on",
        "pair": 1,
        "task": chance.pick("task", key, ("stream", "stream", "json", None)),
        "prompt_key": chance.pick("prompt", key, ("q1", "q2", None)),
        "intended_s": due_s,
        "sent_s": due_s + chance.of("lag", key, 0, 0.1),
        "first_token_s": None if chance.holds("silent", key, 0.2) else due_s + chance.of("first", key, 0, 2),
        "finished_s": due_s + chance.of("took", key, 0, 12),
        "status": chance.pick("status", key, (200, 422, 503, 0)),
        "outcome": outcome,
        "served_by": chance.pick("by", key, (None, "model", "cache")),
        "tokens": len(gaps) + 1,
        "longest_gap_s": max(gaps) / 1e6 if gaps else None,
        "gaps_us": gaps,
        "proof": None,
        "error": None,
        "temperature": None,
    }


def _turn(rows: Rows, chance: Chance, key: str, turn: int, at_s: float) -> None:
    """What the three processes tell of one attempt: each of them may know nothing, or call it by the ordinal of another."""
    of = (key, turn)
    attempt = 1 + (0 if chance.holds("same ordinal", of, 0.2) else turn)
    model = chance.pick("model", of, ("small", "large"))
    if chance.holds("by the app", of, 0.8):
        numbered = {"attempt": attempt} if chance.holds("numbered", of, 0.9) else {}
        times = {"started_s": at_s, "first_token_s": None, "finished_s": at_s + 1}
        end = chance.pick("end", of, ("ok", "timeout", None))
        told = {"reason": chance.pick("reason", of, ("first", "retry")), "model": model, "outcome": end, "status": 200}
        rows[APP].append({"event": "attempt", "request_id": key, **numbered, **times, **told, "tokens_in": 3, "tokens_out": 4})
    if chance.holds("called", of, 0.9):
        struck = [dict(fault) for fault in FAULTS if chance.holds(fault["fault"], of, 0.2)]
        call = {"request_id": key, "attempt": attempt, "path": "/api/chat", "model": model, "started_s": at_s + 0.1}
        status = chance.pick("call status", of, (200, 422, 503))
        rows[CALLS].append(call | {"finished_s": at_s + 1, "status": status, "bytes": 90, "planned": [], "struck": struck})
    if chance.holds("generated", of, 0.8):
        began_s = None if chance.holds("left the queue", of, 0.2) else at_s + 0.2
        tokens = {"tokens_in": int(chance.of("in", of, 1, 30)), "tokens_out": int(chance.of("out", of, 0, 40))}
        made = {"request_id": key, "attempt": attempt, "model": model, "queued_s": at_s, "started_s": began_s, **tokens}
        rows[MODEL].append(made | {"finished_s": at_s + 1, "first_token_s": None, "cancelled": chance.holds("left", of)})


def _told(chance: Chance, key: str, again: int) -> dict[str, Any]:
    of = (key, again)
    by = chance.pick("told by", of, (None, "retry", "cache", "model"))
    return {
        "event": "request",
        "request_id": key,
        "served_by": by,
        "degraded": chance.pick("degraded", of, (None, True, False)),
    }


def shuffled(rows: Rows, seed: int) -> Rows:
    """The rows of different requests come in any order; those of one stay in theirs."""
    chance = Chance(seed)

    def late(row: dict[str, Any]) -> float:
        return chance.of("late", row["request_id"])

    return {name: sorted(of, key=late) for name, of in rows.items()}


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
