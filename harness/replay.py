"""One request of a run again: the same question and the same weather, against the same stack, started anew for it alone."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from subprocess import TimeoutExpired
from tempfile import TemporaryDirectory

from harness.processes import Processes
from harness.recorded import Fate, Recorded, Row, fate
from harness.stack import start_stack
from records.folder import ArmFolder, RunFolder
from scenarios.ticket import to_wire

SLACK_S = 30.0


@dataclass(frozen=True)
class Line:
    """One thing, as it was recorded and as it came out now."""

    label: str
    recorded: str
    replayed: str
    must_agree: bool = True

    @property
    def differs(self) -> bool:
        return self.must_agree and self.recorded != self.replayed


@dataclass(frozen=True)
class Replayed:
    """Both fates, side by side."""

    lines: list[Line]
    notes: list[str]

    @property
    def agrees(self) -> bool:
        return not any(line.differs for line in self.lines)


def replay(recorded: Recorded) -> Replayed:
    """Starts the stack, asks, ends it, and compares."""
    with TemporaryDirectory(prefix="headwind-replay-") as scratch:
        again = RunFolder(Path(scratch)).arm(recorded.folder.arm, recorded.folder.pair)
        with Processes() as processes:
            _ask(processes, start_stack(processes, recorded.stack(), again), recorded, again)
        found = fate(again, recorded.request_id)
    return Replayed(compare(recorded.fate, found), list(recorded.notes()))


def _ask(processes: Processes, url: str, recorded: Recorded, folder: ArmFolder) -> None:
    words = [json.dumps(to_wire(recorded.ticket(folder))), recorded.request_id, url]
    asked = processes.start("ask", [sys.executable, "-m", "scenarios.ask", *words], folder.logs / "ask.log")
    try:
        code = asked.child.wait(recorded.workload.deadline_s + SLACK_S)
    except TimeoutExpired:
        code = -1
    if code:
        raise RuntimeError(f"the request was not asked: {asked.tail()}")


def compare(recorded: Fate, replayed: Fate) -> list[Line]:
    """Faults, attempts and outcome must agree; times are those of another moment."""

    def line(label: str, tell: Callable[[Fate], str], must_agree: bool = True) -> Line:
        return Line(label, tell(recorded), tell(replayed), must_agree)

    numbers = range(max(len(recorded.calls), len(replayed.calls)))
    return [
        line("outcome", lambda one: f"{one.request['outcome']}, status {one.request['status']}"),
        line("attempts", lambda one: str(len(one.calls))),
        *(line(f"{n + 1}: {label}", partial(_of_call, n, tell)) for n in numbers for label, tell in OF_CALL.items()),
        line("first token", _first_token, must_agree=False),
        line("finished", partial(_after, "finished_s"), must_agree=False),
    ]


def _of_call(number: int, tell: Callable[[Row], str], one: Fate) -> str:
    return tell(one.calls[number]) if number < len(one.calls) else "no such attempt"


def _struck(call: Row) -> str:
    return "\n".join(_strike(one) for one in call["struck"]) or "-"


def _strike(strike: Row) -> str:
    params = [f"{name} = {_brief(value)}" for name, value in strike["params"].items()]
    return " · ".join([strike["fault"], *params, *([strike["bug"]] if "bug" in strike else [])])


def _brief(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)


OF_CALL: dict[str, Callable[[Row], str]] = {
    "planned": lambda call: "\n".join(call["planned"]) or "-",
    "struck": _struck,
    "status": lambda call: str(call["status"]),
}


def _first_token(one: Fate) -> str:
    whole = one.request.get("task") == "chat" and one.request["outcome"] == "ok"
    return "not streamed" if whole else _after("first_token_s", one)


def _after(moment: str, one: Fate) -> str:
    at_s = one.request.get(moment)
    return "never" if at_s is None else f"after {at_s - one.request['sent_s']:.2f} s"
