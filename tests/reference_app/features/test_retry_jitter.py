"""Claim C7: retries without jitter come back together. The same burst in virtual time, its waits spread or all of a length."""

import asyncio
from dataclasses import dataclass, field

import httpx
import pytest

from reference_app import backoff
from tests.faults.virtual import run_virtually
from tests.reference_app.capacity import Limited, app_before

USERS, CAPACITY, WINDOW_S = 40, 4, 0.125
# No budget: it would hide what the jitter does.
UNBOUNDED = {"retry_budget_share": 1.0, "retry_budget_per_s": 1000.0}
SETTINGS = {"retry_attempts": 5, "retry_base_s": 0.5, "retry_cap_s": 2.0, **UNBOUNDED}


@dataclass
class Watched(Limited):
    """Knows when each call came, and refuses the first ones."""

    shy: int = 0
    came_s: list[float] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.came_s.append(asyncio.get_running_loop().time())
        self.capacity = CAPACITY if len(self.came_s) > self.shy else 0
        return await super().handle_async_request(request)

    @property
    def peak_of_retries(self) -> int:
        """The most calls within WINDOW_S, of those after each user's first."""
        again = sorted(self.came_s)[USERS:]
        return max((sum(one <= other < one + WINDOW_S for other in again) for one in again), default=0)


def a_burst(tmp_path):
    """All users at once, before a provider that takes a tenth of them and refuses the others."""

    async def run():
        provider = Watched(service_s=0.2)
        async with app_before(provider, tmp_path, "retry", **SETTINGS) as app:
            told = await asyncio.gather(*(app.ask(x_request_id=f"user-{number:03}") for number in range(USERS)))
        return provider, [one.status for one in told].count(200)

    return run_virtually(run())[0]


def even_waits(key, number, base_s, cap_s):
    """Exponential backoff as it is mostly written: the same for everybody."""
    return min(cap_s, base_s * 2.0**number)


def test_without_jitter_retries_come_back_together(tmp_path, monkeypatch):
    """Wins: a lower peak at the provider, fewer calls, and more users answered with as many attempts."""
    spread, answered = a_burst(tmp_path)
    monkeypatch.setattr(backoff, "full_jitter", even_waits)
    even, answered_even = a_burst(tmp_path)

    for name, provider, right in (("jitter", spread, answered), ("no jitter", even, answered_even)):
        peak, calls = provider.peak_of_retries, provider.calls / USERS
        print(f"{name}: at most {peak} retries in {WINDOW_S} s, {calls:.2f} calls a request, {right} answered")
    assert spread.peak_of_retries < 0.6 * even.peak_of_retries
    assert spread.calls < even.calls and answered > answered_even


def test_where_no_two_fail_together_jitter_changes_nothing(tmp_path, monkeypatch):
    """Does not help: one user alone is answered by the third call, whatever the waits between them were."""

    async def alone():
        provider = Watched(shy=2)
        async with app_before(provider, tmp_path, "retry", **SETTINGS) as app:
            return (await app.ask()).status, provider.calls

    with_it = run_virtually(alone())[0]
    monkeypatch.setattr(backoff, "full_jitter", even_waits)
    assert with_it == run_virtually(alone())[0] == (200, 3)


@pytest.mark.parametrize("number", range(4))
def test_what_is_compared_has_the_same_longest_wait(number):
    """Both arms wait up to the same ceiling; only the spread differs."""
    waits = [backoff.full_jitter(f"user-{one}", number, 0.5, 2.0) for one in range(500)]
    assert 0.97 * even_waits("", number, 0.5, 2.0) < max(waits) < even_waits("", number, 0.5, 2.0)
