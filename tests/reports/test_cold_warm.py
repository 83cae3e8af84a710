"""Cold and warm requests apart."""

from types import SimpleNamespace

import pytest

from reports.cold_warm import BY_BOTH, BY_PROMPT
from reports.compare import compare

ASKED = ["q1", "q2", "q1", "q3", "q1", "q2"]


def two_arms(rows: SimpleNamespace, asked=ASKED, temperatures=None, served="cache", **changes):
    """The cache answers in 0.1 s what it has heard before; the plain arm takes 2 s."""
    temperatures = temperatures or [0.3] * len(asked)
    off, on, heard = [], [], set()
    for n, (prompt, temperature) in enumerate(zip(asked, temperatures, strict=True), 1):
        told = {"prompt_key": prompt, "temperature": temperature, "intended_s": 5000.0 + n} | changes
        knows = (prompt, temperature) in heard
        heard.add((prompt, temperature))
        off.append(rows.a_request(n, **told))
        on.append(rows.a_request(n, **told, finished_s=5000.1 + n, served_by=served) if knows else off[-1])
    return rows.an_arm(off), rows.an_arm(on, name="on")


def test_a_request_is_cold_when_nobody_asked_the_same_before(rows: SimpleNamespace):
    found = compare(*two_arms(rows), seed=7)

    assert (found.cold.requests, found.warm.requests) == (3, 3)
    assert (found.cold.other_from_cache, found.warm.other_from_cache, found.warm.reference_from_cache) == (0, 3, 0)
    assert (found.cold.p50.reference, found.cold.p50.other) == pytest.approx((2, 2))
    assert (found.warm.p95.reference, found.warm.p95.other, found.warm.p95.ratio) == pytest.approx((2, 0.1, 0.05))
    assert found.warm.same_by == BY_BOTH


def test_another_temperature_is_another_question(rows: SimpleNamespace):
    found = compare(*two_arms(rows, temperatures=[0, 0, 0.7, 0, 0.7, 0]), seed=7)

    assert (found.cold.requests, found.warm.requests) == (4, 2)


def test_rows_without_temperature_go_by_the_prompt_alone_and_say_so(rows: SimpleNamespace):
    found = compare(*two_arms(rows, temperatures=[0.3, 0.3, 0.7, 0.3, 0.3, None]), seed=7)

    assert (found.cold.requests, found.warm.requests) == (3, 3)
    assert found.cold.same_by == found.warm.same_by == BY_PROMPT


def test_the_schedule_tells_and_not_who_finished_first(rows: SimpleNamespace):
    """The rows come as requests finish: the first that was due is the cold one."""
    late = rows.a_request(1, prompt_key="q1", temperature=0.0, intended_s=5001.0, finished_s=5009.0)
    soon = rows.a_request(2, prompt_key="q1", temperature=0.0, intended_s=5002.0, finished_s=5002.1, served_by="cache")
    found = compare(rows.an_arm([soon, late]), rows.an_arm([soon, late], name="on"), seed=7)

    assert (found.cold.requests, found.cold.reference_from_cache, found.warm.reference_from_cache) == (1, 0, 1)
    assert found.cold.p50.reference == pytest.approx(8)


def test_who_finished_in_one_arm_only_asked_all_the_same(rows: SimpleNamespace):
    """A question that the other arm alone answered is not cold when it comes again."""
    _, on = two_arms(rows)
    without_first = rows.an_arm([rows.a_request(n, prompt_key=ASKED[n - 1], temperature=0.3) for n in range(2, 7)])

    for found in (compare(without_first, on, seed=7), compare(on, without_first, seed=7)):
        assert (found.cold.requests, found.warm.requests) == (2, 3)


def test_each_pair_begins_with_an_empty_cache(rows: SimpleNamespace):
    requests = [
        rows.a_request(
            n,
            request_id=f"p{pair:02d}-{n:06d}",
            pair=pair,
            prompt_key=ASKED[n],
            temperature=0.0,
            intended_s=pair * 1000.0 + n,
            served_by="cache",
        )
        for pair in (1, 2)
        for n in range(6)
    ]
    found = compare(rows.an_arm(requests), rows.an_arm(requests, name="on"), seed=7)

    assert (found.cold.requests, found.warm.requests) == (6, 6)


@pytest.mark.parametrize("changes", [{"served": "model"}, {"prompt_key": None}])
def test_without_a_cache_or_without_prompts_there_is_nothing_to_tell(rows: SimpleNamespace, changes):
    found = compare(*two_arms(rows, **changes), seed=7)

    assert found.cold is found.warm is None


def test_a_part_without_requests_is_none(rows: SimpleNamespace):
    once = rows.a_request(1, temperature=0.0, served_by="cache")
    found = compare(rows.an_arm([once]), rows.an_arm([once], name="on"), seed=7)

    assert found.cold.requests == 1
    assert found.warm is None
