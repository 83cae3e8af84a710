"""The questions of a workload by their keys, and how one is found again in what an app made of it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from records.bad_input import BadInput

FIELDS = ("system", "prompt", "input", "contents", "messages")
"""Where the known APIs hold the texts that a model reads, in the order of reading."""
WITHIN = ("content", "parts", "text")
"""And where a message of theirs does."""
DEEPEST = 8
"""Lists in lists beyond this are no messages."""


class Prompts:
    """Known questions; a prompt that holds one of them is about it, whatever else it holds."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = dict(texts)
        self._longest_first = sorted(
            ((_plain(text), key) for key, text in texts.items()), key=lambda one: (-len(one[0]), one[1])
        )

    def key_in(self, texts: Sequence[str]) -> str:
        """The key of the longest question that is contained in the last text that contains any; empty where none does."""
        for text in reversed(texts):
            read = _plain(text)
            for known, key in self._longest_first:
                if known in read:
                    return key
        return ""

    def question_in(self, texts: Sequence[str]) -> str | None:
        """That question itself."""
        return self._texts.get(self.key_in(texts))


def _plain(text: str) -> str:
    # A template may break lines elsewhere.
    return " ".join(text.split())


def texts_of(asked: object) -> list[str]:
    """What the model is to read, message by message, of the body of a call that was read as JSON."""
    if not isinstance(asked, dict):
        return []
    return [text for name in FIELDS for text in _texts(asked.get(name), DEEPEST)]


def _texts(value: object, deeper: int) -> list[str]:
    if isinstance(value, str):
        return [value]
    if not deeper:
        return []
    if isinstance(value, list):
        return [text for one in value for text in _texts(one, deeper - 1)]
    if isinstance(value, dict):
        return [text for name in WITHIN for text in _texts(value.get(name), deeper - 1)]
    return []


def read_prompts(path: str | Path) -> Prompts:
    """Those of a prompts.json."""
    try:
        told = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not readable as JSON: {error}") from None
    if not isinstance(told, dict) or not all(_is_question(text) for text in told.values()):
        raise BadInput(f"{path}: must be a table of questions by their keys, none of them empty")
    return Prompts(told)


def _is_question(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
