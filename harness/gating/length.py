"""How long an experiment takes, told before it begins."""

from math import ceil

from harness.gating.sequence import REPEATS, Experiment

HANDLING_S = 5.0
"""Starting and ending the processes of one arm, on two cores."""


def told_length(experiment: Experiment) -> str:
    """From its first look, or from all of its pairs, to the most that it may take."""
    scenario, looks = experiment.scenario, experiment.rules.looks
    load = scenario.workload
    fewest = looks[0].pairs if looks else scenario.pairs
    usual_s = fewest * len(scenario.arms) * (load.duration_s + HANDLING_S)
    # The last requests of an arm may take up to their deadline.
    most_s = (scenario.pairs + REPEATS) * len(scenario.arms) * (load.duration_s + load.deadline_s + HANDLING_S)
    each = f"{len(scenario.arms)} arms of {load.duration_s:g} s"
    return f"{fewest} pairs of {each} take about {_minutes(usual_s)}; it is over after {_minutes(most_s)} at most."


def _minutes(seconds: float) -> str:
    return f"{ceil(seconds)} s" if seconds < 100 else f"{ceil(seconds / 60)} minutes"
