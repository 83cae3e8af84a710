"""Claim A7: the canonical key costs 0.8 ms. What it costs here, alone, for a question and for a long conversation."""

from statistics import median
from time import perf_counter_ns

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from reference_app.call import Account, Call
from reference_app.features.cache import key_of
from reference_app.provider import make_provider, with_sampling
from reference_app.settings import Settings
from reference_app.transport import make_transport

CLAIMED_US = 800
TURNS = {"a question": 1, "a conversation of 20 turns": 20}


def conversation(turns):
    """So many questions, and the answers between them."""
    said = [
        (HumanMessage(f"Question {turn}, of some words?"), AIMessage("An answer of fifty words. " * 10))
        for turn in range(turns)
    ]
    return [message for pair in said for message in pair][:-1]


@pytest.mark.parametrize("turns", TURNS.values(), ids=TURNS.keys())
def test_what_the_key_costs(provider, turns):
    """The median of 500, each of a call of its own: a call knows its key once it was asked."""
    made, messages = make_provider(Settings(**provider.settings), make_transport()), conversation(turns)
    model, params = with_sampling(made, {"temperature": 0.3})
    took_us = []
    for _ in range(500):
        call = Call(Account(0.0), model, messages, params=params)
        began = perf_counter_ns()
        key = key_of(call)
        took_us.append((perf_counter_ns() - began) / 1000)
        assert key
    worst = sorted(took_us)[int(0.95 * len(took_us))]
    print(f"{provider.api}, {turns} turns: {median(took_us):.0f} µs, 95 % within {worst:.0f}; claimed {CLAIMED_US}")
    # A question's must stay below what was claimed also on a machine that is five times slower.
    assert median(took_us) < (CLAIMED_US if turns == 1 else 5 * CLAIMED_US)
