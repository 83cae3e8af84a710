"""The plan in force: since when, what was changed about it, and what landed. Pure: time is an argument."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Literal

from faults.actions import Request, name_of
from faults.plan import Fault, Plan
from faults.script import Script
from records.rows import ChangeRow

KEPT = 50
"""So many of the last changes are told; all of them are in changes.jsonl."""


@dataclass(frozen=True)
class Change:
    """Something to be changed about the faults, by whom and why."""

    action: Literal["on", "off", "share", "plan", "stop"]
    fault: str = ""
    share: float = 0.0
    plan: Plan | None = None
    by: str = "control"
    why: str = ""


@dataclass
class Landed:
    """What became of one fault so far, in calls."""

    planned: int = 0
    struck: int = 0
    last_struck_s: float | None = None


class Armed:
    """A plan, the clock that its windows count by, and all that was changed about it."""

    def __init__(self, plan: Plan) -> None:
        self.changes: deque[ChangeRow] = deque(maxlen=KEPT)
        self.arm(plan)

    def arm(self, plan: Plan, now_s: float = 0.0) -> None:
        """This plan from now on, with a clock of its own; calls in flight keep the script they have."""
        self.plan, self.armed_s, self.stopped = plan, now_s, ""
        self.began_s: float | None = None
        """When the first call asked for something; windows of faults count from it. Probes of readiness only look."""
        self._landed: dict[str, Landed] = {}

    def begins_with(self, method: str) -> bool:
        """Whether the clock starts with a call of this method."""
        return self.began_s is None and method not in ("GET", "HEAD")

    def at_s(self, now_s: float) -> float:
        """Seconds since the first call that asked for something."""
        return 0.0 if self.began_s is None else max(0.0, now_s - self.began_s)

    @property
    def in_words(self) -> str:
        halts = " · halt_if is not watched here: only who sees the users can" if self.plan.halt_if else ""
        return f"plan {self.plan.name}: {self.plan.size}{halts}"

    def decide(self, request: Request) -> list[Fault]:
        return [] if self.stopped else self.plan.decide(request)

    def make(self, change: Change, now_s: float) -> list[ChangeRow]:
        """The row of a change that is now in force; none where it changes nothing."""
        before = self.plan, self.stopped
        value: float | str | None = None
        if change.plan:
            self.arm(change.plan, now_s)
            value = f"{change.plan.name} {change.plan.digest}"
        elif change.action == "stop":
            self.stopped = self.stopped or f"by {change.by}" + (f": {change.why}" if change.why else "")
        elif change.action == "share":
            # For every attempt: what `at_least` had raised the first ones to no longer holds.
            value = self._alter(change.fault, share=change.share, raised_to=None).share
        else:
            self._alter(change.fault, on=change.action == "on")
        if not change.plan and before == (self.plan, self.stopped):
            return []
        self.changes.append(ChangeRow(now_s, change.action, change.by, change.fault, value, change.why))
        return [self.changes[-1]]

    def _alter(self, name: str, **fields: Any) -> Fault:
        faults = {fault.name: fault for fault in self.plan.faults}
        faults[name] = replace(faults[name], **fields)
        self.plan = replace(self.plan, faults=tuple(faults.values()))
        return faults[name]

    def count(self, started_s: float, script: Script) -> None:
        """What became of a call that has ended; one of an earlier plan says nothing about this one."""
        if started_s >= self.armed_s:
            _count(script, self._landed)

    def told(self, now_s: float, in_flight: Iterable[tuple[float, Script]] = ()) -> dict[str, Any]:
        """All of it, as JSON holds it: what is for ever, or not yet, is None."""
        landed = {name: replace(one) for name, one in self._landed.items()}
        for started_s, script in in_flight:
            if started_s >= self.armed_s:
                _count(script, landed)
        halt_if = self.plan.halt_if
        return {
            "plan": self.plan.name,
            "digest": self.plan.digest,
            "seed": self.plan.seed,
            "at_s": None if self.began_s is None else self.at_s(now_s),
            "stopped": self.stopped or None,
            "stop_after_s": _finite(self.plan.stop_after_s),
            "halt_if": vars(halt_if) if halt_if else None,
            "faults": [self._told(fault, landed.get(fault.name, Landed())) for fault in self.plan.faults],
            "changes": [{"ago_s": now_s - one.at_s, **vars(one)} for one in self.changes],
        }

    def _told(self, fault: Fault, landed: Landed) -> dict[str, Any]:
        return {
            "name": fault.name,
            "kind": name_of(fault.kind),
            "share": fault.share if fault.raised_to is None else fault.raised_to,
            "on": fault.on,
            "planned": landed.planned,
            "struck": landed.struck,
            "last_struck_at_s": None if landed.last_struck_s is None else self.at_s(landed.last_struck_s),
            "meant_for": {
                "routes": list(fault.all_routes),
                "models": fault.models,
                "headers": dict(fault.headers),
                "attempts": _finite(fault.attempts),
                "during_s": [_finite(end) for end in fault.during_s],
            },
        }


def _count(script: Script, landed: dict[str, Landed]) -> None:
    struck_s = {record["fault"]: record["at_s"] for record in script.struck}
    for fault in script.faults:
        one = landed.setdefault(fault.name, Landed())
        one.planned += 1
        if fault.name in struck_s:
            one.struck += 1
            one.last_struck_s = max(struck_s[fault.name], one.last_struck_s or 0.0)


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
