"""What was changed about the faults while a run went on, and what that makes of its figures."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from reports.arm import Arm, Change
from reports.bounds import Judged

RULES = frozenset({"stop_after_s", "halt_if"})
"""The plan's own; whatever else changes a fault is a hand."""


def is_by_hand(change: Change) -> bool:
    return change.by not in RULES


def is_end(change: Change) -> bool:
    """Whether it ended chaos altogether."""
    return change.action == "stop"


def silencing(changes: Iterable[Change], fault: str) -> Change | None:
    """The first change that kept the fault from striking; a new plan may hold it no longer."""
    return next((one for one in changes if _silences(one, fault)), None)


def _silences(change: Change, fault: str) -> bool:
    if change.action == "plan":
        return True
    off = change.action in ("off", "stop") or (change.action == "share" and change.value == 0)
    return off and change.fault in ("", fault)


def moment(change: Change) -> str:
    """When it came; it may have come before there was a request."""
    return f"at {change.start_s:.1f} s" if change.start_s >= 0 else f"{-change.start_s:.1f} s before the first request"


def silenced(change: Change) -> str:
    """When it came, and by whom: what stands where the fault does."""
    what = "its plan was replaced" if change.action == "plan" else "it was switched off"
    return f"{what} {moment(change)}, by {change.by}"


def uneven(arms: Sequence[Arm]) -> list[str]:
    """The arms in which not the plan alone said what strikes, or in which chaos ended earlier than it says."""
    return [arm.name for arm in arms if _by_hand(arm) or _halts(arm)]


def _by_hand(arm: Arm) -> list[Change]:
    return [one for one in arm.changes if is_by_hand(one)]


def _halts(arm: Arm) -> list[Change]:
    return [one for one in arm.changes if one.by == "halt_if"]


def problems(arms: Sequence[Arm]) -> list[str]:
    """A sentence for each arm whose faults were changed by a hand."""
    meaning = "the arms did not meet the same weather" if len(arms) > 1 else "what it met is not what the plan and its seed say"
    return [f'The faults of arm "{arm.name}" were changed by hand ({_hands(found)}): {meaning}.'
            for arm in arms if (found := _by_hand(arm))]  # fmt: skip


def _hands(changes: Sequence[Change]) -> str:
    times = "once" if len(changes) == 1 else f"{len(changes)} times, first"
    by = " and ".join(dict.fromkeys(one.by for one in changes))
    return f"{times} {moment(min(changes, key=lambda one: one.start_s))}, by {by}"


def inconclusive(arms: Sequence[Arm]) -> list[str]:
    """Why the run cannot pass: chaos that broke off, and arms that cannot be held against each other.

    A halt is inconclusive also for one arm alone: the faults after it never struck, so what held may have held for want of
    them. It is not invalid, because the figures are the app's own, and a bound of one arm that failed has failed.
    """
    names = [f'arm "{arm.name}"' for arm in arms if _by_hand(arm)]
    hand = f"The faults of {' and '.join(names)} were changed by hand: the comparison of the arms is inconclusive."
    return [*(_halted(arm, one) for arm in arms for one in _halts(arm)), *([hand] if names and len(arms) > 1 else [])]


def _halted(arm: Arm, change: Change) -> str:
    why = f" ({change.why})" if change.why else ""
    return f'halt_if ended chaos in arm "{arm.name}" {moment(change)}{why}: what was to strike later did not.'


def doubted(judged: Iterable[Judged], arms: Sequence[Arm]) -> list[Judged]:
    """The bounds again; one that holds an arm against another is inconclusive where they did not meet the same weather."""
    names = uneven(arms) if len(arms) > 1 else []
    why = f"the faults of arm {_listed(names)} were changed or halted, so the arms did not meet the same weather"
    return [replace(one, state="inconclusive", why=why) if names and _compares(one) else one for one in judged]


def _compares(judged: Judged) -> bool:
    other = judged.bound.other
    return other is not None and other.arm != judged.bound.left.arm


def _listed(names: Iterable[str]) -> str:
    return " and ".join(f'"{name}"' for name in names)
