"""The ledger as the page's script reads it: JSON in few bytes, that no text from outside can break out of."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from reports.ledger import Waterfall

TICKS = 300
"""More tokens than this are thinned: there is no room to draw them one by one."""
SILENCE_S = 0.25
"""A shorter gap between tokens is none to speak of."""
COLUMNS = (
    "arm", "id", "listed", "task", "prompt_key", "outcome", "saw", "served_by", "proof", "error", "fine", "sent", "first",
    "finished", "tokens", "ticks", "silence", "spent", "wasted", "mechanisms", "tries", "struck",
)  # fmt: skip
WORDED = ("arm", "listed", "task", "prompt_key", "outcome", "saw", "served_by", "proof", "error")
"""Columns that hold the number of a word."""
FINE = frozenset({"right in time", "right but degraded", "rejected"})


class Words:
    """Each text once; the rest of the data names it by its number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))

    @property
    def all(self) -> list[str]:
        return list(self._numbers)


def ledger_data(
    requests: Sequence[Waterfall],
    listed: Sequence[str],
    mechanisms: Sequence[Sequence[str]],
    arms: Sequence[tuple[str, int]],
    deadline_s: float,
) -> str:
    """`arms`: name and colour; the three before them go together, request by request. Times: whole ms since it was due."""
    words = Words()
    told = [_request(*one, words) for one in zip(requests, listed, mechanisms, strict=True)]
    data = {
        "arms": [name for name, _ in arms],
        "colours": [colour for _, colour in arms],
        "deadline": _ms(deadline_s),
        "silence": _ms(SILENCE_S),
        "columns": COLUMNS,
        "worded": WORDED,
        "requests": told,
        "words": words.all,
    }
    return in_a_page(orjson.dumps(data).decode())


def in_a_page(json: str) -> str:
    """The same JSON, without a character that a page could take for markup."""
    return (
        json.replace("&", "\\u0026")
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )


def _request(one: Waterfall, listed: str, mechanisms: Sequence[str], words: Words) -> list[Any]:
    told = {name: words(getattr(one, name)) for name in WORDED if name != "listed"} | {
        "listed": words(listed),
        "id": one.request_id,
        "fine": int(one.saw in FINE),
        "sent": _ms(one.sent_s),
        "first": _ms(one.first_token_s),
        "finished": _ms(one.finished_s),
        "tokens": len(one.tokens_s),
        "ticks": ticks(one),
        "silence": silence(one),
        "spent": _whole(one.tokens_spent),
        "wasted": _whole(one.tokens_wasted),
        "mechanisms": [words(name) for name in mechanisms],
        "tries": [_try(of, words) for of in one.tries],
        "struck": [[words(of.fault), words(of.kind), of.attempt, _ms(of.at_s), of.message] for of in one.struck],
    }
    return [told[name] for name in COLUMNS]


def _try(of: Any, words: Words) -> list[Any]:
    times = [_ms(of.started_s), _ms(of.first_token_s), _ms(of.finished_s)]
    return [
        of.attempt,
        words(of.reason),
        words(of.model),
        *times,
        of.status,
        words(of.outcome),
        _whole(of.tokens_in),
        _whole(of.tokens_out),
    ]


def ticks(one: Waterfall) -> list[int]:
    """When tokens came, each in ms after the one before; where they are many, one for each place there is room for."""
    if not one.tokens_s:
        return []
    ms = np.array(one.tokens_s) * 1000
    step = max(1.0, ms[-1] / TICKS) if len(ms) > TICKS else 1.0
    return np.diff(np.unique(np.round(np.round(ms / step) * step)), prepend=0).astype(int).tolist()  # type: ignore[no-any-return]


def silence(one: Waterfall) -> list[int] | None:
    """When the longest silence between two tokens began, and how long it was; None where there is none to speak of."""
    gaps = np.diff(one.tokens_s)
    if not len(gaps) or gaps.max() < SILENCE_S:
        return None
    at = int(gaps.argmax())
    return [round(1000 * one.tokens_s[at]), round(1000 * float(gaps[at]))]


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(1000 * seconds)


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
