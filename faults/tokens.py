"""How many tokens a call asks for, as a provider estimates it before it has counted."""

from collections.abc import Iterator
from math import ceil
from typing import Any

import orjson

PROMPT = ("messages", "prompt", "input", "system", "tools")
MOST = ("max_completion_tokens", "max_tokens", "max_output_tokens")


def estimated_tokens(body: bytes) -> int:
    """The larger of max_tokens and a quarter of the prompt's characters; at least 1.

    "Your rate limit is calculated as the maximum of max_tokens and the estimated number of tokens based on the character
    count of your request" (platform.openai.com/docs/guides/rate-limits); four characters a token is OpenAI's rule of thumb.
    """
    try:
        said = orjson.loads(body)
    except ValueError:
        return 1
    if not isinstance(said, dict):
        return 1
    options = said.get("options")
    most = [said.get(name) for name in MOST] + [options.get("num_predict") if isinstance(options, dict) else None]
    characters = sum(len(text) for text in _texts([said.get(name) for name in PROMPT]))
    return max(1, ceil(characters / 4), *(count for count in most if isinstance(count, int)))


def _texts(value: Any) -> Iterator[str]:
    """All texts inside; without recursion, apps nest as they like."""
    todo = [value]
    while todo:
        value = todo.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list):
            todo += value.values() if isinstance(value, dict) else value
