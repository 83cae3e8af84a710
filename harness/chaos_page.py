"""What the Chaos tab of Locust's web UI shows and does, for the run that goes on."""

from collections.abc import Callable
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any

from harness.chaos import ProxyControl
from harness.scenario import PLANS
from harness.single_run import SingleRun
from records.bad_input import unknown

NO_RUN = "No test is running. Once one is, its faults are here."
FOREIGN = "The app of --host is there already: what strikes its provider is not Headwind's. Start without --host for faults."


class ChaosPage:
    """Asks the proxy of the run, if there is one."""

    def __init__(self, run: Callable[[], SingleRun | None], report: Callable[[], Path | None]) -> None:
        self._run, self.report = run, report

    def told(self) -> dict[str, Any]:
        """What is armed and what landed, or why there is nothing to tell; plans to choose from."""
        told = {"state": None, "why": self._why_not(), "plans": sorted(self._plans()), "report": self.report() is not None}
        control = self._control
        if control is None:
            return told
        try:
            return told | {"state": control.told()}
        except (OSError, HTTPException) as error:
            return told | {"why": _silent(error)}

    def change(self, asked: Any) -> tuple[int, dict[str, Any]]:
        """What the proxy says to it; a plan may be named instead of written."""
        control = self._control
        if control is None:
            return 409, {"problems": [self._why_not()]}
        if not isinstance(asked, dict):
            return 400, {"problems": ["the change: must be a JSON object"]}
        if "plan_named" in asked:
            plans, name = self._plans(), str(asked["plan_named"])
            if name not in plans:
                return 400, {"problems": [unknown("plan", name, plans)]}
            asked = {key: value for key, value in asked.items() if key != "plan_named"} | {"plan": plans[name](), "name": name}
        try:
            return control.change(asked | {"by": "web ui"})
        except (OSError, HTTPException) as error:
            return 503, {"problems": [_silent(error)]}

    @property
    def _control(self) -> ProxyControl | None:
        run = self._run()
        return run.control if run else None

    def _why_not(self) -> str:
        return FOREIGN if self._run() else NO_RUN

    def _plans(self) -> dict[str, Callable[[], str]]:
        """The text of each by its name: those of ours, and the one that the run began with."""
        read = {path.stem: partial(path.read_text, encoding="utf-8") for path in PLANS.glob("*.toml")}
        plans: dict[str, Callable[[], str]] = {**read}
        if (run := self._run()) and run.scenario.plan_path:
            text = run.scenario.plan_text
            plans[run.scenario.plan_path.stem] = lambda: text
        return plans


def _silent(error: Exception) -> str:
    return f"The proxy does not answer ({error}): a fault may make it refuse connections for a while."
