"""The plans we ship: what they strike, and how often."""

from pathlib import Path
from statistics import mean, pvariance

import pytest

from faults.actions import Request, name_of
from faults.kinds import KINDS
from faults.reading import read_plan

PLANS = sorted((Path(__file__).parents[2] / "faults" / "plans").glob("*.toml"))
WIRES = ["/api/chat", "/api/generate", "/v1/chat/completions", "/v1/messages"]
OF_BOTH_WIRES = ["typical-day", "bad-day", "incident-2024-12-04", "incident-2025-06-10", "sdk-killers"]


def plan_named(name):
    return read_plan(next(path for path in PLANS if path.stem == name))


def calls(count, *, every_s=1.0, begin_s=0.0, path="/api/chat"):
    return [Request(f"p01-{n:06d}", path=path, at_s=begin_s + n * every_s) for n in range(count)]


def struck(plan, met):
    """Names, call by call."""
    return [[fault.name for fault in plan.decide(call)] for call in met]


def share_of(plan, begin_s, end_s, count=2000):
    met = calls(count, begin_s=begin_s, every_s=(end_s - begin_s) / count)
    return mean(bool(names) for names in struck(plan, met))


@pytest.mark.parametrize("path", PLANS, ids=[path.stem for path in PLANS])
def test_every_plan_is_read(path):
    assert read_plan(path).name == path.stem
    assert path.read_text().startswith("# ")


@pytest.mark.parametrize("name", OF_BOTH_WIRES)
def test_it_strikes_chats_of_all_providers_and_nothing_else(name):
    for fault in plan_named(name).faults:
        at_s = fault.during_s[0]
        assert all(fault.is_meant_for(Request("r", path=path, at_s=at_s)) for path in WIRES)
        assert not any(fault.is_meant_for(Request("r", path=path, at_s=at_s)) for path in ("/api/tags", "/v1/embeddings"))


def test_the_gallery_shows_every_kind():
    faults = plan_named("gallery").faults

    assert {name_of(fault.kind) for fault in faults} == {name_of(kind) for kind in KINDS}
    assert all(fault.headers == {"x-fault": fault.name} and fault.share == 1 for fault in faults)


def test_a_typical_day():
    """2 in 100, each fault as often as it says."""
    plan = plan_named("typical-day")
    told = struck(plan, calls(100_000))

    assert mean(bool(names) for names in told) == pytest.approx(0.02, rel=0.05)
    for fault in plan.faults:
        met = sum(fault.name in names for names in told)
        assert abs(met / 100_000 - fault.share) < 4 * (fault.share / 100_000) ** 0.5, fault.name
    assert sum(fault.share for fault in plan.faults) == pytest.approx(0.0198)


def test_a_bad_day():
    """7 in 100, and they come together: in windows of 10 s with 10 calls, many times the variance of independent ones."""
    told = [bool(names) for names in struck(plan_named("bad-day"), calls(100_000))]
    counts = [sum(told[n : n + 10]) for n in range(0, 100_000, 10)]

    assert mean(told) == pytest.approx(0.07, rel=0.05)
    assert pvariance(counts) > 1.3 * mean(counts)
    assert sum(not count for count in counts) > 1.1 * 10_000 * (1 - mean(told)) ** 10


def test_the_4th_of_december_2024():
    """Calm, then nothing but 530, then 45 % that stall for 30 s, then calm."""
    plan = plan_named("incident-2024-12-04")

    assert [share_of(plan, *window) for window in ((0, 10), (10, 30), (60, 90))] == [0, 1, 0]
    assert share_of(plan, 30, 60) == pytest.approx(0.45, abs=0.03)
    ((edge,), (stall,)) = plan.decide(Request("r", path="/api/chat", at_s=20)), plan.faults[1:]
    assert edge.params["status"] == 530 and stall.params["seconds"] == 30


def test_the_10th_of_june_2025():
    plan = plan_named("incident-2025-06-10")

    assert [share_of(plan, *window) for window in ((0, 10), (70, 90))] == [0, 0]
    assert share_of(plan, 10, 70, 10_000) == pytest.approx(0.25, abs=0.01)


def test_what_kills_sdks_is_met_often_enough():
    faults = plan_named("sdk-killers").faults

    assert {name_of(fault.kind) for fault in faults} == {
        *("rate_limit", "quota_spent", "silent_truncation", "masked_stall", "linger", "stream_error", "truncated_tool_call")
    }
    assert all(fault.at_least == 30 and fault.share < 0.01 for fault in faults)
    assert [fault.params["retry_after_s"] for fault in faults[:2]] == [65, 130]
