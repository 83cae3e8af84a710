"""Whether the figures of a run can be trusted: all its rows are there, and they tell of the app, not of the load generator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from records.folder import APP, CALLS, MODEL, REQUESTS
from reports import changes
from reports.arm import Arm
from reports.bugs import bugs
from reports.conditions import LATE_GENERATOR, MOST_LAG_S, stolen, too_few_sent
from reports.cost import unpriced
from reports.manifest import is_embedded
from reports.prices import prices_of
from reports.tally import Tally
from reports.usable import count_of

Metrics = Mapping[str, Mapping[str, float | None]]


@dataclass(frozen=True)
class Checks:
    """What was found, as sentences, by what it makes of the run."""

    invalid: tuple[str, ...] = ()
    inconclusive: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    """To be told, and no verdict."""
    dispatch_s: Mapping[str, float] = field(default_factory=dict)
    """How late the generator itself was, P95, for each arm of which it tells."""


def check(arms: Sequence[Arm], manifest: Mapping[str, Any], metrics: Metrics) -> Checks:
    """All that can be said of a run's rows as a whole."""
    tallies = [one for arm in arms for one in arm.tallies]
    embedded, partial = is_embedded(dict(manifest)), manifest["state"] != "complete"
    dispatch_s = {arm.name: lag for arm in arms if (lag := _dispatch_s(arm)) is not None}
    users = (manifest.get("workload") or {}).get("users")
    lost = _lost(tallies) if embedded else ()
    late, waited = ([], []) if partial else too_few_sent(tallies, manifest)
    return Checks(
        invalid=(
            *(manifest.get("ended_early") or ()),
            *bugs(arms),
            *stolen(manifest),
            *late,
            *(_unrecorded(tallies) if embedded else ()),
            *(() if partial else lost),
            *_mixed(tallies),
        ),
        inconclusive=(*incomplete(tallies, manifest.get("planned") or {}), *changes.inconclusive(arms)),
        # Calls that were in flight when the run was interrupted never got their row.
        problems=(
            *changes.problems(arms),
            *unpriced(arms, prices_of(manifest)),
            *_busy_users(metrics, dispatch_s, users),
            *waited,
            *(lost if partial else ()),
            *_unasked(tallies),
        ),
        dispatch_s=dispatch_s,
    )


def _dispatch_s(arm: Arm) -> float | None:
    """The worst of its pairs; None where the generator does not tell of all of them."""
    lags = [one.lag_p95_s for one in arm.tallies if one.requests]
    known = [lag for lag in lags if lag is not None]
    return max(known) if known and len(known) == len(lags) else None


def incomplete(tallies: Sequence[Tally], planned: Mapping[str, int]) -> list[str]:
    """A sentence for each arm that has rows of fewer requests than the schedule held."""
    found = {one.folder: one.requests for one in tallies}
    return [
        f"The arm {folder} has rows of {found.get(folder, 0)} of {count} scheduled requests."
        for folder, count in planned.items()
        if found.get(folder, 0) < count
    ]


def _unrecorded(tallies: Sequence[Tally]) -> list[str]:
    """A sentence for each file that must have rows and has none."""
    without_calls = [
        f"{one.folder}/{CALLS} has no row, though {one.uncached} requests were not served by the cache: what the proxy did is "
        f"unknown. Read {one.folder}/logs/proxy.log"
        for one in tallies
        if one.uncached and not one.calls
    ]
    without_generations = [
        f"{one.folder}/{MODEL} has no row, though the model worked for {one.answered} requests: what it spent is unknown. "
        f"Read {one.folder}/logs/model.log"
        for one in tallies
        if one.answered and not one.generations
    ]
    return without_calls + without_generations


def _lost(tallies: Sequence[Tally]) -> tuple[str, ...]:
    return tuple(
        f"{one.folder}: {one.lost} of {one.attempts} attempts that the app tells have no call in {CALLS}: the proxy lost them "
        f"or never got them. Read {one.folder}/logs/proxy.log"
        for one in tallies
        if one.lost and one.calls
    )


def _mixed(tallies: Sequence[Tally]) -> list[str]:
    """A sentence for each folder that holds rows of two runs: nobody can tell which calls belong to which."""
    strangers = [
        f"{one.folder}: {count_of(one.strangers)} of another arm, pair or run {'is' if one.strangers == 1 else 'are'} mixed "
        "in. Run it again, into a folder of its own."
        for one in tallies
        if one.strangers
    ]
    return strangers + [
        f"{one.folder}: {count_of(one.twice)} of {REQUESTS} {'bears' if one.twice == 1 else 'bear'} a request id that came "
        "before: two runs or two load generators wrote into it. Run it again, into a folder of its own."
        for one in tallies
        if one.twice
    ]


def _unasked(tallies: Sequence[Tally]) -> list[str]:
    """A sentence for each folder with rows of requests that nobody sent."""
    counts = {
        one.folder: {
            f"in {CALLS}": one.unasked_calls,
            f"in {APP}": one.unasked_attempts,
            f"in {MODEL}": one.unasked_generations,
        }
        for one in tallies
    }
    told = {folder: [f"{count_of(count)} {what}" for what, count in of.items() if count] for folder, of in counts.items()}
    return [
        f"{folder} holds {' and '.join(of)} of no request in {REQUESTS}, which are in no figure of a request: somebody else "
        "used the app or its provider meanwhile, or requests left no row."
        for folder, of in told.items()
        if of
    ]


def lagging(metrics: Metrics, dispatch_s: Mapping[str, float]) -> list[str]:
    """A sentence for each arm whose load generator lagged: by its own word, or where it gives none, by when it sent."""
    late = {arm: (dispatch_s.get(arm), of.get("send_lag_p95_s")) for arm, of in metrics.items()}
    return [
        f'The load generator lagged in arm "{arm}": P95 of {"sent" if own is None else "dispatched"} minus intended is '
        f"{lag:.2f} s, at most {MOST_LAG_S:g} s is accepted. {_REMEDY[own is None]}"
        for arm, (own, sent) in late.items()
        for lag in (sent if own is None else own,)
        if lag is not None and lag > MOST_LAG_S
    ]


_REMEDY = {
    True: LATE_GENERATOR,
    False: "Lower the rate, or give it a core of its own.",
}


def _busy_users(metrics: Metrics, dispatch_s: Mapping[str, float], users: object) -> list[str]:
    """A sentence for each arm where requests waited for a user although the generator was punctual."""
    who = "all users" if users is None else f"all {users} users"
    return [
        f'{who} were busy in arm "{arm}": P95 of sent minus intended is {sent:.2f} s; '
        f"latency counts from the intended start all the same. Raise the users to send on time."
        for arm, own_s in dispatch_s.items()
        if (sent := metrics[arm].get("send_lag_p95_s")) is not None and own_s <= MOST_LAG_S < sent
    ]
