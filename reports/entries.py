"""The lines of the ledger: every request that met a fault, what was tried for it, what served it, and what its user saw."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from records.folder import MODEL
from records.rows import WRONG
from reports.arm import Arm
from reports.fields import Values
from reports.frames import NOWHERE

COLUMNS = (
    "pair", "task", "start_s", "faults", "kinds", "attempts", "reasons", "ends", "told", "joined", "mechanisms", "served_by",
    "saw", "outcome", "recovered", "rejected", "effective_s", "own_s", "tokens_spent", "tokens_wasted",
)  # fmt: skip
MODELS, ANOTHER, NO_CALL, NOTHING = "model", "another call", "no call (cache or default)", "nothing"
NONE, UNKNOWN = "none", "unknown"
MECHANISMS = (
    "retry", "recovery", "hedge", "other model", "cache", "semantic cache", "shared call", "stale cache", "default", NO_CALL,
    UNKNOWN, NONE,
)  # fmt: skip
"""In the order they are told; an app's own words come after them."""
CALLED_AGAIN = ("retry", "recovery", "hedge")
"""Of these, what served by a call of its own: where the app tells of its calls, their reasons are believed."""
SAME = {
    "fallback": "other model", "fallback_model": "other model", "fallback model": "other model", "other_model": "other model",
    "stale_cache": "stale cache", "semantic_cache": "semantic cache", "shared_call": "shared call",
}  # fmt: skip
"""Other words for the same."""
SAW = {
    "timeout": "timeout", "cut": "cut", "truncated": "truncated", "duplicated": "duplicated", "wrong": "wrong",
    "garbled": "garbled", "http_error": "error", "rejected": "rejected",
}  # fmt: skip
PROVEN = {"the answer to another question": "other question", "made with other parameters": "other parameters"}
"""How a proof's words begin, for a wrong answer."""
ANSWERED = frozenset({"ok", "degraded", "truncated"}) | WRONG
"""The user got something that ended as an answer does."""
JOINT = ", "


@dataclass(frozen=True)
class Entries:
    """The requests of one arm that met a fault."""

    lines: pd.DataFrame
    """One line a request; see `entries`."""
    kinds: pd.DataFrame
    """at (its place among the lines) and kind, once for each kind that struck it."""
    mechanisms: pd.DataFrame
    """at and mechanism, once for each that acted on it; see `tried_of`."""


def entries(arm: Arm) -> Entries:
    """One line a request that met a fault, by request id, in the order of the arm's rows.

    faults, kinds: in the order they first struck · attempts: calls that reached the proxy, else what the app tells · reasons,
    ends: why each attempt was made, and how it ended ("unknown" where nobody tells) · told: whether the app told of them ·
    joined: how its calls were found to be its own, by id, by prompt, or uncertain · mechanisms: see `tried_of` · served_by: see
    `served_by_of` · saw: see `saw_of` · tokens: NaN where no model tells. Several words of one request are joined by ", ".
    """
    places = np.flatnonzero(arm.rows["met"].to_numpy())
    rows, count = arm.rows.iloc[places], len(places)
    strikes, attempts = (with_places(table, places, len(arm.rows)) for table in (arm.strikes, arm.attempts))
    reasons, served = reasons_of(attempts), served_by_of(rows, attempts)
    tried = tried_of(attempts["at"].to_numpy(), reasons, served)
    lines = rows.assign(
        faults=_joined(strikes["at"], strikes["fault"], count, once=True),
        kinds=_joined(strikes["at"], strikes["kind"], count, once=True),
        reasons=_joined(attempts["at"], reasons, count),
        ends=_joined(attempts["at"], _ends(attempts), count),
        told=_count(attempts, attempts["told"], count) > 0,
        mechanisms=_joined(tried["at"], tried["mechanism"], count),
        served_by=served,
        saw=saw_of(rows, arm.deadline_s),
        rejected=rows["outcome"] == "rejected",
    )
    if MODEL not in arm.sources:
        lines = lines.assign(tokens_spent=np.nan, tokens_wasted=np.nan)
    kinds = strikes[["at", "kind"]].astype({"kind": object}).drop_duplicates()
    return Entries(lines[list(COLUMNS)], kinds, tried)


def with_places(table: pd.DataFrame, places: Values, count: int) -> pd.DataFrame:
    """What belongs to the requests in these places, in their order, then by attempt; `at` becomes the place among them."""
    number = np.full(count + 1, NOWHERE)
    number[places] = np.arange(len(places))
    at = number[table["at"].to_numpy()]
    mine = np.flatnonzero(at != NOWHERE)
    order = mine[np.lexsort((table["attempt"].to_numpy()[mine], at[mine]))]
    return table.iloc[order].assign(at=at[order])


