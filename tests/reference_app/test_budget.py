"""How many calls may be made beyond the first."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from reference_app.budget import Budget, RetryBudget
from reference_app.call import Account
from reference_app.settings import Settings


def test_a_share_of_the_requests_and_some_on_top():
    budget = Budget(0.2, per_s=1, window_s=10)
    for _ in range(100):
        budget.earn(0.0)

    assert [budget.spend(0.0) for _ in range(31)] == [True] * 30 + [False]


def test_what_was_earned_is_forgotten_and_so_is_what_was_spent():
    budget = Budget(0.5, window_s=10)
    for _ in range(4):
        budget.earn(0.0)

    assert [budget.spend(5.0), budget.spend(5.0), budget.spend(5.0)] == [True, True, False]
    assert not budget.spend(11.0)
    budget.earn(16.0)
    budget.earn(16.0)
    assert [budget.spend(16.0), budget.spend(16.0)] == [True, False]


@given(st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=200), st.floats(0, 1), st.floats(0, 2))
def test_never_more_than_the_share_of_a_window(steps, share, per_s):
    budget, now, earned, spent = Budget(share, per_s, window_s=10), 0.0, [], []
    for wait, is_request in steps:
        now += wait
        if is_request:
            budget.earn(now)
            earned.append(now)
        elif budget.spend(now):
            spent.append(now)
            # A slice is forgotten as one: what it holds counts for up to a slice less.
            recent = sum(at > now - 9 for at in spent)
            assert recent <= share * sum(at > now - 11 for at in earned) + per_s * 10 + 1e-6


def test_a_request_counts_once_and_a_refusal_is_told():
    async def run():
        told = []
        budget = RetryBudget(Settings(retry_budget_share=0.5, retry_budget_per_s=0))
        for number in range(4):
            account = Account(0.0, f"r{number}", log=lambda event, **fields: told.append((event, fields)))
            budget.count(account)
            budget.count(account)
        assert [budget.spend(account) for _ in range(3)] == [True, True, False]
        assert told == [("retry_budget_spent", {"request_id": "r3"})]

    asyncio.run(run())
