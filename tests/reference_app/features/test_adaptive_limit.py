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
    """By half until it has once been too much, then by one."""
    aimd = Aimd(8, 1, 100, 2.0)
    assert [_rounds(aimd, 1, lambda _: 0.1) for _ in range(4)] == [12, 18, 27, 40]
    assert _rounds(aimd, 1, lambda _: 1.0) == 28
    assert _rounds(aimd, 5, lambda _: 0.1) == 33
    assert _rounds(aimd, 100, lambda _: 0.1) == 100


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
    aimd = Aimd(9, 2, 50, 2.0)
    assert _rounds(aimd, 2, lambda _: 0.1) == 19
    assert min(_rounds(aimd, 1, lambda at_once: 0.1 * max(1, at_once / 4)) for _ in range(6)) <= 10
    assert _rounds(aimd, 30, lambda _: 0.1) >= 25


def test_failures_that_have_nothing_to_do_with_the_crowd_become_the_usual():
    """Where it does not help: for a while it lets too few through."""
    aimd = Aimd(20, 2, 50, 2.0)
    lowest = min(_rounds(aimd, 1, lambda _: 0.1, refused_share=0.3) for _ in range(20))
    assert lowest < 20
    assert _rounds(aimd, 100, lambda _: 0.1, refused_share=0.3) > 30


def _lowest_in_weather(refused_share):
    """The lowest limit over 60 s of 14 calls a second, each of 2 s, of which a share is refused at once from 20 s to 40 s."""
    aimd, lowest, ends = Aimd(50, 4, 200, 2.0), 50, []
    for number in range(14 * 60):
        at = number / 14
        for end, start, refused in sorted(one for one in ends if one[0] <= at):
            aimd.note(start, end, None if refused else 0.7, refused, len(ends) >= aimd.limit, in_flight=len(ends) - 1)
            lowest = min(lowest, aimd.limit)
        ends = [one for one in ends if one[0] > at]
        refused = 20 <= at < 40 and (number * 37) % 100 < 100 * refused_share
        if len(ends) < aimd.limit:
            ends.append((at + (0.02 if refused else 2.0), at, refused))
    return lowest


def test_refusals_do_not_lower_it_below_what_is_served_beside_them():
    """A bad day's: 28 calls are with the provider at once, and it refuses a share of them, however few there are."""
    lowest = {share: _lowest_in_weather(share) for share in (0.0, 0.15, 0.3, 0.5)}

    print(f"lowest limit by the share of refusals, at 28 calls at once: {lowest}")
    assert lowest[0.0] == 50 and lowest[0.15] >= 20 and lowest[0.3] >= 16 and lowest[0.5] >= 10


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
    assert sum(refused) < sum(without) / 3
    assert sum(done) > 2 * sum(answered)
