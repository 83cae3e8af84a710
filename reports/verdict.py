"""The verdict of a run: pass, fail, inconclusive, vacuous or invalid, with every reason and the exit code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.bounds import Judged
from reports.changes import silenced
from reports.checks import Checks, Metrics, lagging
from reports.recovery import Landing

if TYPE_CHECKING:
    from reports.gate import Gate

EXIT_CODES = {"pass": 0, "fail": 3, "inconclusive": 4, "vacuous": 4, "invalid": 5}
MOST_PROXY_CPU = 0.5
"""Of a core. Beyond it mitmproxy's own queueing shows in latencies (measured at 100 and 200 streams of 20 tokens/s)."""
NOTHING_FOUND = Checks()
PARTIAL = "The run is partial: it was stopped before its end, so it cannot pass."


@dataclass(frozen=True)
class Verdict:
    """What a run amounts to; `reasons` are whole sentences, the decisive ones first."""

    state: str
    reasons: tuple[str, ...]
    partial: bool = False

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.state]


def verdict(
    metrics: Metrics,
    judged: Sequence[Judged],
    landed: Mapping[str, Sequence[Landing]],
    partial: bool,
    cpu_share: Mapping[str, Mapping[str, float]] = {},
    checks: Checks = NOTHING_FOUND,
    gates: "Sequence[Gate]" = (),
) -> Verdict:
    """The verdict over the metrics of every planned arm. Invalid outweighs all: such figures say nothing of the app.

    `cpu_share`: cores used while the load ran, by the arm's folder and the process's name.
    """
    found = {
        "invalid": [*checks.invalid, *lagging(metrics, checks.dispatch_s), *_busy_proxies(cpu_share)],
        "fail": [_told(one) for one in judged if one.state == "fail"],
        "vacuous": vacuous_because(metrics, landed),
        "inconclusive": [_told(one) for one in judged if one.state == "inconclusive"] + list(checks.inconclusive),
    }
    if partial:
        found["inconclusive"].append(PARTIAL)
    for gate in gates:
        found.setdefault(gate.outcome, []).append(gate.told)
    passed = found.pop("pass", [])
    state = next((state for state, reasons in found.items() if reasons), "pass")
    reasons = [reason for group in found.values() for reason in group]
    return Verdict(state, tuple([*reasons, *passed] or [_passed(judged)]), partial)


def _busy_proxies(cpu_share: Mapping[str, Mapping[str, float]]) -> list[str]:
    """A sentence for each proxy so busy that the times it passed on are its own."""
    return [
        f"The proxy of {folder} used {of['proxy']:.2f} of a core, at most {MOST_PROXY_CPU:g} is accepted. Lower the rate."
        for folder, of in cpu_share.items()
        if of.get("proxy", 0.0) > MOST_PROXY_CPU
    ]


def vacuous_because(metrics: Metrics, landed: Mapping[str, Sequence[Landing]]) -> list[str]:
    """A sentence for each arm where nothing finished or nothing was right, and for each planned fault that never landed."""
    empty = [f'No request finished in arm "{arm}".' for arm, of in metrics.items() if not of.get("requests")]
    wrong = [f'No request of arm "{arm}" got a right answer.' for arm, of in metrics.items() if of.get("ok_share") == 0]
    return empty + wrong + _never_landed(landed)


def spared(landed: Mapping[str, Sequence[Landing]]) -> list[str]:
    """What is told of faults too rare for so short a run: known before it began, so not vacuous unless it is so for all."""
    never = {one.name: one for landings in landed.values() for one in landings if one.spared_of}
    for one in (one for landings in landed.values() for one in landings if one.struck):
        never.pop(one.name, None)
    if len(never) > 1:
        told = ", ".join(f'"{one.name}" ({one.share:g} of {one.spared_of})' for one in never.values())
        return [
            f"{len(never)} faults were not to strike: their shares spare all requests that they are meant for: {told}. "
            "To meet them, give them at_least = 30, or ask more."
        ]
    return [
        f'The fault "{one.name}" was not to strike: a share of {one.share:g} spares all {one.spared_of} requests that it is '
        "meant for. To meet it, give it at_least = 30, or ask more."
        for one in never.values()
    ]


def _never_landed(landed: Mapping[str, Sequence[Landing]]) -> list[str]:
    every = [one for landings in landed.values() for one in landings if one.share]
    if any(one.struck for one in every):
        landed = {arm: [one for one in landings if not one.spared_of] for arm, landings in landed.items()}
    struck: dict[str, int] = {}
    why: dict[str, list[str]] = {}
    for arm, one in ((arm, one) for arm, landings in landed.items() for one in landings if one.share):
        struck[one.name] = struck.get(one.name, 0) + one.struck
        why.setdefault(one.name, []).extend([f'in arm "{arm}" {silenced(one.silenced)}'] if one.silenced else [])
    never = [name for name, count in struck.items() if not count]
    plain = [f'"{name}"' for name in never if not why[name]]
    told = [f"The planned fault{'s' * (len(plain) > 1)} {', '.join(plain)} never landed in any arm."] if plain else []
    silent = [name for name in never if why[name]]
    return told + [f'The planned fault "{name}" never landed in any arm: {"; ".join(why[name])}.' for name in silent]


def _told(judged: Judged) -> str:
    if judged.why or judged.value is None or judged.limit is None:
        return f"{judged.bound.text}: inconclusive, {judged.why}."
    return f"{judged.bound.text}: {judged.state}, {judged.value:.4g} against {judged.limit:.4g}."


def _passed(judged: Sequence[Judged]) -> str:
    return f"All {len(judged)} bounds hold." if len(judged) > 1 else "The bound holds." if judged else "No bound was asked for."
