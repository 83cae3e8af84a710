"""What a scenario will ask is known before it runs."""

from dataclasses import replace

import pytest

from faults.strata import raised_faults
from harness.foreseen import foresee, plan_of, stratified
from harness.scenario import parse_scenario, read_scenario, reseeded
from records.bad_input import BadInput
from scenarios.workload import due

ARTICLE = read_scenario("article")
RARE = '[[fault]]\nname = "rare"\nkind = "answer"\nstatus = 529\nshare = 0.001\nat_least = {}\n'


@pytest.fixture
def scenario(tmp_path):
    """scenario(plan text, **workload): in the article's load."""

    def make(plan: str, pairs: int = 1, **workload: object):
        (tmp_path / "my.toml").write_text(plan)
        values = {"plan": "my.toml", "pairs": pairs, "arms": {"off": {"features": "none"}}, "workload": workload}
        return parse_scenario(values, "", tmp_path / "s.toml")

    return make


def test_calls_are_those_of_the_schedule():
    arrivals, foreseen = list(due(ARTICLE.workload, ARTICLE.seed, 1)), foresee(ARTICLE)

    assert [call.id for call in foreseen.calls] == [arrival.request_id for arrival in arrivals]
    first, last = foreseen.calls[0], foreseen.calls[-1]
    assert (first.at_s, first.attempt, first.path, first.model) == (0.0, 1, "/api/chat", "llama3.1")
    assert last.at_s == pytest.approx(arrivals[-1].offset_s - arrivals[0].offset_s)
    assert arrivals[0].question.encode() in first.body
    assert (len(foreseen.answer), foreseen.patience_s) == (41, 10.0)


def test_pairs_follow_each_other_and_each_begins_anew(scenario):
    foreseen = foresee(scenario("", pairs=2, duration_s=5.0))

    assert [call.id[:3] for call in foreseen.calls if call.at_s == 0] == ["p01", "p02"]


def test_an_app_that_speaks_openai_asks_elsewhere():
    arm = replace(ARTICLE.arms[0], environment={"APP_PROVIDER": "openai"})
    foreseen = foresee(replace(ARTICLE, arms=(arm,)))

    assert {call.path for call in foreseen.calls} == {"/v1/chat/completions"}
    assert foreseen.content_type == "text/event-stream" and foreseen.answer[-1] == b"data: [DONE]\n\n"


def test_a_scenario_without_rare_faults_stays_as_it_is():
    assert stratified(ARTICLE) is ARTICLE


def test_rare_faults_are_raised_for_the_seed_that_is_drawn_with(scenario):
    plain = scenario("seed = 3\n" + RARE.format(30))
    one, other = stratified(plain), stratified(reseeded(plain, 11))

    for found in (one, other):
        struck = [call for call in foresee(found).calls if plan_of(found).decide(call)]
        assert len(struck) == 30
    assert one.plan.seed == other.plan.seed == 3 and (plan_of(one).seed, plan_of(other).seed) == (3, 11)
    assert raised_faults(one.plan) != raised_faults(other.plan)


def test_a_run_that_is_too_short_is_refused(scenario):
    with pytest.raises(BadInput, match=r'my.toml, fault "rare".at_least: 30 cannot be struck: of \d\d? first attempts'):
        stratified(scenario(RARE.format(30), duration_s=3.0, rate_per_s=5.0))


def test_a_closed_loop_has_nothing_to_count(scenario):
    with pytest.raises(BadInput, match=r"my.toml: at_least counts the requests of a schedule, and a closed loop has none"):
        stratified(scenario(RARE.format(30), rate_per_s=0))
