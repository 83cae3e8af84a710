"""pytest's fixture `headwind_faults`: faults under a test's own httpx clients. Loaded in every run: imports next to nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from faults.applied import Applied
    from faults.plan import Fault, Plan


class Apply(Protocol):
    """What the fixture is."""

    def __call__(
        self,
        *plan: "str | Path | Fault | Plan",
        seed: int | None = None,
        must_land: bool = False,
        faults_dir: str | Path = "",
    ) -> "Applied": ...


@pytest.fixture
def headwind_faults(request: pytest.FixtureRequest) -> Iterator[Apply]:
    """weather = headwind_faults("plan.toml"), or the plan's text, or Fault(...), ...; then weather.apply(client).

    When the test is over, its clients are as before. A fault that raised fails it; with `must_land`, one that never struck too.
    """
    # Not above: a run that asks for no faults does not wait for httpx.
    from faults.applied import Applied, plan_of

    begun: list[tuple[Applied, bool]] = []

    def begin(
        *plan: "str | Path | Fault | Plan", seed: int | None = None, must_land: bool = False, faults_dir: str | Path = ""
    ) -> Applied:
        begun.append((Applied(plan_of(plan, seed, faults_dir, request.path.parent)), must_land))
        return begun[-1][0]

    yield begin
    problems = []
    for weather, must_land in begun:
        weather.take_back()
        problems += weather.problems(must_land)
    if problems:
        pytest.fail("headwind_faults: " + "\n".join(problems), pytrace=False)
