"""One test, written down: what a load-generating process must know to play its part."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from scenarios.workload import Arrival, Workload, schedule


@dataclass(frozen=True)
class Ticket:
    """One arm of one pair, under one workload. Rides to the workers in Locust's spawn message."""

    workload: Workload
    seed: int
    pair: int
    arm: str
    rows_path: str
    """requests.jsonl of the arm's folder; all processes append to it."""
    start_s: float = 0.0
    """On the machine's clock; the workers share it."""
    until_s: float = 0.0
    """Arrivals are due for so long."""
    workers: tuple[str, ...] = ()
    """Who takes part, by Locust's client id; the place in here says which arrivals are whose."""

    def planned(self, worker: str) -> Iterator[Arrival]:
        """The arrivals of one worker: none for one who came too late to take part."""
        if worker not in self.workers:
            return iter(())
        return schedule(self.workload, self.seed, self.pair, self.workers.index(worker), len(self.workers))


def to_wire(ticket: Ticket) -> dict[str, Any]:
    return {**vars(ticket), "workload": vars(ticket.workload)}


def from_wire(wire: dict[str, Any]) -> Ticket:
    """Lists become tuples again: Locust's messages know no tuples."""
    workload = Workload(**wire["workload"])
    workload = replace(workload, temperatures=tuple(workload.temperatures))
    return Ticket(**{**wire, "workload": workload, "workers": tuple(wire["workers"])})
