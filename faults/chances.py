"""What is foreseen of a run: its first attempts, and which faults of a call leave the others no chance. Pure: plays scripts."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf

from faults.actions import Action, Actions, Finish, Pause, Refuse, Reply, Request, Sever
from faults.plan import Fault
from faults.script import Script

ENDINGS = (Reply, Sever, Finish, Refuse)
MOST_ACTIONS = 10_000
"""Of one call; a fault that has still not come to its end then, such as pings for ever, leaves no chance to the others."""


@dataclass(frozen=True)
class Foreseen:
    """What the provider will be asked, and what it would answer."""

    calls: tuple[Request, ...]
    """First attempts only: nobody knows which of them will be tried again."""
    content_type: str = ""
    answer: Sequence[bytes] = ()
    """The messages of a healthy answer."""
    patience_s: float = inf
    """Nobody waits longer."""

    def without_chance(self, call: Request, faults: Iterable[Fault]) -> set[str]:
        """Names of the faults that another one leaves no chance: a stream that is cut never comes to its stall."""
        # State of their own: what one call does to a quota does not matter to the next, as nobody knows when that one comes.
        script = Script(call, [replace(fault, shared={}) for fault in faults], lambda: 0.0)
        if len(script.faults) < 2:
            return set()
        return set(script.missed) if self._is_ended(_each(self._whole(script))) else set()

    def _whole(self, script: Script) -> Iterator[Actions]:
        yield script.on_request()
        yield script.on_headers({"content-type": self.content_type})
        yield from map(script.on_data, self.answer)
        yield script.on_end()

    def _is_ended(self, actions: Iterable[Action]) -> bool:
        """Whether one of them ends the call before the answer does."""
        waited_s = 0.0
        for number, action in enumerate(actions):
            waited_s += action.seconds if isinstance(action, Pause) else 0.0
            if isinstance(action, ENDINGS) or waited_s > self.patience_s or waited_s == inf or number > MOST_ACTIONS:
                return True
        return False


def _each(parts: Iterable[Actions]) -> Iterator[Action]:
    for actions in parts:
        yield from actions
