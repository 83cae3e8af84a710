"""Which faults strike which calls: plans are parsed strictly, and deciding is a pure function of seed, fault and call."""

import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from hashlib import blake2b
from inspect import signature
from math import inf
from pathlib import Path
from typing import Any

from faults.actions import Kind, Request, name_of, subject_of
from faults.kinds import KINDS
from faults.parameters import is_range, read_parameters
from records.bad_input import BadInput, unknown
from records.chance import between, draw
from records.strict import Table

ROUTES = (
    *("/api/chat", "/api/generate", "/api/embed", "/api/embeddings", "/api/tags", "/api/show", "/api/ps", "/api/version"),
    *("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/models", "/v1/responses", "/v1/messages"),
)
"""Of Ollama, OpenAI and Anthropic. A plan for another provider names that one's in `provider_routes`."""
PROBES = frozenset({"/", "/api/version", "/api/tags", "/api/ps", "/v1/models"})
"""They ask whether the provider is there, not for an answer: only a fault that names such a route strikes it."""


@dataclass(frozen=True)
class Fault:
    """One entry of a plan: a kind, its parameters ([low, high] is drawn for each call), and the calls it is meant for."""

    kind: Kind
    params: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    """Unique in its plan, chance is keyed by it; the kind's name where none is given."""
    share: float = 1.0
    """Of the calls it is meant for, 0 to 1."""
    routes: str = "*"
    models: str = "*"
    headers: Mapping[str, str] = field(default_factory=dict)
    """Globs by name, in lower case; all must match."""
    attempts: float = inf
    """Strikes only this many first attempts of a request."""
    during_s: tuple[float, float] = (0.0, inf)
    """Seconds since the first call that asked for something: the same moment of the load in every arm."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or name_of(self.kind))

    def is_meant_for(self, request: Request) -> bool:
        return (
            request.attempt <= self.attempts
            and self.during_s[0] <= request.at_s < self.during_s[1]
            and fnmatchcase(request.path, self.routes)
            and (self.routes != "*" or request.path not in PROBES)
            and fnmatchcase(request.model, self.models)
            and all(fnmatchcase(request.headers.get(name, ""), glob) for name, glob in self.headers.items())
        )


@dataclass(frozen=True)
class Plan:
    """Faults and the seed they are drawn with."""

    faults: tuple[Fault, ...] = ()
    seed: int = 0
    name: str = "none"

    def __post_init__(self) -> None:
        names = [fault.name for fault in self.faults]
        for fault in self.faults:
            subject_of(fault.kind)
            signature(fault.kind).bind(None, **fault.params)  # a TypeError says which parameter
            if names.count(fault.name) > 1:
                raise ValueError(f'two faults are called "{fault.name}": chance is keyed by the name, give each its own')

    @property
    def digest(self) -> str:
        """Eight digits that tell this plan from any other, whatever its file is called."""
        said = [{**vars(fault), "kind": name_of(fault.kind)} for fault in self.faults]
        return blake2b(f"{self.seed} {said}".encode(), digest_size=4).hexdigest()

    def decide(self, request: Request) -> list[Fault]:
        """The faults that strike this call, their ranges drawn: the same in whatever order calls come."""
        return [self._drawn(fault, request) for fault in self.faults if self._strikes(fault, request)]

    def _strikes(self, fault: Fault, request: Request) -> bool:
        return fault.is_meant_for(request) and draw(self.seed, fault.name, request.id, request.attempt) < fault.share

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


def parse_plan(text: str, where: str, kinds: Iterable[Kind]) -> Plan:
    """The plan written in `text`; all that is wrong with it is told together, as BadInput."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{where}: not readable as TOML: {error}") from None
    problems: list[str] = []
    table, known = Table(where, values, problems), {name_of(kind): kind for kind in kinds}
    seed = table.number("seed", 0, whole=True)
    routes = [*ROUTES, *map(str, table.items("provider_routes"))]
    faults = [_read_fault(entry, known, routes) for entry in table.tables("fault")]
    table.close()
    _tell_duplicates(faults, where, problems)
    if problems:
        raise BadInput(*problems)
    return Plan(tuple(fault for fault in faults if fault), seed, Path(where).stem)


def _read_fault(table: Table, known: Mapping[str, Kind], routes: Collection[str]) -> Fault | None:
    """One entry; None where its kind is not known, so that nothing can be said of its parameters."""
    name, kind = table.text("name", required=True), table.text("kind", required=True)
    if not name and "name" in table.values:
        table.problem("name", "must not be empty")
    targets: dict[str, Any] = {
        "share": table.number("share", 1.0, 0, 1),
        "routes": _read_routes(table, routes),
        "models": table.text("models", "*"),
        "headers": _read_headers(table.table("headers")),
        "attempts": table.number("attempts", inf, 1, whole=True),
        "during_s": _read_during(table),
    }
    if kind not in known:
        if kind:
            table.problem("kind", unknown("kind", kind, known))
        return None
    fault = Fault(known[kind], read_parameters(known[kind], table), name, **targets)
    table.close()
    return fault


def _read_routes(table: Table, known: Collection[str]) -> str:
    """A glob that matches no route would strike nothing, and nobody would see why."""
    glob = table.text("routes", "*")
    if not any(fnmatchcase(route, glob) for route in known):
        table.problem("routes", unknown("route", glob, known))
    return glob


def _read_headers(table: Table) -> dict[str, str]:
    return {name.lower(): table.text(name) for name in table.values}


def _read_during(table: Table) -> tuple[float, float]:
    table.asked.add("during")
    window = table.values.get("during", [0.0, inf])
    if not is_range(window) or isinstance(window[0], bool) or window[0] < 0:
        table.problem("during", f"must be [from_s, to_s] in seconds, got {window!r}")
    elif window[0] >= window[1]:
        table.problem("during", f"is reversed, got {window!r}")
    else:
        return float(window[0]), float(window[1])
    return 0.0, inf


def _tell_duplicates(faults: Iterable[Fault | None], where: str, problems: list[str]) -> None:
    seen: set[str] = set()
    for n, fault in enumerate(faults):
        if fault and fault.name in seen:
            problems.append(f'{where}, fault[{n}].name: "{fault.name}" is taken, chance is keyed by the name')
        seen.add(fault.name if fault else "")


def read_plan(path: str | Path, kinds: Iterable[Kind] = KINDS) -> Plan:
    """The plan in a file."""
    try:
        text = Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not readable as text"
        raise BadInput(f"{path}: {why}") from None
    return parse_plan(text, str(path), kinds)
