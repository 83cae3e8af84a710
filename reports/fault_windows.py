"""When the faults of a run could strike: their planned windows, and what changes made of them while the arm ran."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf
from operator import itemgetter

from reports.arm import Arm, Change

Span = tuple[float, float]


@dataclass(frozen=True)
class Stretch:
    """When a fault could strike, or several could."""

    faults: tuple[str, ...]
    from_s: float
    to_s: float


def stretches(arm: Arm, pair: int) -> list[Stretch]:
    """When faults could strike in this pair, as far as that began or ended while it ran; those that touch are one.

    A fault without a window is the ordinary weather, before and after. Where such weather was ended by hand or by a rule, and
    nothing else was, that is told: as a window from the beginning, before which there is nothing to compare with.
    """
    changes = sorted((one for one in arm.changes if one.pair == pair), key=lambda one: one.start_s)
    planned = {one.fault: (one.from_s, inf if one.to_s is None else one.to_s) for one in arm.windows}
    named = {str(name) for name in arm.strikes["fault"].unique()} | {one.fault for one in changes if one.fault}
    faults = [*planned, *sorted(named - planned.keys())]
    found = [(fault, one) for fault in faults for one in _allowed(changes, fault, planned.get(fault, (0.0, inf)))]
    windows = [one for one in found if one[0] in planned or one[1][0] > 0]
    ended = [one for one in found if one[1][1] < inf]
    return _merged(windows or ended)


def _allowed(changes: Iterable[Change], fault: str, planned: Span) -> Iterator[Span]:
    """The parts of the planned window in which the fault was not switched off."""
    for from_s, to_s in _spans_on(_until_its_end(changes, fault)):
        low, high = max(from_s, planned[0]), min(to_s, planned[1])
        if low < high:
            yield low, high


def _until_its_end(changes: Iterable[Change], fault: str) -> Iterator[Change]:
    """What was done to the fault; nothing counts after chaos was ended, or its plan replaced."""
    for change in changes:
        if change.fault in ("", fault):
            yield change
        if change.action in ("stop", "plan"):
            return


def _spans_on(changes: Iterator[Change]) -> Iterator[Span]:
    """When it was switched on and had a share; what changes nothing leaves no row, so who is switched on first was off."""
    told = list(changes)
    is_on, has_share, began_s = not (told and told[0].action == "on"), True, -inf
    for change in told:
        struck = is_on and has_share
        if change.action == "share":
            has_share = bool(change.value)
        else:
            is_on = change.action == "on"
        if struck and not (is_on and has_share):
            yield began_s, change.start_s
        elif not struck:
            began_s = change.start_s
    if is_on and has_share:
        yield began_s, inf


def _merged(found: Iterable[tuple[str, Span]]) -> list[Stretch]:
    """Stretches that touch are one."""
    merged: list[Stretch] = []
    for fault, (from_s, to_s) in sorted(found, key=itemgetter(1)):
        if merged and from_s <= merged[-1].to_s:
            last = merged.pop()
            merged.append(Stretch(tuple(dict.fromkeys((*last.faults, fault))), last.from_s, max(last.to_s, to_s)))
        else:
            merged.append(Stretch((fault,), from_s, to_s))
    return merged
