"""Reads plans, strictly: all that is wrong with one is told together."""

import json
import tomllib
from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from math import inf
from pathlib import Path
from typing import Any

from faults.actions import Kind, name_of
from faults.kinds import KINDS
from faults.parameters import is_range, read_parameters
from faults.plan import Fault, HaltIf, Plan
from faults.strata import parse_shares
from faults.timing import Burst, Clusters
from records.bad_input import BadInput, unknown
from records.strict import Table

ROUTES = (
    *("/api/chat", "/api/generate", "/api/embed", "/api/embeddings", "/api/tags", "/api/show", "/api/ps", "/api/version"),
    *("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/models", "/v1/responses", "/v1/messages"),
)
"""Of Ollama, OpenAI and Anthropic. A plan for another provider names that one's in `provider_routes`."""


def parse_plan(text: str, where: str, kinds: Iterable[Kind]) -> Plan:
    """The plan written in `text`; all that is wrong with it is told together, as BadInput."""
    try:
        values = tomllib.loads(text)
    except ValueError as error:  # among them numbers with more digits than Python reads
        raise BadInput(f"{where}: not readable as TOML: {error}") from None
    except RecursionError:
        raise BadInput(f"{where}: not readable as TOML: nested too deeply") from None
    problems: list[str] = []
    table, known = Table(where, values, problems), {name_of(kind): kind for kind in kinds}
    seed = table.number("seed", 0, whole=True)
    routes = [*ROUTES, *map(str, table.items("provider_routes"))]
    faults = [_read_fault(entry, known, routes) for entry in table.tables("fault")]
    stop_after_s = table.number("stop_after_s", inf, 0)
    halt_if = _read_halt(table)
    table.close()
    _tell_duplicates(faults, where, problems)
    if problems:
        raise BadInput(*problems)
    return Plan(tuple(fault for fault in faults if fault), seed, Path(where).stem, stop_after_s, halt_if)


def _read_halt(table: Table) -> HaltIf | None:
    told = table.table("halt_if")
    if "halt_if" not in table.values:
        return None
    halt = HaltIf(
        error_share=told.number("error_share", 1.0, 0, 1, required=True),
        over_s=told.number("over_s", 10.0, 1),
        at_least=told.number("at_least", 20, 1, whole=True),
    )
    told.close()
    return halt


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
        "burst": _read_burst(table),
        "clusters": _read_clusters(table),
        "at_least": table.number("at_least", 0, 0, whole=True),
        "on": table.flag("on", True),
    }
    if kind not in known:
        if kind:
            table.problem("kind", unknown("kind", kind, known))
        return None
    fault = Fault(known[kind], read_parameters(known[kind], table), name, **targets)
    table.close()
    return fault


def _read_routes(table: Table, known: Collection[str]) -> str | tuple[str, ...]:
    """A glob, or several; one that matches no route would strike nothing, and nobody would see why."""
    several = isinstance(table.values.get("routes"), list)
    globs = table.items("routes") if several else [table.text("routes", "*")]
    if not globs:
        table.problem("routes", "must name at least one route")
    for glob in globs:
        if not isinstance(glob, str):
            table.problem("routes", f"must be texts, got {glob!r}")
        elif not any(fnmatchcase(route, glob) for route in known):
            table.problem("routes", unknown("route", glob, known))
    return tuple(map(str, globs)) if several else globs[0]


def _read_burst(table: Table) -> Burst | None:
    told = table.table("burst")
    if "burst" not in table.values:
        return None
    burst = Burst(told.number("for_s", 1.0, 0, required=True), told.number("every_s", inf, 0.1, required=True))
    if burst.for_s > burst.every_s:
        told.problem("for_s", f"must not be longer than every_s, got {burst.for_s:g} in every {burst.every_s:g}")
    told.close()
    return burst


def _read_clusters(table: Table) -> Clusters | None:
    told = table.table("clusters")
    if "clusters" not in table.values:
        return None
    clusters = Clusters(told.number("shape", 1.0, 0.05, 100, required=True), told.number("every_s", 10.0, 0.1))
    told.close()
    return clusters


def _read_headers(table: Table) -> dict[str, str]:
    return {name.lower(): table.text(name) for name in table.values}


def _read_during(table: Table) -> tuple[float, float]:
    table.asked.add("during")
    window = table.values.get("during", [0.0, inf])
    if not is_range(window) or bool in map(type, window) or not window[0] >= 0:
        table.problem("during", f"must be [from_s, to_s] in seconds, got {window!r}")
    elif not window[0] < window[1]:
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


def read_shares(path: str | Path, plan: Plan) -> Plan:
    """The plan with the shares that a strata.json raises its first attempts to."""
    try:
        told = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise BadInput(f"{path}: not readable as JSON: {error}") from None
    except RecursionError:
        raise BadInput(f"{path}: not readable as JSON: nested too deeply") from None
    return parse_shares(told, str(path), plan)


def read_plan(path: str | Path, kinds: Iterable[Kind] = KINDS) -> Plan:
    """The plan in a file."""
    try:
        text = Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not readable as text. A plan is TOML in UTF-8"
        raise BadInput(f"{path}: {why}") from None
    return parse_plan(text, str(path), kinds)
