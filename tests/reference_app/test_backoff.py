"""How long to wait, and when not to."""

import asyncio

import pytest

from reference_app.backoff import Pauses, full_jitter
from reference_app.budget import RetryBudget
from reference_app.call import Account, Attempt
from reference_app.settings import Settings


def test_jitter_is_full_even_and_keyed():
    drawn = [full_jitter(f"r{n}", 3, 0.1, 10) for n in range(4000)]

    assert 0 <= min(drawn) < 0.01 and 0.79 < max(drawn) < 0.8
    assert abs(sum(drawn) / len(drawn) - 0.4) < 0.02
    assert full_jitter("r1", 3, 0.1, 10) == drawn[1]
    assert full_jitter("r1", 5000, 0.1, 2) < 2


def account_after(attempt):
    return Account(0.0, "id", attempts=[attempt])


def test_no_pause_beyond_the_deadline_the_cap_or_the_patience():
    async def run(most=1, **changed):
        attempt = Attempt("id", 1, "first", "m", 0.0, [], retry_after_s=changed.pop("asked_s", 0.0))
        account = account_after(attempt)
        budget = RetryBudget(Settings(retry_budget_per_s=changed.pop("per_s", 10.0)))
        for name, value in changed.items():
            setattr(account, name, value)
        pauses = Pauses(most, 0.001, 0.001, 30, budget)
        try:
            await pauses.wait(account, error, 0)
        finally:
            told.append((pauses.made, *pauses.gave_up().values()))

    error, told = KeyError("the error itself"), []
    asyncio.run(run())
    for changed in ({"most": 0}, {"max_attempts": 1}, {"deadline_at": 0.0}, {"asked_s": 31.0}, {"per_s": 0.0}):
        with pytest.raises(KeyError, match="the error itself"):
            asyncio.run(run(**changed))
    # Made; given up for want of attempts, of time, of budget.
    assert told == [(1, 0, 0, 0), (0, 1, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 1, 0), (0, 0, 0, 1)]
