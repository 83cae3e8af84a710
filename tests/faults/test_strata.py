"""Rare faults made frequent, with the request keys of real schedules, and the weights that undo it."""

import json
from dataclasses import replace
from statistics import fmean

import pytest

from faults.actions import Request
from faults.chances import Foreseen
from faults.kinds.answer import answer
from faults.kinds.cut import cut
from faults.kinds.latency import latency
from faults.kinds.stall import stall
from faults.plan import Fault, Plan
from faults.reading import read_shares
from faults.strata import as_told, parse_shares, raised, weights
from faults.timing import Burst, Clusters
from records.bad_input import BadInput
from scenarios.workload import Workload, due

LINES = tuple(b'{"message": {"content": "%d"}, "done": false}\n' % n for n in range(40))


def foresee(pairs: int = 1, seed: int = 7) -> Foreseen:
    """The first attempts of the article's load: 546 in each pair of seed 7."""
    arrivals = [one for pair in range(1, pairs + 1) for one in due(Workload(duration_s=40.0), seed, pair)]
    calls = [Request(one.request_id, at_s=one.offset_s, path="/api/chat", model="llama3.1") for one in arrivals]
    return Foreseen(tuple(calls), "application/x-ndjson", LINES, 10.0)


def struck(plan: Plan, foreseen: Foreseen) -> dict[str, list[str]]:
    """By fault, the requests that it strikes and that no other fault ends before."""
    found: dict[str, list[str]] = {fault.name: [] for fault in plan.faults}
    for call in foreseen.calls:
        faults = plan.decide(call)
        for name in {fault.name for fault in faults} - foreseen.without_chance(call, faults):
            found[name].append(call.id)
    return found


RARE = Fault(answer, {"status": 529}, "529", share=0.001, at_least=30)


@pytest.mark.parametrize("at_least", [1, 30, 546])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_alone_it_strikes_exactly_as_often_as_it_is_asked_to(seed, at_least):
    foreseen = foresee()
    plan = raised(Plan((replace(RARE, at_least=at_least),), seed), foreseen)

    assert len(struck(plan, foreseen)["529"]) == at_least
    assert plan.faults[0].share == 0.001


def test_those_that_the_ordinary_share_strikes_are_among_them():
    foreseen = foresee()
    plan = Plan((replace(RARE, share=0.01),), 7)

    assert set(struck(plan, foreseen)["529"]) < set(struck(raised(plan, foreseen), foreseen)["529"])


def test_a_share_that_is_enough_stays_as_it_is():
    plan = Plan((replace(RARE, share=0.12), Fault(cut, share=0.12)), 7)

    assert raised(plan, foresee()) == plan


def test_it_counts_over_all_pairs_of_a_run():
    foreseen = foresee(pairs=3)
    found = struck(raised(Plan((RARE,), 7), foreseen), foreseen)["529"]

    assert len(found) == 30
    assert {request_id[:3] for request_id in found} == {"p01", "p02", "p03"}


def test_a_retry_meets_the_ordinary_share():
    foreseen = foresee()
    plan = raised(Plan((RARE,), 7), foreseen)
    again = sum(bool(plan.decide(call._replace(attempt=2))) for call in foreseen.calls)

    assert again < 5


@pytest.mark.parametrize("seed", [7, 11])
def test_every_fault_of_many_gets_its_chance_as_often(seed):
    """A stream that is cut never comes to its stall: such a call is not counted for the stall."""
    faults = (
        Fault(latency, {"seconds": 0.1}, "always late"),
        RARE,
        replace(RARE, name="530", params={"status": 530}),
        Fault(stall, {"at": 20, "seconds": 0.5}, "stall", share=0.0001, at_least=30),
        Fault(cut, {"at": [3, 7]}, "cut", share=0.0017, at_least=30),
        Fault(cut, {"at": 10}, "common", share=0.25),
    )
    foreseen = foresee()
    found = struck(raised(Plan(faults, seed), foreseen), foreseen)

    assert all(len(found[name]) >= 30 for name in ("529", "530", "stall", "cut"))
    assert len(found["stall"]) == 30, "no more than it takes: the last to be enough is exactly that"
    assert len(found["always late"]) == 546


def test_weights_make_an_ordinary_day_of_it():
    """They are 1 on average, and the weighted share of what was struck is the ordinary one."""
    faults = (RARE, Fault(cut, {"at": 3}, share=0.02, at_least=60, during_s=(10, 30)))
    averages, shares = [], []
    for seed in range(40):
        foreseen = foresee(seed=seed)
        plan = raised(Plan(faults, seed), foreseen)
        of = weights(plan, foreseen)
        averages.append(fmean(of.values()))
        shares.append(sum(of[id_] for id_ in struck(plan, foreseen)["529"]) / len(of))

    assert set(of) == {call.id for call in foreseen.calls}
    assert fmean(averages) == pytest.approx(1, abs=0.005)
    # One standard error of the mean of 40 is 1 / sqrt(40 * 30) = 2.9 %.
    assert fmean(shares) == pytest.approx(0.001, rel=0.09)


