"""What a plan will do in a scenario, counted before."""

import pytest

from harness.foreseen import foresee, plan_of
from harness.preview import preview
from harness.scenario import parse_scenario, read_scenario
from records.bad_input import BadInput

PLAN = """
seed = 7
[[fault]]
name = "cuts"
kind = "cut"
share = 0.2
at = 3
[[fault]]
name = "rare"
kind = "answer"
status = 529
share = 0.001
at_least = 40
[[fault]]
name = "asked for"
kind = "drop"
headers = { x-fault = "drop" }
[[fault]]
name = "elsewhere"
kind = "drop"
routes = "/v1/*"
[[fault]]
name = "quota"
kind = "quota"
[[fault]]
name = "stall"
kind = "stall"
at = 9
during = [5, 10]
on = false
"""


@pytest.fixture
def scenario(tmp_path):
    def make(plan: str, **workload: object):
        (tmp_path / "my.toml").write_text(plan)
        values = {"plan": "my.toml", "arms": {"off": {"features": "none"}}, "workload": workload}
        return parse_scenario(values, "", tmp_path / "s.toml")

    return make


def test_counts_are_those_of_the_draws():
    article = read_scenario("article")
    found, calls = preview(article), foresee(article).calls
    decided = [plan_of(article).decide(call) for call in calls]

    assert found.requests == len(calls) == 546
    for one in found.faults:
        met = [call.id for call, faults in zip(calls, decided, strict=True) if one.fault in [fault.name for fault in faults]]
        assert (one.strikes, one.first) == (len(met), met[0])
    assert found.at_least_one == sum(map(bool, decided))
    assert found.several == sum(len(faults) > 1 for faults in decided)
    assert (found.plan, found.seed, found.digest) == ("article", 7, article.plan.digest)


def test_rare_faults_are_shown_as_they_will_be_raised(scenario):
    rare = preview(scenario(PLAN)).faults[1]

    assert (rare.share, rare.strikes - rare.no_chance) == (0.001, 40)
    assert rare.raised_to > 0.05


def test_a_fault_that_another_ends_first_is_told(scenario):
    found = preview(scenario(PLAN.replace("share = 0.2", "share = 1.0").replace("on = false", "on = true"))).faults

    assert found[0].no_chance == 40, "behind the 529"
    assert 0 < found[-1].strikes == found[-1].no_chance, "behind the cut"


def test_what_nobody_can_know_before_is_said(scenario):
    first, headers, nowhere, state = preview(scenario(PLAN)).notes

    assert first.startswith("First attempts are counted")
    assert headers.endswith('counted as not sent: "asked for".')
    assert nowhere.endswith('see routes, models and during: "elsewhere".')
    assert state.endswith('deciding by what came before: "quota".')
    timed = preview(scenario("halt_if = { error_share = 0.5 }" + PLAN.replace("on = false", "on = true"))).notes
    assert any("moments of the schedule" in note and '"stall"' in note for note in timed)
    assert timed[-1].startswith("halt_if may end the faults early")


def test_the_end_of_a_plan_is_said(scenario):
    plan = "stop_after_s = 5\n[[fault]]\nname = 'a'\nkind = 'drop'\n"
    found, endless = (preview(scenario(text)) for text in (plan, plan.replace("= 5", "= 500")))

    late = endless.requests - found.at_least_one
    assert 0 < late < endless.requests == endless.at_least_one
    assert found.notes[1] == f"stop_after_s ends the faults 5 s after the first call: {late} of these requests come later."
    assert len(endless.notes) == 1


def test_a_closed_loop_cannot_be_looked_ahead_of(scenario):
    with pytest.raises(BadInput, match="a closed loop has no schedule"):
        preview(scenario('[[fault]]\nname = "a"\nkind = "drop"', rate_per_s=0))
