"""The arms that `[arms] ablate` makes. Only the first tests ask the real app, which takes a second."""

import sys
from pathlib import Path

import pytest

from harness import ablate
from harness.ablate import Ablated, listed
from harness.manifest import make_manifest
from harness.scenario import parse_scenario
from harness.single_run import arm_of
from records.bad_input import BadInput
from records.folder import RunFolder
from reports.manifest import read_manifest

ON = {"features": "cache,retry,stream_recovery", "environment": {"APP_CACHE_TTL_S": "5"}}
OWN = {"command": [sys.executable, "{port}"], "provider_variable": "BASE_URL"}


def read(arms, **more):
    return parse_scenario({"arms": arms} | more, "", Path("mine.toml"))


def problems_of(arms, **more):
    with pytest.raises(BadInput) as caught:
        read(arms, **more)
    return list(caught.value.problems)


@pytest.fixture
def known(monkeypatch):
    """The app's answers, without the app."""
    told = {"cache,retry,stream_recovery": ("cache", "stream_recovery", "retry"), "cache": ("cache",), "none": ()}
    monkeypatch.setattr(ablate, "listed", told.__getitem__)


def test_the_app_says_which_features_an_arm_has():
    assert listed("retry,cache") == ("cache", "retry", "connection_pool", "async_calls")


def test_features_that_the_app_does_not_know_are_told_where_they_stand():
    (problem,) = problems_of({"ablate": "on", "on": {"features": "cache,retri"}})

    assert problem.startswith('mine.toml, arms.on.features: APP_FEATURES: "retri" is not a feature. Did you mean "retry"?')


def test_all_off_all_on_each_alone_and_each_left_out(known):
    scenario = read({"ablate": "on", "on": ON})

    assert {arm.name: arm.features for arm in scenario.arms} == {
        "off": "none",
        "on": "cache,retry,stream_recovery",
        "only-cache": "cache",
        "only-stream_recovery": "stream_recovery",
        "only-retry": "retry",
        "without-cache": "cache,retry,stream_recovery,-cache",
        "without-stream_recovery": "cache,retry,stream_recovery,-stream_recovery",
        "without-retry": "cache,retry,stream_recovery,-retry",
    }
    assert all(arm.environment == {"APP_CACHE_TTL_S": "5"} for arm in scenario.arms)
    assert scenario.ablation.features["retry"] == Ablated("only-retry", "without-retry")
    assert (scenario.ablation.on, scenario.ablation.off, scenario.reference) == ("on", "off", "off")


def test_of_what_off_has_too_only_leaving_it_out_is_run(known):
    scenario = read({"ablate": "on", "on": ON, "off": {"features": "cache"}})

    assert scenario.ablation.features["cache"] == Ablated("off", "without-cache")
    assert "only-cache" not in {arm.name for arm in scenario.arms}


def test_an_off_of_the_scenario_and_other_arms_stay(known):
    arms = {"ablate": "on", "plain": {"features": "none"}, "on": ON, "off": {"features": "none", "environment": {"A": "1"}}}
    scenario = read(arms)

    names = [arm.name for arm in scenario.arms]
    assert names[:3] == ["off", "plain", "only-cache"] and names[-1] == "on"
    assert scenario.arms[0].environment == {"A": "1"}


def test_bounds_and_reference_may_name_the_made_arms(known):
    scenario = read({"ablate": "on", "on": ON}, bounds={"p95": "only-retry.p95_s <= off.p95_s"}, reference="without-retry")

    assert scenario.bounds == ("only-retry.p95_s <= off.p95_s",) and scenario.reference == "without-retry"
    (told,) = problems_of({"ablate": "on", "on": ON}, reference="only-rety")
    assert told.startswith('mine.toml, reference: "only-rety" is not an arm. Did you mean "only-retry"?')


@pytest.mark.parametrize(
    ("arms", "told"),
    [
        ({"ablate": "onn", "on": ON}, 'mine.toml, arms.ablate: "onn" is not an arm. Did you mean "on"?'),
        ({"ablate": "off", "off": ON, "on": ON}, 'mine.toml, arms.ablate: "off" is what it compares with'),
        ({"ablate": "on", "on": {"features": "cache"}}, "mine.toml, arms.ablate: needs an arm with at least 2 features, and"),
        ({"ablate": "on", "on": {"features": "none"}}, "mine.toml, arms.ablate: needs an arm with at least 2 features, and"),
        ({"ablate": "on", "on": ON, "only-cache": ON}, "mine.toml, arms.only-cache: is an arm that ablate makes"),
        ({"ablate": 3, "on": ON}, "mine.toml, arms.ablate: must be a text, got 3"),
        ({"ablate": "on", "on": {}}, "mine.toml, arms.on.features: is missing"),
    ],
)
def test_what_cannot_be_ablated_is_told_in_one_sentence(known, arms, told):
    (problem,) = problems_of(arms)

    assert problem.startswith(told)


def test_the_features_of_an_own_app_are_named_one_by_one():
    scenario = read({"ablate": "on", "on": {"features": "a, b"}}, app=OWN)
    assert [arm.name for arm in scenario.arms] == ["off", "only-a", "only-b", "without-a", "without-b", "on"]

    for features in ("all", "a,-b", "a,b c"):
        (problem,) = problems_of({"ablate": "on", "on": {"features": features}}, app=OWN)
        assert problem.startswith("mine.toml, arms.on.features: to ablate it, name each feature of your app")
    assert 'the arm "on" has none' in problems_of({"ablate": "on", "on": {}}, app=OWN)[0]


def test_the_manifest_tells_what_the_arms_are_for_where_all_are_run(known, tmp_path):
    scenario = read({"ablate": "on", "on": ON})
    whole, one = (make_manifest(scenario, "id", arms, ()) for arms in (scenario.arms, scenario.arms[-1:]))

    assert whole["ablation"]["features"]["cache"] == {"alone": "only-cache", "left_out": "without-cache"}
    assert (whole["ablation"]["on"], whole["ablation"]["off"], whole["reference"]) == ("on", "off", "off")
    assert (one["ablation"], one["reference"]) == (None, "on")
    run = RunFolder(tmp_path)
    run.write_manifest(whole)
    assert read_manifest(run)["ablation"] == whole["ablation"]


def test_locust_alone_runs_the_arm_that_is_ablated(known):
    scenario = read({"ablate": "on", "on": ON})

    assert arm_of(scenario, "").name == "on"
    assert [arm_of(scenario, text).name for text in ("none", "retry", "all")] == ["off", "only-retry", "on"]
