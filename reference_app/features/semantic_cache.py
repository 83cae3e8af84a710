"""semantic_cache: a question that means the same gets the same answer, once it is measured how seldom that is wrong."""

import asyncio
from collections.abc import Coroutine
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from langchain_core.messages import HumanMessage
from numpy.typing import NDArray

from reference_app.backoff import full_jitter
from reference_app.call import Account, Call, Chunks, Next
from reference_app.features import guards
from reference_app.features.cache import Answer, digest_of, is_own, served
from reference_app.features.outage import Cooldown, Tolerant
from reference_app.features.semantic_index import Entry, Index, unit
from reference_app.provider import sent

if TYPE_CHECKING:
    from reference_app.means import Means

Vector = NDArray[np.float32]
MOST_LEARNING = 100
"""Answers that wait for the embedding of their question; beyond that, they are not learned from."""


class SemanticCache:
    """Only for temperature 0. In shadow it compares what it would have said with what the model did say, and says nothing."""

    def __init__(self, means: "Means") -> None:
        settings = self.settings = means.settings
        self.embed, self.store = means.embed, means.answers
        self.index = Index(settings.semantic_max_entries)
        self.embedding = Tolerant("semantic_outage", settings.semantic_timeout_s, Cooldown(settings.semantic_cooldown_s))
        self.counting = Tolerant("semantic_outage", settings.cache_timeout_s, Cooldown(settings.cache_cooldown_s))
        self.hits = self.misses = self.candidates = self.false = 0
        self.serves: bool | None = None
        self._learning: set[asyncio.Task[None]] = set()

    def counters(self) -> dict[str, float]:
        told = {"hits": self.hits, "misses": self.misses, "candidates": self.candidates, "false_candidates": self.false}
        return {**told, "outages": self.embedding.outages, "serves_now": float(bool(self.serves))}

    def __call__(self, call: Call, next: Next) -> Chunks:
        namespace = _namespace_of(call, self.settings.semantic_shared) if self.embed and _is_sure(call) else None
        return next(call) if namespace is None else self._answer(namespace, call, next)

    async def _answer(self, namespace: str, call: Call, next: Next) -> Chunks:
        account, question, vector = call.account, str(call.messages[-1].content), None
        if self.settings.semantic_cache == "serve" and await self._may_serve(call):
            vector = await self.embedding(partial(self._vector_of, question), account)
            known = self._nearest(namespace, question, vector)
            # Some are asked all the same, so that the share is known tomorrow, too.
            if known and full_jitter(account.request_id, 0, 1.0, 1.0) >= self.settings.semantic_audit_share:
                self.hits += 1
                yield served(known.answer, account, "semantic cache")
                return
        self.misses += 1
        answer = Answer()
        async with aclosing(next(call)) as chunks:
            async for chunk in chunks:
                answer.note(chunk)
                yield chunk
        if answer.is_complete and is_own(account) and len(self._learning) < MOST_LEARNING:
            self._in_background(self._learn(namespace, question, vector, answer, call))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        # Nobody waits for it: not the user, whose answer is complete.
        task = asyncio.create_task(work)
        self._learning.add(task)
        task.add_done_callback(self._learning.discard)

    async def _vector_of(self, question: str) -> Vector:
        assert self.embed is not None
        return unit((await self.embed([question]))[0])

    def _nearest(self, namespace: str, question: str, vector: Vector | None) -> Entry | None:
        if vector is None:
            return None
        now_s = asyncio.get_running_loop().time()
        near = self.index.near(vector, namespace, self.settings.semantic_min_similarity, now_s)
        return next((entry for entry in near if guards.may_share(entry.question, question)), None)

    async def _learn(self, namespace: str, question: str, vector: Vector | None, answer: Answer, call: Call) -> None:
        if vector is None:
            vector = await self.embedding(partial(self._vector_of, question), call.account)
        if vector is None:
            return
        known = self._nearest(namespace, question, vector)
        # The same words tell nothing of how much a similarity is worth.
        if known and guards.plain(known.question) != guards.plain(question):
            await self._measure(known, answer, call)
        until_s = asyncio.get_running_loop().time() + self.settings.cache_ttl_s
        self.index.add(vector, Entry(namespace, question, answer.packed(), answer.text, until_s))

    async def _measure(self, known: Entry, answer: Answer, call: Call) -> None:
        """Whether the model said the same, word for word: whoever says it in other words counts as wrong."""
        false, account = guards.plain(known.text) != guards.plain(answer.text), call.account
        self.candidates += 1
        self.false += false
        account.log("semantic_candidate", request_id=account.request_id, false=false)
        await self.counting(partial(self._count, call, 1, int(false)), account)

    async def _may_serve(self, call: Call) -> bool:
        if self.serves is None:
            await self.counting(partial(self._count, call, 0, 0), call.account)
        return bool(self.serves)

    async def _count(self, call: Call, candidates: int, false: int) -> None:
        """Adds to what all processes, and those before them, have counted for this model with these numbers."""
        settings = self.settings
        name = digest_of([call.model_name, settings.embedding_model, settings.semantic_min_similarity, guards.VERSION])
        # Written before and read after the candidates: whoever counts in between is never seen without its wrong one.
        await self.store.count(f"semantic:{name}:false", false)
        among = await self.store.count(f"semantic:{name}:candidates", candidates)
        wrong = await self.store.count(f"semantic:{name}:false")
        self._decide(wrong, among, call.account)

    def _decide(self, wrong: int, among: int, account: Account) -> None:
        bound, settings = upper_share(wrong, among), self.settings
        serves = among >= settings.semantic_min_candidates and bound <= settings.semantic_max_false_share
        if settings.semantic_cache == "serve" and serves is not self.serves:
            event = "semantic_serves" if serves else "semantic_stays_in_shadow"
            account.log(event, request_id=account.request_id, candidates=among, false=wrong, false_share_at_most=bound)
        self.serves = settings.semantic_cache == "serve" and serves

    async def aclose(self) -> None:
        for task in self._learning:
            task.cancel()
        await asyncio.gather(*self._learning, return_exceptions=True)


def upper_share(wrong: int, among: int, z: float = 1.96) -> float:
    """The upper end of Wilson's interval: with 97.5 % certainty the share is no larger.

    >>> round(upper_share(0, 380), 4)
    0.01
    """
    if not among:
        return 1.0
    share, spread = wrong / among, z * z / among
    root = (share * (1 - share) / among + spread / (4 * among)) ** 0.5
    return float((share + spread / 2 + z * root) / (1 + spread))


def _is_sure(call: Call) -> bool:
    """Whether it has one answer: temperature 0, and a question in words."""
    last, temperature = call.messages[-1], call.params.get("temperature", getattr(call.model, "temperature", None))
    return temperature == 0 and isinstance(last, HumanMessage) and isinstance(last.content, str)


def _namespace_of(call: Call, shared: bool) -> str | None:
    """All that reaches the provider but the question's words: model, parameters, system prompt, the turns before; and who."""
    without = replace(call, messages=[*call.messages[:-1], HumanMessage("")])
    return digest_of([sent(without), "" if shared else call.account.user])
