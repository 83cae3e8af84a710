"""A plan's faults under the httpx clients of this process: what the addon is in the proxy, without one."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from threading import RLock
from typing import TYPE_CHECKING, Any

import httpx

from faults.actions import Action, Actions
from faults.armed import Armed
from faults.call import Call, Reader, announced, plain
from faults.plan import Plan
from faults.script import Script
from records.bad_input import unknown
from records.jsonl import RowFile

if TYPE_CHECKING:
    from faults.exchange import Exchange


@dataclass(eq=False)
class Weather:
    """What all calls of its transports share: the plan, its clock and its memory, and the rows of calls that have ended."""

    plan: Plan
    file: RowFile | None = None
    """Where each row is appended as well."""
    clock: Callable[[], float] | None = None
    """Seconds; the time of the event loop, or of the machine for clients without one, unless another is given."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    """A CallRow for each call that has ended, as a dict."""
    open: "set[Exchange]" = field(default_factory=set)

    def __post_init__(self) -> None:
        self.armed, self.reader, self.refused_until_s = Armed(self.plan), Reader(), -inf
        self.lock = RLock()
        """Faults may share state, and clients may call from several threads; held only while nothing waits."""

    def begin(self, request: httpx.Request, now_s: Callable[[], float]) -> Call:
        """The call that this request is, and the script of the faults that are to strike it."""
        began_s = now_s()
        if self.armed.begins_with(request.method):
            self.armed.began_s = began_s
        known = announced(request.url.raw_path.decode(), plain(request.headers.raw))
        call = Call("", began_s, self.reader.request(known, request.content, self.armed.at_s(began_s)))
        if faults := self.armed.decide(call.request):
            call.script = Script(call.request, faults, now_s)
        return call

    @contextmanager
    def one_by_one(self, actions: Actions) -> Iterator[Iterator[Action]]:
        """The fault is over when the call is, not only when the error that ended it is forgotten."""
        try:
            yield self._each(actions)
        finally:
            if isinstance(actions, Generator):
                with self.lock:
                    actions.close()

    def _each(self, actions: Actions) -> Iterator[Action]:
        while True:
            with self.lock:
                action = next(actions, None)
            if action is None:
                return
            yield action

    def refuse(self, struck: "Exchange", seconds: float) -> None:
        """As if the provider's process died: every other call breaks too, and nobody can connect for so long."""
        with self.lock:
            now_s = struck.now()
            self.refused_until_s = max(self.refused_until_s, now_s + seconds)
            assert struck.call.script
            for other in self.open - {struck}:
                other.call.broken_by(struck.call.script.struck[-1], now_s)
                other.break_off()

    def end(self, call: Call, now_s: float) -> None:
        """Its places are given back, its row is written."""
        with self.lock:
            call.give_back()
            if call.script:
                self.armed.count(call.started_s, call.script)
            row = vars(call.row(now_s))
            self.rows.append(row)
        if self.file:
            self.file.write(row)

    def struck(self, fault: str) -> list[dict[str, Any]]:
        """Each time this fault struck so far, also in calls that go on still: at_s, message, byte, params."""
        names = [one.name for one in self.plan.faults]
        if fault not in names:
            raise ValueError(unknown("fault", fault, names))
        with self.lock:
            rows = self.rows + [vars(one.call.row(one.now())) for one in self.open]
        return [struck for row in rows for struck in row["struck"] if struck["fault"] == fault]
