"""adaptive_limit: follows what the provider can take."""

import asyncio

from reference_app.features.adaptive_limit import Aimd
from tests.reference_app.capacity import Limited, app_before


def _rounds(aimd, rounds, first_s, refused_above=None, refused_share=0.0):
    """As many calls at once as are allowed, again and again."""
    now_s = aimd._since_s + 1
    for _ in range(rounds):
        at_once = aimd.limit
        for number in range(max(4, at_once)):
            beyond = refused_above is not None and number >= refused_above
            refused = beyond or number < refused_share * at_once
            aimd.note(now_s, now_s + 1, None if refused else first_s(at_once), refused, full=True)
        now_s += 2
    return aimd.limit


def test_it_grows_while_nothing_slows_down_and_not_beyond_its_bound():
    assert _rounds(Aimd(4, 1, 12, 2.0), 5, lambda _: 0.1) == 9
    assert _rounds(Aimd(4, 1, 12, 2.0), 50, lambda _: 0.1) == 12


def test_it_does_not_grow_where_nobody_waits():
    aimd = Aimd(4, 1, 12, 2.0)
    for number in range(40):
        aimd.note(number, number + 0.5, 0.1, refused=False, full=False)
    assert aimd.limit == 4


def test_it_shrinks_with_refusals_and_grows_again():
    aimd = Aimd(16, 2, 50, 2.0)
    assert _rounds(aimd, 12, lambda _: 0.1, refused_above=8) <= 11
    assert _rounds(aimd, 30, lambda _: 0.1) >= 25


def test_it_shrinks_when_the_first_token_comes_late_and_grows_again():
    aimd = Aimd(20, 2, 50, 2.0)
    _rounds(aimd, 2, lambda _: 0.1)
    assert min(_rounds(aimd, 1, lambda at_once: 0.1 * max(1, at_once / 4)) for _ in range(6)) <= 10
    assert _rounds(aimd, 30, lambda _: 0.1) >= 25


def test_failures_that_have_nothing_to_do_with_the_crowd_become_the_usual():
    """Where it does not help: for a while it lets too few through."""
    aimd = Aimd(20, 2, 50, 2.0)
    lowest = min(_rounds(aimd, 1, lambda _: 0.1, refused_share=0.3) for _ in range(20))
    assert lowest < 20
    assert _rounds(aimd, 100, lambda _: 0.1, refused_share=0.3) > 30


async def _phases(tmp_path, features, phases):
    provider = Limited(service_s=0.02)
    limits, refused, done = [], [], []
    settings = {"adaptive_start": 8, "adaptive_least": 2, "adaptive_most": 30}
    async with app_before(provider, tmp_path, features, **settings) as app:
        slots = [
            feature.slots for feature in app.http._transport.app.state.model.features.values() if hasattr(feature, "slots")
        ]
        for capacity, calls in phases:
            provider.capacity, provider.refused = capacity, 0
            told = await app.ask_at_once(calls)
            limits.append(slots[0].limit if slots else None)
            refused.append(provider.refused)
            done.append(sum(one.status == 200 for one in told))
    return limits, refused, done


def test_a_provider_whose_capacity_halves_and_comes_back(tmp_path):
    """Wins: refusals by the provider."""
    phases = [(12, 300), (6, 200), (12, 300)]
    limits, refused, done = asyncio.run(_phases(tmp_path, "adaptive_limit", phases))
    _, without, answered = asyncio.run(_phases(tmp_path, "none", phases))
    print(f"capacity 12, 6, 12: limit {limits}, refused {refused} of [300, 200, 300]; without adaptive_limit {without}")
    assert limits[1] < limits[0] and limits[2] > limits[1]
    assert sum(refused) < sum(without) / 4
    assert sum(done) > 2 * sum(answered)
