"""The weather of a test: put under the clients that it is told of, and taken away at the end."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import httpx

from faults.found import find_kinds
from faults.plan import Fault, Plan
from faults.reading import parse_plan, read_plan
from faults.transport import AsyncTransport, Transport
from faults.weather import Weather
from records.bad_input import BadInput, unknown

C = TypeVar("C")

PLANS = Path(__file__).with_name("plans")
HOLDERS = ("_client", "_async_client", "root_client", "root_async_client")
"""Where the clients of OpenAI, Anthropic, Ollama and LangChain keep the httpx client that they are made of."""


class Applied(Weather):
    """`apply` is for clients that exist, `transport` and `async_transport` for new ones; `rows` and `struck` tell what came."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._before: list[tuple[Any, str, Any]] = []

    def transport(self, inner: httpx.BaseTransport | None = None) -> Transport:
        """httpx.Client(transport=weather.transport())"""
        return Transport(self, inner)

    def async_transport(self, inner: httpx.AsyncBaseTransport | None = None) -> AsyncTransport:
        """httpx.AsyncClient(transport=weather.async_transport())"""
        return AsyncTransport(self, inner)

    def apply(self, client: C) -> C:
        """The same client, with the faults under every httpx client it is made of; until `take_back`."""
        found = list(_http_clients(client, set()))
        if not found:
            raise TypeError(
                f"{type(client).__name__} is no httpx.Client or httpx.AsyncClient, and holds none in {', '.join(HOLDERS)}; "
                "where its httpx client is made, give that one transport=weather.transport()"
            )
        for one in found:
            self._put_under(one)
        return client

    def _put_under(self, client: httpx.Client | httpx.AsyncClient) -> None:
        carrier: Any = Transport if isinstance(client, httpx.Client) else AsyncTransport
        mounts = {to: inner and carrier(self, inner) for to, inner in client._mounts.items()}
        for name, value in (("_transport", carrier(self, client._transport)), ("_mounts", mounts)):
            self._before.append((client, name, getattr(client, name)))
            setattr(client, name, value)

    def take_back(self) -> None:
        """The clients are as they were; calls that were left open end here."""
        while self._before:
            client, name, value = self._before.pop()
            setattr(client, name, value)
        for exchange in list(self.open):
            exchange.finish()

    def problems(self, must_land: bool) -> list[str]:
        """What makes a test under this weather say less than it seems to."""
        struck = [one for row in self.rows for one in row["struck"]]
        bugs = Counter((one["fault"], one["bug"]) for one in struck if "bug" in one)
        told = [f'the fault "{fault}" has a bug: {bug}; it severed {calls(n)}' for (fault, bug), n in bugs.items()]
        landed = {one["fault"] for one in struck}
        missing = [fault.name for fault in self.plan.faults if must_land and fault.name not in landed]
        return told + [f'the fault "{fault}" never struck, in {calls(len(self.rows))}' for fault in missing]


def calls(number: int) -> str:
    return f"{number} call{'' if number == 1 else 's'}"


def _http_clients(of: Any, known: set[int]) -> Iterator[httpx.Client | httpx.AsyncClient]:
    if id(of) in known:
        return
    known.add(id(of))
    if isinstance(of, httpx.Client | httpx.AsyncClient):
        yield of
        return
    for name in HOLDERS:
        if (held := getattr(of, name, None)) is not None:
            yield from _http_clients(held, known)


def plan_of(told: tuple[str | Path | Fault | Plan, ...], seed: int | None, faults_dir: str | Path, home: Path) -> Plan:
    """Faults, or one plan: itself, its text, its file (beside the test, too), or the name of one of ours."""
    if all(isinstance(one, Fault) for one in told):
        return Plan(tuple(one for one in told if isinstance(one, Fault)), seed or 0, "test")
    if len(told) != 1:
        raise TypeError(f"one plan or any number of Fault(...), got {', '.join(type(one).__name__ for one in told)}")
    plan = told[0] if isinstance(told[0], Plan) else _read(told[0], faults_dir, home)
    return plan if seed is None else replace(plan, seed=seed)


def _read(told: object, faults_dir: str | Path, home: Path) -> Plan:
    kinds = find_kinds(faults_dir)
    if isinstance(told, str) and "=" in told:
        return parse_plan(told, "plan", kinds)
    found = [path for path in (Path(str(told)), home / str(told), PLANS / f"{told}.toml") if path.is_file()]
    if not found:
        raise BadInput(unknown("plan", str(told), [path.stem for path in PLANS.glob("*.toml")]))
    return read_plan(found[0], kinds)
