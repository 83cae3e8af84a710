"""What a ledger could not know, as sentences: a reader must not take it for nothing."""

from collections.abc import Iterator

import pandas as pd

from records.folder import APP, MODEL
from reports.arm import Arm
from reports.entries import ANOTHER, UNKNOWN
from reports.frames import NOWHERE


def unknowns(arm: Arm, lines: pd.DataFrame) -> Iterator[str]:
    """A sentence for each thing that the rows of an arm do not tell of the requests that met a fault."""
    if len(lines):
        yield from _of_the_app(arm, lines)
        yield from _of_the_answers(arm)
        yield from _of_the_model(arm)
    yield from _of_the_joins(arm)
    yield from _of_nobody(arm)


def _of_the_app(arm: Arm, lines: pd.DataFrame) -> Iterator[str]:
    """Why it called again, and what it served."""
    if APP not in arm.sources:
        yield (
            f"{APP} is missing: why the app called again is unknown, and what served an answer is judged by the calls alone "
            "(one call: the model; several: another call; none that could have: a cache or a default)."
        )
        return
    silent = int((~lines["told"]).sum())
    if silent:
        yield f"{APP} tells no attempt of {silent:,} of {len(lines):,} requests that met a fault: what is known is the proxy's."
    without = int(lines["mechanisms"].str.contains(UNKNOWN, regex=False).sum())
    if without:
        yield f"Why the app called again is unknown for {without:,} of {len(lines):,} requests that met a fault."
    another = int((lines["served_by"] == ANOTHER).sum())
    if another:
        yield f"Which of several calls served is unknown for {another:,} of {len(lines):,} requests that met a fault."


def _of_the_answers(arm: Arm) -> Iterator[str]:
    """Whether they are the right ones: only a proof tells."""
    right = arm.rows[arm.rows["met"] & arm.rows["right"]]
    bare = int(right["proof"].isna().sum())
    if bare:
        some = "No answer carries" if bare == len(right) else f"{bare:,} of {len(right):,} right answers carry no"
        proof = " a proof" if bare == len(right) else " proof"
        yield f"{some}{proof}: only their structure is checked, so a whole answer to another question counts as right."


def _of_the_model(arm: Arm) -> Iterator[str]:
    """What was paid."""
    if MODEL not in arm.sources:
        yield f"{MODEL} is missing: tokens, spent and wasted, are unknown."
        return
    empty = [one.folder for one in arm.tallies if one.answered and not one.generations]
    if empty:
        yield f"{MODEL} has no row in {', '.join(empty)}: the tokens spent there are unknown, and missing in all sums."


def _of_the_joins(arm: Arm) -> Iterator[str]:
    """Whose the calls are, where the app passes no request id on."""
    joins = arm.joins
    calls = joins.by_id + joins.by_prompt + joins.uncertain + joins.nobodys
    if joins.by_prompt + joins.uncertain:
        yield (
            f"{joins.by_prompt + joins.uncertain:,} of {calls:,} calls came without the id of their request and were joined by "
            f"their prompt and time; {joins.uncertain:,} of them could belong to another request that asked the same."
        )
    if joins.nobodys:
        yield f"{joins.nobodys:,} of {calls:,} calls belong to no request: what they met and cost is in no figure of a request."


def _of_nobody(arm: Arm) -> Iterator[str]:
    """Faults that struck whom the ledger does not hold."""
    lost = int((arm.strikes["at"] == NOWHERE).sum())
    if lost:
        times = "once" if lost == 1 else f"{lost:,} times"
        yield f"Faults struck {times} in calls of requests that were aborted, or are not known: no entry tells of these."