def test_a_weight_is_the_product_over_the_raised_faults_it_is_meant_for():
    faults = (
        Fault(answer, {"status": 503}, "a", share=0.1, raised_to=0.5),
        Fault(cut, {}, "b", share=0.02, raised_to=0.4, during_s=(0, 5)),
        Fault(stall, {}, "off", share=0.1, raised_to=0.9, on=False),
        Fault(stall, {}, "ordinary", share=0.5),
    )
    plan = Plan(faults, 7)
    calls = [Request(f"p01-{n:06d}", path="/api/chat", at_s=n) for n in range(10)]
    told = weights(plan, Foreseen(tuple(calls)))

    for call in calls:
        names = {fault.name for fault in plan.decide(call)}
        a = 0.1 / 0.5 if "a" in names else 0.9 / 0.5
        b = (0.02 / 0.4 if "b" in names else 0.98 / 0.6) if call.at_s < 5 else 1
        assert told[call.id] == pytest.approx(a * b)


@pytest.mark.parametrize("timing", [{"burst": Burst(5.0, 15.0)}, {"clusters": Clusters(0.5)}])
def test_bursts_and_clusters_keep_their_moments(timing):
    foreseen = foresee()
    plan = raised(Plan((replace(RARE, **timing),), 7), foreseen)
    found = struck(plan, foreseen)["529"]

    assert len(found) == 30
    assert all(plan.faults[0].share_of(call, 7) > 0 for call in foreseen.calls if call.id in found)
    assert all(weight >= 0 for weight in weights(plan, foreseen).values())


def test_what_cannot_be_met_is_told_all_at_once():
    plan = Plan(
        (
            replace(RARE, at_least=547),
            replace(RARE, name="elsewhere", routes="/v1/*"),
            replace(RARE, name="late", during_s=(39, 40), at_least=100),
            Fault(stall, {"at": 20}, "stall", share=0.01, at_least=500),
            replace(RARE, name="off", routes="/v1/*", on=False),
        ),
        7,
    )
    with pytest.raises(BadInput) as told:
        raised(plan, foresee(), "my.toml")

    whole, elsewhere, late, *rest = told.value.problems
    advice = "Lower it, or let the scenario ask more: rate_per_s, duration_s, pairs"
    assert whole == f'my.toml, fault "529".at_least: 547 cannot be struck: of 546 first attempts it is meant for 546. {advice}'
    assert (
        elsewhere
        == f'my.toml, fault "elsewhere".at_least: 30 cannot be struck: of 546 first attempts it is meant for 0. {advice}'
    )
    assert 'fault "late".at_least: 100 cannot be struck: of 546 first attempts it is meant for 1' in late
    assert rest == []


def test_calls_that_other_faults_take_are_told():
    plan = Plan((Fault(cut, {"at": 3}, share=0.5), Fault(stall, {"at": 20}, "stall", share=0.01, at_least=500)), 7)
    with pytest.raises(BadInput, match=r"meant for 546, and another fault leaves it no chance in 2\d\d of them"):
        raised(plan, foresee())


def test_what_is_told_is_what_the_proxy_reads(tmp_path):
    plan, foreseen = Plan((RARE, Fault(cut, share=0.2)), 7), foresee()
    path = tmp_path / "strata.json"
    path.write_text(json.dumps(as_told(raised(plan, foreseen), foreseen)))

    assert read_shares(path, plan) == raised(plan, foreseen)
    told = json.loads(path.read_text())
    assert told["faults"].keys() == {"529"} and told["faults"]["529"]["share"] == 0.001
    assert told["weights"].keys() == {call.id for call in foreseen.calls}


def test_shares_that_cannot_be_used_are_told_at_once(tmp_path):
    with pytest.raises(BadInput) as told:
        parse_shares({"faults": {"other": {"raised_to": 0.1}, "529": {"raised_to": 2}}}, "strata.json", Plan((RARE,)))
    assert told.value.problems == (
        'strata.json.faults.other: "other" is not a fault. Known: 529',
        "strata.json.faults.529.raised_to: must be between 0 and 1, got 2",
    )
    for text, sentence in [("{", "not readable as JSON"), ("[]", "must be a table"), (None, "No such file")]:
        path = tmp_path / "strata.json"
        path.write_text(text) if text else path.unlink()
        with pytest.raises(BadInput, match=sentence):
            read_shares(path, Plan((RARE,)))


def test_a_plan_goes_by_the_same_digest_whatever_a_scenario_raises_it_to():
    plan = Plan((RARE,), 7)

    assert raised(plan, foresee()).digest == plan.digest
