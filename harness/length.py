"""How long a run takes, told before it begins."""

from math import ceil

from harness.scenario import Scenario

HANDLING_S = 8.0
"""Starting and ending the processes of one arm, and the last requests that are under way."""
FEW = 2
"""So many arms need no word."""


def told_length(scenario: Scenario) -> str | None:
    """A sentence, where it is more than a pair of arms."""
    arms, load = len(scenario.arms), scenario.workload
    if arms * scenario.pairs <= FEW:
        return None
    minutes = ceil(scenario.pairs * arms * (load.duration_s + HANDLING_S) / 60)
    pairs = f"{scenario.pairs} pairs of " if scenario.pairs > 1 else ""
    return f"{pairs}{arms} arms of {load.duration_s:g} s, one after the other: about {minutes} minutes."
