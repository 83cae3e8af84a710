"""What features cost each token: only those that have something to do with it are run for it."""

import asyncio
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

import pytest
from langchain_core.messages import HumanMessage

import reference_app
from reference_app import features
from reference_app.means import Means
from reference_app.model import ResilientChatModel
from reference_app.settings import Settings
from tests.reference_app.speaker import Speaker

OURS = str(Path(reference_app.__file__).parent)
SET = {
    "rate_limit": "1000000/minute",
    "input_limit_tokens": 4000,
    "output_limit_tokens": 1000,
    "compress_above_tokens": 4000,
    "small_model": "small",
    "fallback_model": "another",
}
"""What makes the features act that are of no effect unless set."""
NEED_EACH_TOKEN = {
    # Counts it, and notes when the first came.
    "attempt.py:attempt",
    # Passes it on as a message.
    "unobserved.py:chunks",
    # Sees that time is kept from one to the next.
    "watch.py:watched",
    # Keep the answer, for the next who asks, for who asks meanwhile, for what is to follow a break.
    "features/cache.py:__call__",
    "features/flight.py:_fly",
    "features/flight.py:read",
    "features/single_flight.py:_lead",
    "features/stream_recovery.py:__call__",
    # Must know whether anything was said, when it fails.
    "features/fallback.py:__call__",
    "features/retry.py:__call__",
}
"""The generators that a token passes with all features on."""


def called(features_on: str, words: int) -> Counter[str]:
    """How often each function of the app is entered, generators each time they are resumed, for an answer of so many words."""
    calls: Counter[str] = Counter()

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(OURS) and not code.co_name.startswith("<"):
            calls[f"{code.co_filename[len(OURS) + 1 :]}:{code.co_name}"] += 1

    async def ask() -> None:
        settings = Settings(features=features_on, **(SET if features_on == "all" else {}))
        speaker = Speaker()
        model = ResilientChatModel(provider=speaker, features=features.build(Means(settings, speaker)))
        sys.setprofile(note)
        try:
            said = [chunk async for chunk in model.astream([HumanMessage(" ".join(["say"] * words))])]
        finally:
            sys.setprofile(None)
        await model.aclose()
        assert sum(bool(chunk.text) for chunk in said) == words

    asyncio.run(ask())
    return calls


def each_token(features_on: str) -> dict[str, float]:
    """Calls a token, of what is called for each: what 100 more words cost."""
    few, many = called(features_on, 20), called(features_on, 120)
    return {name: (many[name] - few[name]) / 100 for name in many if many[name] - few[name] >= 50}


def is_layer(name: str) -> bool:
    return name in NEED_EACH_TOKEN or name.endswith((":__call__", ":_begin", ":holding"))


def test_a_token_passes_only_the_features_that_have_something_to_do_with_it():
    """Those that refuse, choose, limit, hedge or break a circuit hand the provider's own stream on."""
    on, off = each_token("all"), each_token("none")
    layers = {name for name in on if is_layer(name)}

    print(f"generators a token passes: all {len(layers)}, none {len({name for name in off if is_layer(name)})}")
    print(f"calls of the app's own functions for a token: all {sum(on.values()):.1f}, none {sum(off.values()):.1f}")
    assert layers == NEED_EACH_TOKEN
    assert {name for name in off if is_layer(name)} == {"attempt.py:attempt", "unobserved.py:chunks"}
    # A generator is resumed once a token; the flight's reader is woken for it, too.
    assert all(on[name] <= 2.1 for name in layers)


@pytest.mark.parametrize("name", ["rate_limit", "hedge", "breaker", "concurrency_limit", "adaptive_limit", "load_shedding"])
def test_a_feature_with_nothing_to_do_runs_once_a_call(name):
    """However many words there are."""
    path = f"features/{name}.py:"
    few, many = called("all", 20), called("all", 120)

    assert sum(count for function, count in few.items() if function.startswith(path)) >= 1
    assert {k: v for k, v in few.items() if k.startswith(path)} == {k: v for k, v in many.items() if k.startswith(path)}
