"""The features of recovery together: what a provider that is down gets to hear of its users."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from reference_app import features
from reference_app.call import Account, current_account
from reference_app.errors import is_known
from reference_app.features.hedge import Latency
from reference_app.means import Means
from reference_app.model import ResilientChatModel
from reference_app.settings import Settings

WORDS = 6
FAST = {"retry_base_s": 0.001, "recovery_base_s": 0.001, "blind_retry_base_s": 0.001}
ALL_OF_THEM = "stall_watchdog,stream_recovery,retry,blind_retry,hedge,breaker,fallback"


def calls_of(app, provider, question, requests=20):
    """How many calls were made for each of so many requests, ten at a time."""
    with ThreadPoolExecutor(10) as users:
        told = list(users.map(lambda number: app.ask(f"{question} asked by {number}"), range(requests)))
    return [len(provider.of(one.request_id)) for one in told], told


def test_a_budget_bounds_what_all_requests_call_again(app_with, provider):
    """Of 20 requests at once, 4 may call again. Without a bound for all, three calls are made for each."""
    calls = {}
    for share in (0.2, 1.0):
        app = app_with("stream_recovery,retry", retry_budget_share=share, retry_budget_per_s=share * 10 - 2, **FAST)
        made, told = calls_of(app, provider, "n=3 status=503")
        calls[share] = sum(made)
        assert {one.status for one in told} == {503}
        refused = [row for one in told for row in app.rows("retry_budget_spent", one.request_id)]
        assert bool(refused) is (share == 0.2)

    print(f"calls of 20 requests to a provider that answers 503 only, by the budget's share: {calls}")
    assert 20 <= calls[0.2] <= 24 and calls[1.0] == 60


def test_recoveries_come_out_of_the_same_budget(app_with, provider):
    app = app_with("stream_recovery,retry", retry_budget_per_s=0, recovery="restart", **FAST)
    made, _ = calls_of(app, provider, "n=6 cut=3 how=fin")

    assert 20 <= sum(made) <= 24


def test_a_budget_costs_requests_that_a_retry_would_have_cured(app_with, provider):
    """Each needs one retry; a fifth gets one."""
    app = app_with("retry", retry_budget_per_s=0, **FAST)
    _, told = calls_of(app, provider, "n=3 status=503 times=1")

    assert 1 <= sum(one.status == 200 for one in told) <= 4


@pytest.mark.parametrize("question", ["n=3 status=503", "n=6 cut=3 how=fin", "n=3 cut=0 how=clean", "n=3 how=drop"])
def test_features_that_all_call_again_do_not_multiply(app_with, provider, question):
    """3 retries x 3 blind ones x 4 recoveries x 2 models would be 72."""
    app = app_with(ALL_OF_THEM.replace(",breaker", ""), fallback_model="small", retry_budget_per_s=1000, **FAST)
    made, _ = calls_of(app, provider, question, requests=5)

    assert max(made) <= 8


def test_with_the_breaker_a_provider_that_is_down_hears_of_few(app_with, provider):
    app = app_with(ALL_OF_THEM, fallback_text="Later, please.", breaker_calls=5, breaker_open_s=60, **FAST)
    made, told = calls_of(app, provider, "n=3 status=503", requests=50)

    # Ten at a time are asked before the first failures are known.
    assert sum(made) <= 30
    assert {(one.status, one.text, one.end["degraded"]) for one in told} == {(200, "Later, please.", True)}


class Moody(BaseChatModel):
    """Does with each call what comes next in `moods`: says all, breaks off after so many words, refuses, or says nothing."""

    model: str = "llama3.1"
    moods: list[Any]
    calls: list[str]

    @property
    def _llm_type(self):
        return "moody"

    def _generate(self, *_args, **_kwargs):
        raise NotImplementedError

    async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
        # The copy of another name shares both lists.
        self.calls.append(self.model)
        mood = self.moods.pop(0) if self.moods else "all"
        if isinstance(mood, Exception):
            raise mood
        if mood == "nothing":
            await asyncio.sleep(10)
        for number in range(WORDS if mood == "all" else abs(mood)):
            yield ChatGenerationChunk(message=AIMessageChunk(content=f" {self.model}{number}"))
        if mood == "all":
            yield ChatGenerationChunk(message=AIMessageChunk(content=""), generation_info={"done_reason": "stop"})
        elif mood < 0:
            raise httpx.ReadError("cut")


def answer_of(model):
    return "".join(f" {model}{number}" for number in range(WORDS))


def answered(status):
    error = RuntimeError(f"answered {status}")
    error.status_code = status
    return error


SOON = {
    "retry_base_s": 1e-5,
    "recovery_base_s": 1e-5,
    "blind_retry_base_s": 1e-5,
    "retry_budget_per_s": 1000,
    "hedge_budget_share": 1.0,
    "hedge_least_s": 0.005,
    "first_token_s": 0.02,
    "stall_s": 0.02,
}
moods = st.lists(
    st.sampled_from(["all", "nothing"])
    | st.integers(1 - WORDS, WORDS - 1)
    | st.sampled_from([422, 429, 503]).map(answered)
    | st.just(httpx.ConnectError("refused")),
    max_size=9,
)


@settings(deadline=None, max_examples=30)
@given(moods=moods, mode=st.sampled_from(["restart", "continue", "whole"]), text=st.sampled_from(["", "Later, please."]))
def test_whatever_happens_the_answer_is_whole_or_an_error_is_told(moods, mode, text):
    """And never from two models, nor by more calls than one request may make."""

    async def run():
        provider = Moody(moods=list(moods), calls=[])
        chosen = {"features": ALL_OF_THEM, "recovery": mode, "fallback_model": "small", "fallback_text": text}
        built = features.build(Means(Settings(**chosen, **SOON), provider))
        for name in ("llama3.1", "small"):
            built["hedge"].latencies[name] = Latency(least=1, quantile=0.5)
            built["hedge"].latencies[name].add(0.001)
        model = ResilientChatModel(provider=provider, features=built)
        account = Account(asyncio.get_running_loop().time())
        current_account.set(account)
        said, failure = "", None
        try:
            async for chunk in model.astream("?"):
                said = "" if "reset" in chunk.additional_kwargs else said + chunk.text
        except Exception as error:
            failure = error
        assert len(asyncio.all_tasks()) == 1
        return provider, account, said, failure

    provider, account, said, failure = asyncio.run(run())
    assert len(provider.calls) <= account.max_attempts
    if failure is None:
        assert said in (answer_of("llama3.1"), answer_of("small"), text or answer_of("llama3.1"))
        assert account.degraded is (said != answer_of("llama3.1"))
    else:
        assert is_known(failure) and not account.degraded
