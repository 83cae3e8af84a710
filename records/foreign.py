"""Whose a call is, where the app does not pass its user's request id on: joined by the prompt's content, and by time.

A call with an unknown id belongs to a request that asked the prompt the call holds, and was under way when the call began.
Where several were, to the one that was sent first and has no call yet: apps ask in the order in which they are asked (of 446
calls of an app that said whose they were, 445 so; 427 where the one that was sent last came first). Where all of them have a
call, this is taken for a retry: of the request whose last call had ended, by preference with the same body, and most recently.
"""

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, Literal

from records.rows import BODY_KEYED, PROBES

Row = dict[str, Any]
How = Literal["id", "prompt", "uncertain"]
"""By the request id; by the prompt, when only one request can be meant; by the prompt, when several could."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The request that a call belongs to."""

    request_id: str
    attempt: int
    """As told where joined by id; else counted from 1 within the request, in the order of beginning."""
    how: How


@dataclass(frozen=True)
class Joins:
    """How many calls were joined in which way; probes, which only look whether the provider is there, are left out."""

    by_id: int = 0
    by_prompt: int = 0
    """Of these, only one request could be meant."""
    uncertain: int = 0
    nobodys: int = 0

    def __add__(self, other: "Joins") -> "Joins":
        return Joins(
            self.by_id + other.by_id,
            self.by_prompt + other.by_prompt,
            self.uncertain + other.uncertain,
            self.nobodys + other.nobodys,
        )


NO_JOINS = Joins()


@dataclass(frozen=True)
class Adopted:
    """Rows that bear the id and attempt of the request they belong to; nobody's are as they were."""

    calls: list[Row]
    model: list[Row]
    how: dict[str, How]
    """Of each request that has a call: its least certain join."""
    joins: Joins


def adopt(requests: Sequence[Row], calls: list[Row], model: list[Row]) -> Adopted:
    """The rows of one arm and pair, joined; where every id is known, as with the reference app, they are the same lists."""
    owned = owners(requests, calls)
    if any(owner and owner.how != "id" for owner in owned):
        model = _with_calls(model, calls, owned)
        calls = [_given(call, owner) for call, owner in zip(calls, owned, strict=True)]
    return Adopted(calls, model, _weakest(owned), _counted(owned, calls))


def _given(row: Row, owner: Owner | None) -> Row:
    return {**row, "request_id": owner.request_id, "attempt": owner.attempt} if owner else row


def _with_calls(model: Iterable[Row], calls: Sequence[Row], owned: Iterable[Owner | None]) -> list[Row]:
    """Each generation with the owner of the call that asked for it: of that id and attempt, the last that had begun by then."""
    began: dict[tuple[str, int], list[tuple[float, int]]] = defaultdict(list)
    for at, call in enumerate(calls):
        began[call["request_id"], call["attempt"]].append((call["started_s"], at))
    for one in began.values():
        one.sort()
    of, found = list(owned), []
    for row in model:
        asked = began.get((row["request_id"], row["attempt"]), [])
        # An SDK tells its own retries, so that many calls of one body may all be its first attempt.
        began_s = row.get("started_s")
        place = bisect(asked, (inf if began_s is None else began_s, len(of))) - 1
        found.append(_given(row, of[asked[max(place, 0)][1]]) if asked else row)
    return found


def _weakest(owned: Iterable[Owner | None]) -> dict[str, How]:
    how: dict[str, How] = {}
    for owner in owned:
        if owner and how.get(owner.request_id) != "uncertain" and owner.how != "id":
            how[owner.request_id] = owner.how
        elif owner:
            how.setdefault(owner.request_id, "id")
    return how


def _counted(owned: Iterable[Owner | None], calls: Iterable[Row]) -> Joins:
    counts: dict[str, int] = defaultdict(int)
    for owner, call in zip(owned, calls, strict=True):
        if owner or call.get("path") not in PROBES:
            counts[owner.how if owner else ""] += 1
    return Joins(counts["id"], counts["prompt"], counts["uncertain"], counts[""])


