"""semantic_cache: it measures before it serves, and never serves across models, parameters, histories or users."""

import asyncio

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from reference_app import features
from reference_app.call import Account, current_account
from reference_app.features import guards
from reference_app.features.semantic_cache import upper_share
from reference_app.features.semantic_index import Entry, Index, unit
from reference_app.means import Means
from reference_app.model import ResilientChatModel
from reference_app.provider import make_provider
from reference_app.settings import Settings
from reference_app.transport import ProviderTransport, make_transport
from tests.reference_app.features.test_guards import APART

SERVE = {"semantic_cache": "serve", "semantic_min_candidates": 5, "semantic_max_false_share": 0.5, "semantic_audit_share": 0}


async def same(texts):
    """To it all is the same: what is kept apart is so by something else."""
    return [[1.0, 0.0] for _ in texts]


class Chat:
    """The model with the feature, and what it logs."""

    def __init__(self, provider, embed=same, **settings):
        self.settings = Settings(**{**provider.settings, "features": "semantic_cache", **SERVE, **settings})
        self.carrier = ProviderTransport(make_transport())
        self.means = Means(self.settings, make_provider(self.settings, self.carrier), embed)
        self.model = ResilientChatModel(provider=self.means.provider, features=features.build(self.means))
        self.feature = self.model.features["semantic_cache"]
        self.events = []

    async def ask(self, *messages, user="", **params):
        account = Account(asyncio.get_running_loop().time(), user=user, log=lambda name, **fields: self.events.append(name))
        current_account.set(account)
        said = [HumanMessage(one) if isinstance(one, str) else one for one in messages]
        answer = await self.model.ainvoke(said, **{"temperature": 0.0, **params})
        while self.feature._learning:
            await asyncio.sleep(0)
        return account.served_by, answer.text

    async def learn(self, count=7):
        """Ways to ask that have the same answer, as many as allow to serve."""
        for number in range(count):
            await self.ask(f"n=2 please{'e' * number}")

    async def aclose(self):
        await self.model.aclose()
        await self.means.aclose()
        await self.carrier.aclose()


def run(chat, work):
    async def whole():
        try:
            return await work(chat)
        finally:
            await chat.aclose()

    return asyncio.run(whole())


def test_it_serves_what_has_been_measured(provider):
    """The win: another way to ask, no call."""

    async def work(chat):
        before = [await chat.ask("n=2 please"), await chat.ask("n=2 pleasee")]
        await chat.learn()
        calls = len(provider.seen)
        after = await chat.ask("n=2 another way to ask")
        return before, after, len(provider.seen) - calls, chat

    before, after, calls, chat = run(Chat(provider), work)
    assert [served for served, _ in before] == ["model", "model"]
    assert after == ("semantic cache", "w0 w1") and calls == 0
    assert chat.events.count("semantic_serves") == 1 and chat.feature.counters()["hits"] >= 1


def test_in_shadow_it_measures_and_never_serves(provider):
    """Where it costs: an embedding a question, and no answer from it."""

    async def work(chat):
        await chat.learn()
        return (await chat.ask("n=2 another way to ask"))[0], chat.feature.counters()

    served, counted = run(Chat(provider, semantic_cache="shadow"), work)
    assert served == "model" and counted["candidates"] == 7 and counted["false_candidates"] == 0


def test_wrong_hits_keep_it_in_shadow(provider, monkeypatch):
    """Without guards, and to this embedding, all questions are the same; their answers are not."""
    monkeypatch.setattr(guards, "may_share", lambda one, other: True)

    async def work(chat):
        for number in range(12):
            await chat.ask(f"n={2 + number % 2} please{'e' * number}")
        return (await chat.ask("n=2 another way to ask"))[0], chat.feature.counters()

    served, counted = run(Chat(provider), work)
    assert served == "model" and counted["false_candidates"] >= 5 and counted["hits"] == counted["serves_now"] == 0


def test_what_was_measured_survives_a_restart(provider, tmp_path):
    store = {"cache": f"sqlite:{tmp_path / 'cache.db'}"}

    async def learn(chat):
        await chat.learn()

    async def again(chat):
        return [(await chat.ask(question))[0] for question in ("n=2 please", "n=2 pleasee")]

    run(Chat(provider, **store), learn)
    assert run(Chat(provider, **store), again) == ["model", "semantic cache"]


def test_what_the_guards_keep_apart_is_not_served(provider):
    async def work(chat):
        chat.feature.serves = True
        # Each pair by itself: as if a user of its own had asked both.
        return [(await chat.ask(question, user=str(pair)))[0] for pair, both in enumerate(APART) for question in both]

    assert run(Chat(provider), work) == ["model"] * 2 * len(APART)


def test_nothing_is_served_across_namespaces(provider):
    async def work(chat):
        chat.feature.serves = True
        await chat.ask("n=2 a way", user="anna")
        return [
            await chat.ask("n=2 another", user="bert"),
            await chat.ask("n=2 another"),
            await chat.ask("n=2 another", user="anna", max_tokens=5),
            await chat.ask("n=2 another", user="anna", seed=5),
            await chat.ask(SystemMessage("Be brief."), "n=2 another", user="anna"),
            await chat.ask("n=2", AIMessage("w0 w1"), "n=2 another", user="anna"),
            await chat.ask("n=2 another", user="anna", temperature=0.7),
            await chat.ask("n=2 another", user="anna"),
        ]

    assert [served for served, _ in run(Chat(provider), work)] == ["model"] * 7 + ["semantic cache"]


def test_a_provider_without_embeddings_costs_no_answer(provider):
    """And is not asked again for every question."""
    asked = []

    async def broken(texts):
        asked.append(texts)
        raise ValueError("no such model")

    async def work(chat):
        return [(await chat.ask(f"n=2 {word}"))[0] for word in ("a", "b", "c")], chat.events

    served, events = run(Chat(provider, broken), work)
    assert served == ["model"] * 3 and len(asked) == 1 and events.count("semantic_outage") == 1


def test_half_an_answer_is_not_learned(provider):
    async def work(chat):
        await chat.ask("n=5 cut=3 how=clean")
        return chat.feature.index._entries

    assert run(Chat(provider), work) == []


def test_the_bound_of_a_share():
    assert upper_share(0, 0) == 1.0 and upper_share(0, 381) < 0.01 < upper_share(0, 379)
    assert upper_share(3, 100) > 0.08


def test_the_index_keeps_the_newest():
    index = Index(2)
    for number in range(3):
        index.add(unit([1.0, number]), Entry("a", str(number), b"", "", 10.0))

    assert [entry.question for entry in index.near(unit([1.0, 1.0]), "a", 0.1, 0.0)] == ["1", "2"]
    assert not list(index.near(unit([1.0, 1.0]), "b", 0.1, 0.0)) and not list(index.near(unit([1.0, 1.0]), "a", 0.1, 10.0))


@pytest.mark.parametrize("bad", [[0.0, 0.0], [float("nan")], [[1.0]], []])
def test_what_is_no_vector_is_told(bad):
    with pytest.raises(ValueError, match="embedding"):
        unit(bad)
