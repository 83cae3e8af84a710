"""Plays the faults of one call against its exchange: what comes in, message by message, becomes what is to be done."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from traceback import extract_tb
from typing import Any

from faults.actions import (
    ALLOWED,
    SUBJECTS,
    Action,
    Actions,
    Finish,
    Headers,
    Message,
    Occupy,
    Request,
    Sever,
    Subject,
    fresh_state,
    name_of,
    state_of,
    subject_of,
)
from faults.messages import Messages
from faults.plan import Fault


class Script:
    """Every `on_` method gives the actions to perform, one by one; `clock` gives seconds of the run's clock."""

    def __init__(self, request: Request, faults: list[Fault], clock: Callable[[], float]) -> None:
        self.request, self.faults, self.now = request, faults, clock
        self._about = {subject: [fault for fault in faults if subject_of(fault.kind) == subject] for subject in SUBJECTS}
        self._arguments = {fault.name: _arguments(fault) for fault in faults}
        self._records: dict[str, dict[str, Any]] = {}
        self._added: Headers = {}
        self._messages = Messages()
        self._sent_on: dict[str, int] = {}
        """Bytes, by the fault that sent them on to another one."""
        self._passed_s = 0.0
        self.index = self.byte = 0

    @property
    def struck(self) -> list[dict[str, Any]]:
        """What struck, in the order it did: fault, kind, at_s, message, byte, params, and bug where the fault has one."""
        return list(self._records.values())

    @property
    def missed(self) -> list[str]:
        """Names of the faults that never got their chance."""
        return [fault.name for fault in self.faults if fault.name not in self._records]

    def is_about(self, subject: str) -> bool:
        return bool(self._about[subject])

    def on_request(self) -> Actions:
        """Before the provider is asked; when these are done, it is."""
        for fault in self._about["request"]:
            for action in self._play(fault, self.request):
                if isinstance(action, dict):
                    self._added |= action
                else:
                    yield action
        self._passed_s = self.now()

    def on_headers(self, headers: dict[str, str]) -> Actions:
        """When the provider's headers are here; names in lower case."""
        self._messages = Messages(headers.get("content-type", ""))
        if self._added:
            yield self._added
        for fault in self._about["headers"]:
            yield from self._play(fault, headers)

    def lets_pass(self, data: bytes) -> bool:
        """Whether a piece of the body is one message that nothing is done to; a short cut around `on_data`.

        To be asked only when all that was to be done before it is done.
        """
        faults = self._about["message"]
        if len(faults) != 1 or state_of(faults[0].kind) or not self._messages.is_one(data):
            return False
        message = self._message(data, self.now() - self._passed_s)
        try:
            untouched = [*islice(faults[0].kind(message, **faults[0].params), 2)] == [data]
        except Exception:
            return False  # and `on_data` will meet and record it
        if untouched:
            self.index, self.byte = self.index + 1, self.byte + len(data)
        return untouched

    def on_data(self, data: bytes) -> Actions:
        """When a piece of the body is here."""
        # Not a generator itself: the arrival is now, though the actions may be performed after an earlier pause.
        return self._through(self._messages.feed(data), self.now() - self._passed_s)

    def on_end(self) -> Actions:
        """When the body is complete; what comes after the last action is its orderly end."""
        return self._ending(self.now() - self._passed_s)

    def bug(self, fault: Fault, error: Exception) -> None:
        """A fault that does not work must not go unnoticed: it counts as struck and says why."""
        self._strike(fault)["bug"] = where_it_broke(error)

    def _ending(self, at_s: float) -> Actions:
        rest = [self._messages.rest] if self._messages.rest else []
        yield from self._through([*rest, b""], at_s, last=len(rest))

    def _through(self, messages: list[bytes], at_s: float, last: int = -1) -> Actions:
        """`last` is the place of the empty message that ends the body."""
        for n, data in enumerate(messages):
            yield from self._chain(self._about["message"], self._message(data, at_s, n == last))
            self.index += 1
            self.byte += len(data)

    def _message(self, data: bytes, at_s: float, last: bool = False) -> Message:
        return Message(self.index, self.byte, data, last, at_s, self.request, self._messages.sort)

    def _chain(self, faults: list[Fault], message: Message) -> Actions:
        """What one fault sends on is the message that the next one meets."""
        if len(faults) == 1:
            return self._play(faults[0], message, message.data)
        return self._chain_of_many(faults, message) if faults else iter((message.data,))

    def _chain_of_many(self, faults: list[Fault], message: Message) -> Actions:
        first, byte = faults[0].name, self._sent_on.get(faults[0].name, 0)
        for action in self._play(faults[0], message, message.data):
            if not isinstance(action, bytes):
                yield action
            elif action or not message.last:  # what was held back is no end yet
                self._sent_on[first] = byte + len(action)
                yield from self._chain(faults[1:], message._replace(data=action, last=False, byte=byte))
                byte = self._sent_on[first]
            if isinstance(action, Sever | Finish):
                return
        if message.last:
            yield from self._chain(faults[1:], message._replace(byte=byte))

    def _play(self, fault: Fault, subject: Subject, unchanged: bytes | None = None) -> Actions:
        """What the fault makes of its subject; it has struck with the first action that makes a difference."""
        allowed, came = ALLOWED[type(subject)], False
        try:
            for action in fault.kind(subject, **self._arguments[fault.name]):
                if not isinstance(action, allowed):
                    raise TypeError(f"{action!r} cannot be done to {subject_of(fault.kind)}")
                felt = _is_felt(action, subject)
                if felt and (came or action != unchanged):
                    self._strike(fault)
                came = came or felt
                yield action
            if unchanged and not came:
                self._strike(fault)  # it swallowed the message
        except Exception as error:
            self.bug(fault, error)
            yield Sever()

    def _strike(self, fault: Fault) -> dict[str, Any]:
        if fault.name not in self._records:
            self._records[fault.name] = {
                "fault": fault.name,
                "kind": name_of(fault.kind),
                "at_s": self.now(),
                "message": self.index,
                "byte": self.byte,
                "params": {name: _writable(value) for name, value in fault.params.items()},
            }
        return self._records[fault.name]


def _arguments(fault: Fault) -> dict[str, Any]:
    return {**fault.params, **fault.shared, **fresh_state(fault.kind, "memory")}


def _is_felt(action: Action, subject: Subject) -> bool:
    """Whether it makes a difference to the app: a place that is free does not, nor what a provider tells with every answer."""
    if isinstance(action, Occupy):
        return not action.places.free
    return not (isinstance(action, dict) and isinstance(subject, Request))


def where_it_broke(error: Exception) -> str:
    """The error, with file and line."""
    last = extract_tb(error.__traceback__)[-1]
    return f"{error!r} at {Path(last.filename).name}:{last.lineno}"


def _writable(value: object) -> object:
    """As JSON holds it: it knows no infinity, and orjson no whole number of more than 64 bits."""
    return str(value) if isinstance(value, int | float) and not abs(value) < 2**63 else value