def owners(requests: Sequence[Row], calls: Sequence[Row]) -> list[Owner | None]:
    """Whose each call is, in the order of `calls`; None: nobody's."""
    ids = {row["request_id"] for row in requests}
    owned = [Owner(call["request_id"], call["attempt"], "id") if call["request_id"] in ids else None for call in calls]
    if any(owner is None and call.get("prompt_key") for owner, call in zip(owned, calls, strict=True)):
        waiting = _Waiting(requests)
        for at in sorted(range(len(calls)), key=lambda at: (calls[at]["started_s"], at)):
            owned[at] = waiting.take(calls[at], owned[at])
    return owned


@dataclass(slots=True, eq=False)
class _Asked:
    """A request, and the calls it has so far."""

    request_id: str
    sent_s: float
    finished_s: float
    attempts: int = 0
    ended_s: float = 0.0
    """When the last of its calls ended."""
    ids: set[str] = field(default_factory=set)
    """Under which its calls went."""


class _Waiting:
    """The requests of an arm, while its calls come in the order of their beginning."""

    def __init__(self, requests: Iterable[Row]) -> None:
        self._coming: dict[str, list[_Asked]] = defaultdict(list)
        self._by_id: dict[str, _Asked] = {}
        for row in sorted(requests, key=lambda row: (row["sent_s"], row["request_id"]), reverse=True):
            self._by_id[row["request_id"]] = one = _Asked(row["request_id"], row["sent_s"], row["finished_s"])
            self._coming[row.get("prompt_key") or ""].append(one)
        self._under_way: dict[str, list[_Asked]] = defaultdict(list)
        self._told: dict[str, tuple[_Asked, How]] = {}
        """By an id of the app's own, the request that its first call went to."""

    def take(self, call: Row, known: Owner | None) -> Owner | None:
        """The owner of the next call."""
        if known:
            self._note(self._by_id[known.request_id], call, known.attempt)
            return known
        found = self._find(call)
        if found is None:
            return None
        asked, how = found
        self._note(asked, call, asked.attempts + 1)
        return Owner(asked.request_id, asked.attempts, how)

    def _find(self, call: Row) -> tuple[_Asked, How] | None:
        if call["request_id"] in self._told:
            return self._told[call["request_id"]]
        could = self._candidates(call.get("prompt_key") or "", call["started_s"])
        if not could:
            return None
        found: tuple[_Asked, How] = _likeliest(could, call), "uncertain" if len(could) > 1 else "prompt"
        if not call["request_id"].startswith(BODY_KEYED):
            self._told[call["request_id"]] = found
        return found

    def _candidates(self, prompt_key: str, at_s: float) -> list[_Asked]:
        """Who asked that prompt and was under way."""
        coming, under_way = self._coming.get(prompt_key, []), self._under_way[prompt_key]
        while coming and coming[-1].sent_s <= at_s:
            under_way.append(coming.pop())
        # Calls come in the order of their beginning: who has ended by now is meant by none of the later ones.
        under_way[:] = [one for one in under_way if one.finished_s >= at_s]
        return under_way

    @staticmethod
    def _note(asked: _Asked, call: Row, attempt: int) -> None:
        asked.attempts = max(asked.attempts, attempt)
        asked.ended_s = max(asked.ended_s, call.get("finished_s") or call["started_s"])
        asked.ids.add(call["request_id"])


def _likeliest(could: Sequence[_Asked], call: Row) -> _Asked:
    fresh = [one for one in could if not one.attempts]
    if fresh:
        return min(fresh, key=lambda one: (one.sent_s, one.request_id))
    free = [one for one in could if one.ended_s <= call["started_s"]] or could
    same = [one for one in free if call["request_id"] in one.ids] or free
    return max(same, key=lambda one: (one.ended_s, one.sent_s, one.request_id))
