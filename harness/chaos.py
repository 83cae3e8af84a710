"""What is done about the faults of an arm while it is under load: its plan's `halt_if` is watched, and changes are told."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http.client import HTTPException
from typing import Any

import orjson

from faults.control import PATH
from faults.plan import HaltIf, Plan
from harness.halting import Halting
from harness.processes import DIRECT, Processes
from harness.progress import Fresh
from records.folder import CHANGES, REQUESTS, ArmFolder

ANSWER_S = 5.0


class ProxyControl:
    """The control of a proxy, over its own port."""

    def __init__(self, proxy_url: str) -> None:
        self.url = proxy_url + PATH

    def told(self) -> dict[str, Any]:
        """What is armed and what landed; OSError where nobody answers."""
        return self._ask(urllib.request.Request(self.url))[1]

    def change(self, change: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and answer: what is armed now, or `problems`."""
        json_ = {"content-type": "application/json"}
        return self._ask(urllib.request.Request(self.url, json.dumps(change).encode(), json_))

    @staticmethod
    def _ask(request: urllib.request.Request) -> tuple[int, dict[str, Any]]:
        try:
            with DIRECT.open(request, timeout=ANSWER_S) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)


def control_of(processes: Processes) -> ProxyControl | None:
    """The control of the stack's proxy, once that one listens."""
    urls = [process.url() for process in processes.started if process.name == "proxy"]
    return ProxyControl(urls[0]) if urls and urls[0] else None


class ChaosWatch:
    """Ends the chaos of one arm when too many of its users fail, and tells what was changed by whomever."""

    def __init__(self, folder: ArmFolder, plan: Plan | None, control: ProxyControl | None) -> None:
        self._control = control
        self._changes, self._requests = Fresh(folder.path / CHANGES), Fresh(folder.path / REQUESTS)
        self._since_s, self._must_ask = 0.0, False
        self._watch(plan.halt_if if plan else None)

    def _watch(self, limit: HaltIf | None) -> None:
        self._halting = Halting(limit) if limit and self._control else None

    def look(self) -> list[str]:
        """A sentence for each change since the last look."""
        changes = list(_rows(self._changes))
        for change in changes:
            self._heed(change)
        # Where nobody answers, it is tried again at the next look: a fault may refuse connections for a while.
        with suppress(OSError, HTTPException):
            self._ask_limit()
            self._halt(time.monotonic())
        return [f"Faults: {in_words(change)}" for change in changes]

    def _heed(self, change: dict[str, Any]) -> None:
        if change["action"] in ("stop", "plan"):
            self._watch(None)
            self._since_s, self._must_ask = change["at_s"], change["action"] == "plan"

    def _ask_limit(self) -> None:
        """The limit of a plan that came while the load ran."""
        if self._must_ask and self._control:
            told = self._control.told()["halt_if"]
            self._watch(HaltIf(**told) if told else None)
            self._must_ask = False

    def _halt(self, now_s: float) -> None:
        if not self._halting or not self._control:
            return
        for row in _rows(self._requests):
            if row["finished_s"] >= self._since_s:
                self._halting.add(row["finished_s"], row["outcome"])
        if why := self._halting.why(now_s):
            self._control.change({"stop": True, "by": "halt_if", "why": why})


def _rows(fresh: Fresh) -> Iterator[dict[str, Any]]:
    """A line that is torn, as of a disk that was full, is the report's to tell."""
    for line in fresh.read().splitlines():
        with suppress(ValueError):
            yield orjson.loads(line)


def in_words(change: Mapping[str, Any]) -> str:
    """A row of changes.jsonl in words."""
    said = {
        "on": "{fault} is on",
        "off": "{fault} is off",
        "share": "{fault} strikes a share of {value:g}",
        "plan": "the plan is now {value}",
        "stop": "all of them are stopped",
    }[change["action"]].format(**change)
    return f"{said}, by {change['by']}" + (f": {change['why']}" if change["why"] else "")
