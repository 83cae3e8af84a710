"""Which faults strike which calls: deciding is a pure function of seed, fault and call."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from hashlib import blake2b
from inspect import signature
from math import inf
from typing import Any

from faults.actions import Kind, Request, fresh_state, name_of, state_of, subject_of
from faults.parameters import is_range
from faults.timing import Burst, Clusters
from records.chance import between, draw
from records.rows import PROBES


@dataclass(frozen=True)
class Fault:
    """One entry of a plan: a kind, its parameters ([low, high] is drawn for each call), and the calls it is meant for."""

    kind: Kind
    params: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    """Unique in its plan, chance is keyed by it; the kind's name where none is given."""
    share: float = 1.0
    """Of the calls it is meant for, 0 to 1."""
    routes: str | tuple[str, ...] = "*"
    models: str = "*"
    headers: Mapping[str, str] = field(default_factory=dict)
    """Globs by name, in lower case; all must match."""
    attempts: float = inf
    """Strikes only this many first attempts of a request."""
    during_s: tuple[float, float] = (0.0, inf)
    """Seconds since the first call that asked for something: the same moment of the load in every arm."""
    burst: Burst | None = None
    """Strikes only in bursts."""
    clusters: Clusters | None = None
    """Strikes with a share that comes and goes."""
    at_least: int = 0
    """So many first attempts of a run are to be struck, whatever the share: for faults too rare to be met."""
    raised_to: float | None = None
    """The share of first attempts that `at_least` asks for; every other attempt meets the ordinary one."""
    on: bool = True
    shared: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What the kind's `shared` parameter is given: one for all calls of this plan."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or name_of(self.kind))
        object.__setattr__(self, "shared", self.shared or fresh_state(self.kind, "shared"))

    def is_meant_for(self, request: Request) -> bool:
        return (
            request.attempt <= self.attempts
            and self.during_s[0] <= request.at_s < self.during_s[1]
            and any(fnmatchcase(request.path, route) for route in self.all_routes)
            # Only a fault that names such a route strikes it.
            and (self.routes != "*" or request.path not in PROBES)
            and fnmatchcase(request.model, self.models)
            and all(fnmatchcase(request.headers.get(name, ""), glob) for name, glob in self.headers.items())
        )

    @property
    def all_routes(self) -> tuple[str, ...]:
        return (self.routes,) if isinstance(self.routes, str) else self.routes

    def share_of(self, request: Request, seed: int) -> float:
        """Of calls like this one, at this moment."""
        share = self.raised_to if self.raised_to is not None and request.attempt == 1 else self.share
        if self.burst and not self.burst.is_on(request.at_s, seed, self.name):
            return 0.0
        return share * self.clusters.factor(request.at_s, seed, self.name) if self.clusters else share


@dataclass(frozen=True)
class HaltIf:
    """When chaos must end by itself: too many users of the last seconds got no right answer."""

    error_share: float
    over_s: float = 10.0
    at_least: int = 20
    """Users; of fewer nothing is concluded."""


@dataclass(frozen=True)
class Plan:
    """Faults and the seed they are drawn with."""

    faults: tuple[Fault, ...] = ()
    seed: int = 0
    name: str = "none"
    stop_after_s: float = inf
    """Seconds since the first call that asked for something; nothing strikes after it."""
    halt_if: HaltIf | None = None

    def __post_init__(self) -> None:
        names = [fault.name for fault in self.faults]
        for fault in self.faults:
            subject_of(fault.kind)
            signature(fault.kind).bind(
                None, **fault.params, **dict.fromkeys(state_of(fault.kind))
            )  # a TypeError says which parameter
            if names.count(fault.name) > 1:
                raise ValueError(f'two faults are called "{fault.name}": chance is keyed by the name, give each its own')

    @property
    def size(self) -> str:
        """How many faults, in words."""
        return f"{len(self.faults)} fault" + ("s" if len(self.faults) != 1 else "")

    @property
    def digest(self) -> str:
        """Eight digits that tell this plan from any other, whatever its file is called."""
        # Not what `at_least` came to: that is the scenario's doing, and the plan is the same in each.
        said = [{**vars(fault), "kind": name_of(fault.kind), "shared": None, "raised_to": None} for fault in self.faults]
        ends = self.stop_after_s, self.halt_if
        return blake2b(f"{self.seed} {said} {ends}".encode(), digest_size=4).hexdigest()

    def decide(self, request: Request) -> list[Fault]:
        """The faults that strike this call, their ranges drawn: the same in whatever order calls come."""
        if request.at_s >= self.stop_after_s:
            return []
        return [self._drawn(fault, request) for fault in self.faults if self._strikes(fault, request)]

    def _strikes(self, fault: Fault, request: Request) -> bool:
        if not fault.on or not fault.is_meant_for(request):
            return False
        return draw(self.seed, fault.name, request.id, request.attempt) < fault.share_of(request, self.seed)

    def _drawn(self, fault: Fault, request: Request) -> Fault:
        if not any(is_range(value) for value in fault.params.values()):
            return fault
        drawn = {
            # Its own draw for each parameter: a long stall must not also be a late one.
            name: _between(value, draw(self.seed, f"{fault.name}.{name}", request.id, request.attempt))
            if is_range(value)
            else value
            for name, value in fault.params.items()
        }
        return replace(fault, params=drawn)


def _between(ends: list[Any], share: float) -> Any:
    value = between(ends[0], ends[1], share)
    return bool(value) if isinstance(ends[0], bool) else value
