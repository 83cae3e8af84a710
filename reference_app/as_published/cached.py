"""The articles' cache wrapper: a key of the question and all parameters, by json and md5, before LangChain's InMemoryCache."""

import json
import warnings
from hashlib import md5
from typing import Any

from langchain_core.outputs import Generation
from langchain_core.runnables import Runnable

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    # Repair 1: it was in langchain.cache.
    from langchain_community.cache import InMemoryCache


def key_of(prompt: str, params: dict[str, Any]) -> str:
    """The same for the same question with the same parameters, in whatever order they come."""
    return md5(json.dumps({"prompt": prompt, **params}, sort_keys=True).encode()).hexdigest()


class CachedCalls:
    """invoke(), asked once. No bound, no time to live, shared with nobody; equal questions at once all go through."""

    def __init__(self, llm: Runnable[Any, str]) -> None:
        self.llm, self.cache = llm, InMemoryCache()
        self.hits = 0

    def invoke(self, prompt: str, **params: Any) -> str:
        key = key_of(prompt, params)
        # Repair 2: a cache of LangChain's is asked by lookup and told by update.
        if found := self.cache.lookup(key, ""):
            self.hits += 1
            return found[0].text
        answer = self.llm.invoke(prompt, **params)
        self.cache.update(key, "", [Generation(text=answer)])
        return answer
