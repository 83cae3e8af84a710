"""The schedule: keyed, Poisson, ramped, popular, and the same for everybody."""

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from itertools import islice, pairwise
from statistics import mean

import pytest

from records.strict import Table
from scenarios.prompts import PROMPTS, prompt
from scenarios.workload import Workload, due, parse_workload, prompts_of, schedule

USUAL = Workload()
NO_RAMP = replace(USUAL, users=1, spawn_per_s=1e9)


def some(workload=USUAL, seed=7, pair=1, count=3000, **of):
    return list(islice(schedule(workload, seed, pair, **of), count))


def test_the_same_seed_and_pair_give_the_same_schedule():
    """So both arms are asked the same questions at the same moments."""
    assert some() == some()


def test_pair_and_seed_each_give_another_schedule():
    assert [arrival.offset_s for arrival in some(pair=2)] != [arrival.offset_s for arrival in some()]
    assert [arrival.offset_s for arrival in some(seed=8)] != [arrival.offset_s for arrival in some()]


def test_request_keys_name_pair_and_index():
    assert [arrival.request_id for arrival in some(pair=3, count=2)] == ["p03-000000", "p03-000001"]


def test_the_rate_is_what_was_asked_for():
    """10,000 exponential gaps: their mean is off by 1 % in a standard deviation."""
    arrivals = some(NO_RAMP, count=10_000)
    assert arrivals[-1].offset_s == pytest.approx(10_000 / 15, rel=0.03)


def test_gaps_are_exponential():
    gaps = [later.offset_s - earlier.offset_s for earlier, later in pairwise(some(NO_RAMP, count=10_000))]
    assert min(gaps) > 0
    longer = mean(gap > 2 / 15 for gap in gaps)
    assert longer == pytest.approx(0.1353, abs=0.015), "exp(-2) of the gaps exceed twice the mean"


def test_during_the_ramp_the_rate_climbs_with_the_pool():
    """Ten seconds of ramp: half the arrivals of ten full seconds, and a quarter of those in its first half."""
    offsets = [arrival.offset_s for seed in range(40) for arrival in some(seed=seed, count=200)]
    within = Counter("first" if offset < 5 else "second" for offset in offsets if offset < 10)
    assert sum(within.values()) / 40 == pytest.approx(75, rel=0.05)
    assert within["first"] / sum(within.values()) == pytest.approx(0.25, abs=0.03)
    after = sum(10 <= offset < 15 for offset in offsets) / 40
    assert after == pytest.approx(75, rel=0.05)


def test_offsets_never_go_back_where_the_ramp_ends():
    offsets = [arrival.offset_s for arrival in some()]
    assert offsets == sorted(offsets)


@pytest.mark.parametrize("workers", [2, 3, 7])
def test_workers_split_the_schedule_and_lose_nothing(workers):
    parts = [some(count=60, worker=worker, workers=workers) for worker in range(workers)]
    together = sorted((arrival for part in parts for arrival in part), key=lambda arrival: arrival.request_id)
    assert together == some(count=60 * workers)


def test_prompts_follow_zipf():
    counts = Counter(arrival.prompt_key for arrival in some(count=20_000))
    assert len(counts) == 60
    assert counts["q000"] / counts["q001"] == pytest.approx(2, rel=0.1)
    assert counts["q000"] / counts["q009"] == pytest.approx(10, rel=0.2)


def test_an_exponent_of_zero_asks_all_prompts_alike():
    counts = Counter(arrival.prompt_key for arrival in some(replace(USUAL, zipf_s=0.0, prompts=4), count=8000))
    assert all(count == pytest.approx(2000, rel=0.1) for count in counts.values())


def test_tasks_and_temperatures_keep_their_shares():
    arrivals = some(count=8000)
    assert mean(arrival.task == "stream" for arrival in arrivals) == pytest.approx(0.75, abs=0.02)
    assert {arrival.temperature for arrival in arrivals} == {0.0, 0.3, 0.7}
    assert mean(arrival.temperature == 0.3 for arrival in arrivals) == pytest.approx(1 / 3, abs=0.02)


def test_a_pool_of_another_size_moves_arrivals_in_time_only():
    """What is asked hangs on the key alone."""
    few, many = some(replace(USUAL, users=5), count=100), some(count=100)
    assert [replace(arrival, offset_s=0.0) for arrival in few] == [replace(arrival, offset_s=0.0) for arrival in many]


def test_due_ends_with_the_duration():
    arrivals = list(due(USUAL, 7, 1))
    assert arrivals[-1].offset_s < 35 <= some(count=len(arrivals) + 1)[-1].offset_s


def test_the_closed_loop_has_no_offsets():
    assert {arrival.offset_s for arrival in some(replace(USUAL, rate_per_s=0.0), count=50)} == {0.0}


def test_prompts_are_many_distinct_and_not_all_english():
    assert len(PROMPTS) >= 100 and len(set(PROMPTS)) == len(PROMPTS)
    assert sum(not text.isascii() for text in PROMPTS) >= 20
    assert all(text.strip() == text and 5 <= len(text) <= 200 for text in PROMPTS)
    assert prompt(0) == PROMPTS[0]


def test_the_pure_files_bring_no_locust_with_them():
    """Importing Locust patches the sockets of the whole process: the harness must be able to read a workload without it."""
    pure = "scenarios.workload, scenarios.prompts, scenarios.answers, scenarios.ticket, scenarios.web_ui"
    subprocess.run([sys.executable, "-c", f"import sys, {pure}; sys.exit('gevent' in sys.modules)"], check=True)


def parsed(**values):
    problems = []
    return parse_workload(Table("workload", values, problems)), problems


def test_an_empty_table_is_the_usual_workload():
    assert parsed() == (USUAL, [])


def test_a_full_table_is_read():
    found, problems = parsed(
        rate_per_s=3, users=5, spawn_per_s=2, duration_s=9, deadline_s=4, stream_share=1, prompts=7, zipf_s=0,
        temperatures=[0, 1.5], proof=False,
    )  # fmt: skip
    assert problems == []
    assert found == Workload(3.0, 5, 2.0, 9.0, 4.0, 1.0, 7, 0.0, (0.0, 1.5), False)


def test_no_temperature_at_all_may_be_asked_for():
    found, problems = parsed(temperatures=[])

    assert problems == []
    assert {arrival.temperature for arrival in some(found, count=20)} == {None}


def test_the_prompts_are_known_by_the_keys_of_the_arrivals():
    few = replace(USUAL, prompts=7)

    assert len(prompts_of(few)) == 7
    assert all(prompts_of(few)[one.prompt_key] == one.question for one in some(few, count=100))


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"rate": 3}, 'workload.rate: "rate" is not a key.'),
        ({"stream_share": 1.5}, "workload.stream_share: must be between 0 and 1, got 1.5"),
        ({"rate_per_s": -1}, "workload.rate_per_s: must be at least 0, got -1"),
        ({"users": 2.5}, "workload.users: must be a whole number, got 2.5"),
        ({"spawn_per_s": 0}, "workload.spawn_per_s: must be at least 0.01, got 0"),
        ({"prompts": 9999}, "workload.prompts: must be between 1 and"),
        ({"temperatures": [3]}, "workload.temperatures: must be numbers between 0 and 2, or none at all, got [3]"),
        ({"temperatures": [True]}, "workload.temperatures: must be numbers"),
        ({"temperatures": 0.3}, "workload.temperatures: must be a list, got 0.3"),
    ],
)
def test_a_wrong_table_is_told(values, problem):
    _, problems = parsed(**values)
    assert any(told.startswith(problem) for told in problems), problems
