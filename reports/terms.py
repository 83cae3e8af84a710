"""What a scenario asks for beside the rows: bounds of goodput, a price list; and what they make of each request."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from reports.cost import costs
from reports.fluidity import fluidity
from reports.frames import Frames, Gaps
from reports.goodput import STREAMED, Goodput, goodput_of, is_good
from reports.prices import Prices, prices_of

Values = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Terms:
    """All that the figures of a request depend on beside its rows."""

    deadline_s: float
    goodput: Goodput | None = None
    prices: Prices | None = None


def terms_of(manifest: Mapping[str, Any]) -> Terms:
    return Terms(manifest["deadline_s"], goodput_of(manifest), prices_of(manifest))


def on_terms(frames: Frames, terms: Terms) -> Frames:
    """The tables with more columns of requests, as far as the terms tell them.

    tpot_s: the mean gap between two tokens. good: whether it kept to all bounds. fluidity: of streamed answers; that of a
    failure is 0, because whatever came of it was no answer. cost and cost_wasted: in the currency of the price list.
    """
    rows, found = frames.rows, {"tpot_s": mean_gap_s(frames.gaps)}
    if terms.goodput:
        found["good"] = is_good(rows, terms.goodput, terms.deadline_s)
        if terms.goodput.ttft_s is not None and terms.goodput.gap_s is not None:
            found["fluidity"] = _fluidity(frames, terms.goodput)
    priced = costs(rows, frames.attempts, terms.prices) if terms.prices else None
    if priced:
        found["cost"], found["cost_wasted"] = priced
    return replace(frames, rows=rows.assign(**found))


def mean_gap_s(gaps: Gaps) -> Values:
    """Of each request; NaN where it has no gap."""
    counts = np.diff(gaps.ends, prepend=0)
    some = counts > 0
    means = np.full(len(counts), np.nan)
    if some.any():
        sums = np.add.reduceat(gaps.us, (gaps.ends - counts)[some], dtype=np.int64)
        means[some] = sums / counts[some] / 1e6
    return means


def _fluidity(frames: Frames, goodput: Goodput) -> Values:
    rows = frames.rows
    index = np.where(rows["failed"], 0.0, fluidity(rows["ttft_s"].to_numpy(), frames.gaps, goodput))
    counts = (rows["task"] == STREAMED) & (rows["outcome"] != "rejected")
    return np.where(counts, index, np.nan)
