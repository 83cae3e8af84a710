"""What of the articles' code cannot start with today's LangChain, and what stands here instead. A test shows each error."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Repair:
    """One place, by its number in the code: what was there, the error it raises, and what is there now."""

    number: int
    where: str
    was: str
    error: str
    """Its type, and words of it."""
    now: str


REPAIRS = (
    Repair(
        1,
        "answers.py",
        "caches and set_llm_cache are imported from langchain.cache and langchain.globals",
        "ModuleNotFoundError: No module named 'langchain",
        "langchain_community.cache and langchain_core.globals",
    ),
    Repair(
        2,
        "cached.py",
        "InMemoryCache is used like a dictionary: key in cache, cache[key] = answer",
        "TypeError: argument of type 'InMemoryCache' is not iterable",
        "its lookup and update, with the same key",
    ),
    Repair(
        3,
        "retrying.py",
        "the retrying client keeps its HTTP client as self.client",
        'ValueError: "RetryingOllama" object has no field "client"',
        "a private attribute of pydantic's",
    ),
    Repair(
        4,
        "streamed.py",
        "except httpx.ReadError, without import httpx: the first broken stream ends in another error",
        "NameError: name 'httpx' is not defined",
        "the import; the except clause as it was",
    ),
    Repair(
        5,
        "answers.py",
        "with_retry(wait_exponential_multiplier=1)",
        "TypeError: Runnable.with_retry() got an unexpected keyword argument 'wait_exponential_multiplier'",
        "with_retry(wait_exponential_jitter=True)",
    ),
)
"""In the order of their numbers."""