def _joined(at: "pd.Series[Any]", words: "Values | pd.Series[Any]", count: int, once: bool = False) -> Values:
    """The words of each entry in one; `at` is in order."""
    ends = np.searchsorted(at.to_numpy(), np.arange(count), side="right").tolist()
    told = words.tolist()
    of = (told[begin:end] for begin, end in zip([0, *ends], ends, strict=False))
    return np.array([JOINT.join(dict.fromkeys(one) if once else one) for one in of], dtype=object)


def _count(attempts: pd.DataFrame, of: "pd.Series[Any]", count: int) -> Values:
    return np.bincount(attempts["at"].to_numpy()[of.to_numpy(dtype=bool)], minlength=count)


def reasons_of(attempts: pd.DataFrame) -> Values:
    """Why each attempt was made; the first needs no word of the app's."""
    at, told = attempts["at"].to_numpy(), _same(attempts["reason"].to_numpy(dtype=object))
    is_first = np.append(True, at[1:] != at[:-1])[: len(at)]
    return np.where(told != "", told, np.where(is_first, "first", UNKNOWN))


def _same(words: Values) -> Values:
    for other, word in SAME.items():
        words = np.where(words == other, word, words)
    return words


def _ends(attempts: pd.DataFrame) -> Values:
    """How each attempt ended: in the app's word, else by its status."""
    told = attempts["outcome"].to_numpy(dtype=object, copy=True)
    untold = np.flatnonzero(told == "")
    status = attempts["status"].to_numpy(dtype=float)[untold].tolist()
    told[untold] = [UNKNOWN if of != of else f"status {of:.0f}" if of else "no response" for of in status]
    return told


def served_by_of(rows: pd.DataFrame, attempts: pd.DataFrame) -> Values:
    """What made the answer that each user got: in the app's word where it has one.

    Else by the calls that could have: none, the only one, or one of several. "nothing" where there was no answer.
    """
    told = _same(rows["served_by"].astype(object).fillna("").to_numpy(dtype=object))
    calls = _count(attempts, attempts["called"] | attempts["told"], len(rows))
    able = _count(attempts, attempts["called"] & ~(attempts["call_status"] >= 400) & (attempts["call_status"] != 0), len(rows))
    answered = rows["outcome"].isin(ANSWERED).to_numpy()
    return np.select(
        [~answered, told != "", able == 0, calls == 1],
        [np.full(len(rows), NOTHING, dtype=object), told, np.full(len(rows), NO_CALL), np.full(len(rows), MODELS)],
        ANOTHER,
    )


def tried_of(at: Values, reasons: Values, served: Values) -> pd.DataFrame:
    """What acted on each entry: at, mechanism, each once, in the order of `MECHANISMS`. Whether it helped is another matter.

    That is: every reason of an attempt beyond "first", and whatever served without being one; what is unknown of the attempts
    the word for what served makes good.
    """
    beyond = reasons != "first"
    known = np.isin(np.arange(len(served)), at[beyond & (reasons != UNKNOWN)])
    by_a_call = np.isin(served, (MODELS, ANOTHER, NOTHING)) | (np.isin(served, CALLED_AGAIN) & known)
    instead = np.flatnonzero(~by_a_call)
    told = pd.DataFrame(
        {"at": np.concatenate([at[beyond], instead]), "mechanism": np.concatenate([reasons[beyond], served[instead]])}
    )
    told = told[(told["mechanism"] != UNKNOWN) | ~told["at"].isin(instead)]
    untouched = np.setdiff1d(np.arange(len(served)), told["at"].to_numpy())
    found = pd.concat([told, pd.DataFrame({"at": untouched, "mechanism": NONE})]).drop_duplicates()
    ranked = found["mechanism"].map(in_order(found["mechanism"].unique()))
    return found.iloc[np.lexsort((ranked.to_numpy(), found["at"].to_numpy()))]


def in_order(mechanisms: Iterable[str]) -> dict[str, int]:
    """Each mechanism's rank: ours as listed, then the app's own by name."""
    own = sorted(set(mechanisms) - set(MECHANISMS))
    return {name: rank for rank, name in enumerate((*MECHANISMS, *own))}


def saw_of(rows: pd.DataFrame, deadline_s: float) -> Values:
    """What each user saw: right in time, right but degraded, late (right, after the deadline), timeout (nothing whole by then),
    cut, truncated, duplicated, other question, other parameters, wrong, garbled, error, rejected."""
    outcome = rows["outcome"].astype(object)
    found = outcome.map(SAW).fillna("right in time").to_numpy(dtype=object)
    right = rows["right"].to_numpy()
    found[right & ((outcome == "degraded") | rows["degraded"]).to_numpy()] = "right but degraded"
    found[right & (rows["own_s"] > deadline_s).to_numpy()] = "late"
    wrong = np.flatnonzero(outcome == "wrong")
    found[wrong] = [_proven(told) for told in rows["proof"].to_numpy(dtype=object)[wrong]]
    return found


def _proven(proof: object) -> str:
    return next((word for begin, word in PROVEN.items() if str(proof).startswith(begin)), SAW["wrong"])
