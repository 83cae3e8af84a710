"""Goodput: the requests that were not only answered, but fast enough to be of use.

DistServe (Zhong et al., OSDI 2024) looks at the share of requests that keep to a bound on the first token and to one on the
time per output token, and calls goodput the highest rate at which enough of them do. vLLM's `--goodput` and NVIDIA's AIPerf
call so the requests a second that keep to all bounds given, one on the total among them. Told here: that share, and that
rate, at the rate that was offered. Their bound between tokens is on the mean of an answer; ours is on its longest gap, which
a mean would hide.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import inf
from typing import TYPE_CHECKING, Any

from records.strict import Table

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

LEAST_S = 0.001
STREAMED = "stream"
"""The task whose answers come token by token; of all others only the total can be held to a bound."""


@dataclass(frozen=True)
class Goodput:
    """The `[goodput]` table of a scenario: seconds that a request must keep to; None where there is no such bound."""

    ttft_s: float | None = None
    """From intended start to the first token."""
    gap_s: float | None = None
    """The longest silence between two tokens."""
    total_s: float | None = None
    """From intended start to the end."""


BOUNDS = tuple(one.name for one in fields(Goodput))


def parse_goodput(scenario: Table) -> Goodput | None:
    """The `[goodput]` of a scenario; None where there is none. What is wrong with it joins the problems."""
    if "goodput" not in scenario.values:
        return None
    table = scenario.table("goodput")
    found = Goodput(*(table.number(name, 0.0, LEAST_S) or None for name in BOUNDS))
    if scenario.values["goodput"] == {}:
        table.problem("", f"names no bound: write one or more of {', '.join(BOUNDS)}, in seconds")
    table.close()
    return found


def goodput_of(manifest: Mapping[str, Any]) -> Goodput | None:
    """The bounds that a run's manifest tells."""
    told = manifest.get("goodput")
    return Goodput(*(told.get(name) for name in BOUNDS)) if told else None


def is_good(rows: "pd.DataFrame", goodput: Goodput, deadline_s: float) -> "np.ndarray[Any, Any]":
    """A truth value for each request: a right answer before the deadline, and within all bounds.

    An answer that is not streamed has no first token and no gaps of its own: of it only the total counts.
    """
    good = rows["right"] & (rows["own_s"] <= min(deadline_s, _limit(goodput.total_s)))
    streamed = rows["task"] == STREAMED
    if goodput.ttft_s is not None:
        good &= ~streamed | (rows["ttft_s"] <= goodput.ttft_s)
    if goodput.gap_s is not None:
        # A single token has no gap, so none that is too long.
        good &= ~streamed | ~(rows["longest_gap_s"] > goodput.gap_s)
    return good.to_numpy(dtype=bool)


def _limit(bound_s: float | None) -> float:
    return inf if bound_s is None else bound_s
