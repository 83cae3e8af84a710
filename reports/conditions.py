"""Whether the machine and the load were such that the figures tell of the app: what the manifest's conditions mean."""

from collections.abc import Mapping, Sequence
from typing import Any

from reports.tally import Tally

MOST_LAG_S = 0.25
"""A generator whose P95 of sending late exceeds this has measured itself."""
LEAST_ACHIEVED = 0.98
"""Of the requests that were scheduled, sent before the schedule's end: with fewer, the load was another than intended."""
MOST_STEAL = 0.10
"""Of the machine's CPU time, taken by its host for others while the load ran. Who must wait for a core waits for whole time
slices, of milliseconds, and every token passes four processes: with a tenth gone, that is what a P95 would measure."""
LATE_GENERATOR = "Lower the rate, raise the users, or give it a core of its own."


def stolen(manifest: Mapping[str, Any]) -> list[str]:
    """A sentence for each arm and pair whose machine was not its own."""
    shares: Mapping[str, float] = manifest.get("steal_share") or {}
    return [
        f"{folder}: {share:.0%} of the CPU time was stolen by the machine's host while the load ran, at most {MOST_STEAL:.0%} "
        "is accepted. Run it again, or on a machine of its own."
        for folder, share in shares.items()
        if share > MOST_STEAL
    ]


def too_few_sent(tallies: Sequence[Tally], manifest: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Sentences for the arms that sent too little in time: through the generator's fault, and for want of a free user.

    A slow app keeps its users busy: that is a result, and its latencies count from the intended start all the same.
    """
    shares: Mapping[str, float] = manifest.get("achieved_share") or {}
    late, waited = [], []
    punctual = {one.folder for one in tallies if _is_punctual(one, manifest.get("duration_s") or 0.0)}
    for folder, share in shares.items():
        if share >= LEAST_ACHIEVED:
            continue
        told = f"{folder}: {share:.1%} of the scheduled requests were sent before the schedule's end"
        if folder in punctual:
            waited.append(f"{told}. The others waited for a user to be free. Raise the users.")
        else:
            late.append(f"{told}, at least {LEAST_ACHIEVED:.0%} must be. {LATE_GENERATOR}")
    return late, waited


def _is_punctual(one: Tally, duration_s: float) -> bool:
    """Whether too few cannot be its fault: what it sends after the end is at most what was due within its worst lag of it."""
    if one.lag_worst_s is None:
        return False
    return one.lag_worst_s <= max(MOST_LAG_S, (1 - LEAST_ACHIEVED) * duration_s)
