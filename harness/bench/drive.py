"""Asks for streams as fast or as slowly as they come, and measures what that cost a process."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Protocol

import aiohttp

from harness.processes import Process


@dataclass(frozen=True)
class Cost:
    """What requests cost, round by round."""

    cpu_ms: "Spread"
    """Of the process, a request."""
    per_s: "Spread"
    """Requests a second, asked for as fast as they are answered."""


@dataclass(frozen=True)
class Spread:
    """Median, least and most of a figure's rounds."""

    values: tuple[float, ...]

    def __str__(self) -> str:
        return f"{median(self.values):.2f} ({min(self.values):.2f} to {max(self.values):.2f})"

    def over(self, other: "Spread") -> "Spread":
        """Round by round, so that a machine that got slower for both does not show."""
        return Spread(tuple(mine / its for mine, its in zip(self.values, other.values, strict=True)))


class Load(Protocol):
    """So many requests, all of which must be answered in full."""

    @property
    def count(self) -> int: ...

    async def ask(self, first: int) -> None:
        """Asks them, numbered from `first`."""


@dataclass(frozen=True)
class Streams:
    """What to ask for."""

    url: str
    body: Callable[[int], dict[str, object]]
    count: int = 150
    at_once: int = 20

    async def ask(self, first: int) -> None:
        await _ask_all(self, first)


def cost_of(process: Process, load: Load, first: int) -> tuple[float, float]:
    """CPU milliseconds of `process` a request, and requests a second; they are numbered from `first`."""
    before_s, began_s = process.cpu_s(), time.monotonic()
    asyncio.run(load.ask(first))
    after_s, took_s = process.cpu_s(), time.monotonic() - began_s
    if before_s is None or after_s is None:
        raise SystemExit("This system does not tell the CPU seconds of a process; the bench needs Linux.")
    return (after_s - before_s) * 1000 / load.count, load.count / took_s


def in_turn(processes: Mapping[str, Process], loads: Mapping[str, Load], rounds: int) -> dict[str, Cost]:
    """What a request of each load costs its process, asked in turn; a first round warms up and does not count."""
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in processes}
    first = 0
    for round_ in range(rounds + 1):
        for name, process in processes.items():
            cost = cost_of(process, loads[name], first)
            first += loads[name].count
            if round_:
                spent[name].append(cost)
    return {name: Cost(*(Spread(tuple(one)) for one in zip(*costs, strict=True))) for name, costs in spent.items()}


async def _ask_all(streams: Streams, first: int) -> None:
    numbers = iter(range(first, first + streams.count))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def user() -> None:
            for number in numbers:
                await _ask(session, streams, number)

        await asyncio.gather(*(user() for _ in range(streams.at_once)))


async def _ask(session: aiohttp.ClientSession, streams: Streams, number: int) -> None:
    data = json.dumps(streams.body(number)).encode()
    headers = {"content-type": "application/json", "x-request-id": f"p01-{number:06d}"}
    async with session.post(streams.url, data=data, headers=headers) as response:
        body = await response.read()
    if response.status != 200 or b"done" not in body:
        raise SystemExit(f"{streams.url}: status {response.status}, {body[-300:]!r}")
