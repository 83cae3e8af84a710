"""How it is told how a run was measured: what anyone needs to repeat it, and what speaks for its figures."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from reports.arm import Arm
from reports.conditions import LEAST_ACHIEVED, MOST_LAG_S, MOST_STEAL
from reports.goodput import Goodput, goodput_of
from reports.prices import prices_of
from reports.render_words import UNKNOWN, percent, seconds
from reports.report import Report
from reports.verdict import MOST_PROXY_CPU

Facts = list[tuple[str, str]]


def tell(report: Report) -> dict[str, Any]:
    """What the section shows."""
    return {"facts": facts(report.manifest), "command": report.manifest.get("command"), "validity": validity(report)}


def validity(report: Report) -> list[tuple[str, str, list[str]]]:
    """What was checked, what is accepted, and what was found in each arm, its worst pair; without what no arm tells."""
    of, dispatch_s = report.manifest, report.checks.dispatch_s
    rows: list[tuple[str, str, Callable[[Arm], str]]] = [
        ("Requests with a row", "all that were scheduled", lambda arm: _rows(arm, of.get("planned") or {})),
        ("Sent before the schedule's end", f"at least {percent(LEAST_ACHIEVED)}", _worst(of.get("achieved_share"), min)),
        ("Load generator late, P95", f"at most {seconds(MOST_LAG_S)}", lambda arm: _lag(dispatch_s.get(arm.name))),
        ("CPU time taken by the machine's host", f"at most {percent(MOST_STEAL)}", _worst(of.get("steal_share"), max)),
        ("Proxy's use of a core", f"at most {percent(MOST_PROXY_CPU)}", _worst(_proxies(of.get("cpu_share") or {}), max)),
    ]  # fmt: skip
    told = [(name, accepted, [cell(arm) for arm in report.run.arms]) for name, accepted, cell in rows]
    return [one for one in told if any(cell != UNKNOWN for cell in one[2])]


def _rows(arm: Arm, planned: Mapping[str, int]) -> str:
    folders = [one for one in arm.tallies if one.folder in planned]
    if not folders:
        return UNKNOWN
    return f"{sum(one.requests for one in folders):,} of {sum(planned[one.folder] for one in folders):,}"


def _lag(lag_s: float | None) -> str:
    return UNKNOWN if lag_s is None else seconds(lag_s)


def _proxies(cpu_share: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    return {folder: of["proxy"] for folder, of in cpu_share.items() if "proxy" in of}


def _worst(shares: Mapping[str, float] | None, worst: Callable[..., float]) -> Callable[[Arm], str]:
    """The share of the arm's worst pair."""

    def cell(arm: Arm) -> str:
        found = [shares[one.folder] for one in arm.tallies if shares and one.folder in shares]
        return percent(worst(found)) if found else UNKNOWN

    return cell


def when(manifest: dict[str, Any]) -> str:
    """When the run began, in words; empty where that is not told."""
    wall_s = (manifest.get("clocks") or {}).get("wall_s")
    return f"{datetime.fromtimestamp(wall_s, UTC):%Y-%m-%d %H:%M} UTC" if wall_s else ""


def facts(manifest: dict[str, Any]) -> Facts:
    """Pairs of words; what the manifest does not tell is left out."""
    scenario, plan = manifest.get("scenario") or {}, manifest.get("plan") or {}
    told = {
        "Scenario": scenario.get("path"),
        "Fault plan": plan.get("path"),
        "Seed": manifest.get("seed"),
        "Arms": ", ".join(f"{arm['name']} (features {_told_of(arm)})" for arm in manifest["arms"]),
        "Pairs of arms": manifest["pairs"],
        "Offered load": f"{manifest['rate_per_s']:g} requests/s, open loop" if manifest.get("rate_per_s") else None,
        "Duration": f"{manifest['duration_s']:g} s for each arm" if manifest.get("duration_s") else None,
        "Deadline": f"{manifest['deadline_s']:g} s from intended start",
        "Goodput's bounds": _bounds(goodput_of(manifest)),
        "Prices": prices.told if (prices := prices_of(manifest)) else None,
        "Machine": _listed(manifest.get("machine") or {}),
        "Versions": _listed(manifest.get("versions") or {}),
    }
    return [(name, str(value)) for name, value in told.items() if value not in (None, "")]


def _told_of(arm: dict[str, Any]) -> str:
    return f"{arm.get('features', 'unknown')}{', without faults' if arm.get('faults') is False else ''}"


def _bounds(goodput: Goodput | None) -> str:
    """Of each request."""
    if goodput is None:
        return ""
    words = {"first token": goodput.ttft_s, "longest gap": goodput.gap_s, "total": goodput.total_s}
    return ", ".join(f"{name} {seconds(value)}" for name, value in words.items() if value is not None)


def _listed(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
