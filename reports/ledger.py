"""The recovery ledger: what became of every request that met a fault, what served it in the end, and what that cost."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from records.folder import MODEL
from reports.arm import Arm
from reports.entries import Entries, entries, in_order
from reports.metrics import BY_NAME
from reports.recovery import wilson
from reports.unknowns import unknowns


@dataclass(frozen=True)
class Success:
    """How many of the requests that met a fault were recovered: of one kind of fault, by one mechanism, or of all."""

    kind: str
    """Of the fault; "" for all kinds."""
    mechanism: str
    """What was tried (see `reports.entries`), whether it helped or not; "" for all. A request counts under each that acted."""
    met: int
    """Requests that met such a fault and in which the mechanism acted."""
    rejected: int
    """Of these, rightly passed on: neither recovered nor failed."""
    recovered: int
    share: float | None
    """recovered / (met - rejected)"""
    low: float | None
    high: float | None
    """Wilson's 95 % interval of the share."""
    attempts_per_request: float | None
    """Amplification: attempts of these requests over their number."""
    tokens_wasted: float | None
    """Of these requests; None where no model tells."""


@dataclass(frozen=True)
class Ledger:
    """What became of the requests of one arm that met a fault."""

    entries: pd.DataFrame
    """One line a request that met a fault, by request id: see `reports.entries.entries`."""
    successes: tuple[Success, ...]
    """All kinds and mechanisms first, then each kind, each mechanism, each kind with each mechanism."""
    amplification: float | None
    """Attempts over requests, of all requests of the arm."""
    amplification_met: float | None
    """Of those that met a fault."""
    unknowns: tuple[str, ...]
    """What could not be known, as sentences."""

    @property
    def overall(self) -> Success:
        """Every request that met a fault."""
        return self.successes[0]

    @property
    def by_mechanism(self) -> tuple[Success, ...]:
        """One for each mechanism, over all kinds of faults."""
        return tuple(one for one in self.successes if one.mechanism and not one.kind)


def ledger(arm: Arm) -> Ledger:
    """All that became of the requests of an arm that met a fault."""
    found = entries(arm)
    return Ledger(
        found.lines,
        tuple(_successes(found, MODEL in arm.sources)),
        BY_NAME["attempts_per_request"].value(arm),
        float(found.lines["attempts"].mean()) if len(found.lines) else None,
        tuple(unknowns(arm, found.lines)),
    )


_COUNTED = ["recovered", "rejected", "attempts", "tokens_wasted"]


def _successes(found: Entries, tokens_known: bool) -> list[Success]:
    """Counted from one line for each kind that a request met, and for each mechanism that acted on it."""
    lines = found.lines[_COUNTED].reset_index(drop=True)
    by_kind = lines.join(found.kinds.set_index("at"), how="inner")
    by_mechanism, by_both = (one.join(found.mechanisms.set_index("at"), how="inner") for one in (lines, by_kind))
    every = lines.assign(kind="", mechanism=""), by_kind.assign(mechanism=""), by_mechanism.assign(kind=""), by_both
    counted = [one for table in every for one in _counted(table, tokens_known)]
    return counted or [Success("", "", 0, 0, 0, None, None, None, None, None)]


def _counted(table: pd.DataFrame, tokens_known: bool) -> Iterable[Success]:
    ranks = in_order(table["mechanism"].unique())
    groups = table.groupby(["kind", "mechanism"], sort=False)[_COUNTED]
    sums = groups.sum().assign(met=groups.size()).reset_index().to_dict("records")
    for of in sorted(sums, key=lambda of: (of["kind"], ranks[of["mechanism"]])):
        met, rejected, recovered = (int(of[name]) for name in ("met", "rejected", "recovered"))
        trials, wasted = met - rejected, float(of["tokens_wasted"]) if tokens_known else None
        share = recovered / trials if trials else None
        amplification = float(of["attempts"]) / met
        low, high = wilson(recovered, trials)
        yield Success(of["kind"], of["mechanism"], met, rejected, recovered, share, low, high, amplification, wasted)


@dataclass(frozen=True)
class Struck:
    """A fault in a waterfall; seconds count from the request's intended start."""

    fault: str
    kind: str
    attempt: int
    at_s: float | None
    message: int | None


@dataclass(frozen=True)
class Try:
    """An attempt in a waterfall; seconds count from the request's intended start, None where unknown."""

    attempt: int
    reason: str
    model: str
    started_s: float | None
    first_token_s: float | None
    finished_s: float | None
    status: int | None
    outcome: str
    tokens_in: float | None
    tokens_out: float | None


@dataclass(frozen=True)
class Waterfall:
    """All that is known of one request, on one time axis from its intended start."""

    arm: str
    pair: int
    request_id: str
    task: str
    prompt_key: str
    outcome: str
    saw: str
    served_by: str
    proof: str
    """What the answer's proof says in words; "" without one."""
    error: str
    sent_s: float
    first_token_s: float | None
    finished_s: float
    tokens_s: tuple[float, ...]
    """When each token reached the user."""
    tries: tuple[Try, ...]
    struck: tuple[Struck, ...]
    tokens_spent: float | None
    """None where no model tells."""
    tokens_wasted: float | None
