"""Our stores under LangChain's own cache interface, for a model outside this app: `model.cache = LangChainCache(...)`."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import orjson
from langchain_core.caches import BaseCache
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, Generation

from reference_app.call import Account, Call, finish_in
from reference_app.features.cache import COMPLETE, digest_of, packed
from reference_app.features.cache_store import Store
from reference_app.features.outage import Cooldown, Tolerant
from reference_app.provider import sent


class LangChainCache(BaseCache):
    """For one model, whose name, URL and parameters are part of each key: LangChain's own for ChatOllama holds none of them.

    Only complete answers in words are stored, and an outage of the store is a miss. LangChain asks it for `ainvoke` alone:
    `astream` passes it by, and for a synchronous call it is empty.
    """

    def __init__(self, store: Store, model: BaseChatModel, timeout_s: float = 0.3, cooldown_s: float = 1.0) -> None:
        self.store = store
        self._model = digest_of(sent(Call(Account(0.0), model, [HumanMessage("")])))
        self._tolerant = Tolerant("cache_outage", timeout_s, Cooldown(cooldown_s))

    def _key(self, prompt: str, llm_string: str) -> str:
        return digest_of(["langchain", self._model, prompt, llm_string]) or ""

    async def alookup(self, prompt: str, llm_string: str) -> list[Generation] | None:
        known = await self._tolerant(partial(self.store.get, self._key(prompt, llm_string)), _nobody())
        if known is None:
            return None
        kept = orjson.loads(known)
        info = kept["info"]
        message = AIMessage(kept["text"], response_metadata=info)
        return [ChatGeneration(message=message, generation_info=info)]

    async def aupdate(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        one = return_val[0] if len(return_val) == 1 else None
        if isinstance(one, ChatGeneration) and _is_complete(one):
            value = packed(one.text, _info_of(one))
            await self._tolerant(partial(self.store.put, self._key(prompt, llm_string), value), _nobody())

    async def aclear(self, **_: Any) -> None:
        await self.store.clear()

    def lookup(self, prompt: str, llm_string: str) -> list[Generation] | None:
        """The stores are asynchronous: always a miss."""

    def update(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        """Stores nothing."""

    def clear(self, **_: Any) -> None:
        raise NotImplementedError("LangChainCache is async only: use aclear")


def _nobody() -> Account:
    return Account(asyncio.get_running_loop().time())


def _info_of(one: ChatGeneration) -> dict[str, Any]:
    return {**(one.generation_info or {}), **one.message.response_metadata}


def _is_complete(one: ChatGeneration) -> bool:
    message, info = one.message, _info_of(one)
    only_words = bool(one.text) and not any(message.additional_kwargs.values()) and not getattr(message, "tool_calls", None)
    return only_words and finish_in(info) in COMPLETE
