"""What users ask, and when: a schedule that is the same for every arm and for any number of worker processes."""

from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, count, takewhile
from math import log1p, sqrt
from typing import Literal

from records.chance import draw
from records.strict import Table
from scenarios.prompts import PROMPTS, prompt

Task = Literal["stream", "chat"]


@dataclass(frozen=True)
class Workload:
    """The `[workload]` table of a scenario."""

    rate_per_s: float = 15.0
    """Arrivals a second, over all users; 0 is the closed loop: every user asks again as soon as it was answered."""
    users: int = 50
    """The pool: at most so many requests are in flight."""
    spawn_per_s: float = 5.0
    duration_s: float = 35.0
    """Arrivals are due for so long; the last of them may still finish after it."""
    deadline_s: float = 10.0
    """How long a user waits, counted from the intended start."""
    stream_share: float = 0.75
    prompts: int = 60
    zipf_s: float = 1.0
    """The prompt of rank r is asked in proportion to r ** -zipf_s."""
    temperatures: tuple[float, ...] = (0.0, 0.3, 0.7)
    """None at all: no request asks for one, as of an app that chooses its own."""
    proof: bool = True
    """Whether answers carry their own proof, as those of the embedded model do."""

    @property
    def ramp_s(self) -> float:
        """How long the pool takes to fill."""
        return self.users / self.spawn_per_s


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request of the schedule."""

    offset_s: float
    """Due so long after the start; always 0 in the closed loop, where a user's readiness decides."""
    request_id: str
    task: Task
    prompt_key: str
    question: str
    temperature: float | None


def schedule(workload: Workload, seed: int, pair: int, worker: int = 0, workers: int = 1) -> Iterator[Arrival]:
    """Arrivals without end, in order; worker i of n takes those whose index leaves i when divided by n."""
    weights = list(accumulate(rank**-workload.zipf_s for rank in range(1, workload.prompts + 1)))
    expected = 0.0
    for index in count():
        request_id = f"p{pair:02d}-{index:06d}"
        # Exponential gaps of mean 1 make a Poisson process of rate 1; `_due_s` bends its time to the rate that is wanted.
        expected -= log1p(-draw(seed, "gap", request_id))
        if index % workers == worker:
            yield _arrival(workload, seed, request_id, _due_s(workload, expected), weights)


def due(workload: Workload, seed: int, pair: int) -> Iterator[Arrival]:
    """Every arrival of an open-loop run: the keys that each arm must have rows for."""
    return takewhile(lambda arrival: arrival.offset_s < workload.duration_s, schedule(workload, seed, pair))


def _due_s(workload: Workload, expected: float) -> float:
    """When `expected` arrivals are to be expected: the inverse of the integrated rate.

    The pool fills linearly, so the rate climbs with it: rate * t / ramp up to `ramp`, then `rate`. Integrated that is
    rate * t**2 / (2 * ramp) up to `ramp`, where it has reached rate * ramp / 2, and rate * (t - ramp / 2) after it.
    """
    rate, ramp = workload.rate_per_s, workload.ramp_s
    if not rate:
        return 0.0
    if expected < rate * ramp / 2:
        return sqrt(2 * ramp * expected / rate)
    return expected / rate + ramp / 2


def _arrival(workload: Workload, seed: int, request_id: str, offset_s: float, weights: list[float]) -> Arrival:
    rank = bisect(weights, draw(seed, "prompt", request_id) * weights[-1], hi=len(weights) - 1)
    warmth = int(draw(seed, "temperature", request_id) * len(workload.temperatures))
    temperature = workload.temperatures[warmth] if workload.temperatures else None
    return Arrival(
        offset_s=offset_s,
        request_id=request_id,
        task="stream" if draw(seed, "task", request_id) < workload.stream_share else "chat",
        prompt_key=_prompt_key(rank),
        question=prompt(rank),
        temperature=temperature,
    )


def prompts_of(workload: Workload) -> dict[str, str]:
    """Every question that may be asked, by its key."""
    return {_prompt_key(rank): prompt(rank) for rank in range(workload.prompts)}


def _prompt_key(rank: int) -> str:
    return f"q{rank:03d}"


def parse_workload(table: Table) -> Workload:
    """Reads `[workload]`; what is wrong with it joins the table's problems."""
    usual = Workload()
    workload = Workload(
        rate_per_s=float(table.number("rate_per_s", usual.rate_per_s, low=0)),
        users=table.number("users", usual.users, low=1, whole=True),
        spawn_per_s=float(table.number("spawn_per_s", usual.spawn_per_s, low=0.01)),
        duration_s=float(table.number("duration_s", usual.duration_s, low=0.1)),
        deadline_s=float(table.number("deadline_s", usual.deadline_s, low=0.1)),
        stream_share=float(table.number("stream_share", usual.stream_share, 0, 1)),
        prompts=table.number("prompts", usual.prompts, 1, len(PROMPTS), whole=True),
        zipf_s=float(table.number("zipf_s", usual.zipf_s, 0, 10)),
        temperatures=_temperatures(table, usual.temperatures),
        proof=table.flag("proof", usual.proof),
    )
    table.close()
    return workload


def _temperatures(table: Table, usual: tuple[float, ...]) -> tuple[float, ...]:
    if "temperatures" not in table.values:
        table.asked.add("temperatures")
        return usual
    found = table.items("temperatures")
    if not all(_is_temperature(value) for value in found):
        table.problem("temperatures", f"must be numbers between 0 and 2, or none at all, got {found!r}")
        return usual
    return tuple(float(value) for value in found)


def _is_temperature(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 2
