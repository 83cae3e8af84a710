"""Live control of the faults, over the proxy's own port: GET tells, PATCH or POST changes. Knows no proxy and no clock.

curl 127.0.0.1:PORT/__headwind__/faults -H 'content-type: application/json' -d '{"fault": "503 server busy", "on": false}'
"""

import re
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address
from typing import Any, NamedTuple

import orjson

from faults.armed import Armed, Change
from faults.plan import Plan
from faults.script import Script
from records.bad_input import BadInput, unknown
from records.rows import ChangeRow
from records.strict import Table

ROOM = "/__headwind__/"
"""What lies below it is the proxy's own, and never passed to the provider."""
PATH = ROOM + "faults"
ASKED_HOST = "x-headwind-asked-host"
"""Whom the caller asked, put there by the carrier: mitmproxy writes the provider's name into the host header."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
HANDS = ("control", "web ui", "halt_if")
FORMS = ("fault", "plan", "stop")
NAME = re.compile(r"[\w -]{1,80}")

Answer = tuple[int, dict[str, Any]]
"""Status and JSON."""
Parse = Callable[[str, str], Plan]
"""Makes a plan of its text and a name; raises BadInput."""


class Asked(NamedTuple):
    """A request to the control."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = b""
    peer: str = "127.0.0.1"
    """Where it came from."""


class Control:
    """Refuses the requests of strangers, and puts what the others ask into force."""

    def __init__(self, armed: Armed, parse: Parse, write: Callable[[ChangeRow], None]) -> None:
        self._armed, self._parse, self._write = armed, parse, write

    def answer(self, asked: Asked, now_s: float, in_flight: Iterable[tuple[float, Script]] = ()) -> Answer:
        if refusal := refused(asked):
            return refusal[0], {"problems": [refusal[1]]}
        if asked.method != "GET":
            try:
                changes = parse_changes(asked.body, self._armed.plan, self._parse)
            except BadInput as error:
                return 400, {"problems": list(error.problems)}
            for row in [row for change in changes for row in self._armed.make(change, now_s)]:
                self._write(row)
        return 200, self._armed.told(now_s, in_flight)


def refused(asked: Asked) -> tuple[int, str] | None:
    """Why a request is not heard: it may come from elsewhere, or from a web site that a browser of this machine has open."""
    if not ip_address(asked.peer.removeprefix("::ffff:")).is_loopback:
        return 403, f"Requests from {asked.peer} are refused: only programs of this machine may ask."
    host, origin = asked.headers.get(ASKED_HOST, ""), asked.headers.get("origin")
    # A name that somebody else's DNS resolves to this machine would make their page one of ours.
    if re.sub(r":\d+$", "", host) not in LOOPBACK:
        return 403, f"Requests to {host or 'no host'} are refused: ask 127.0.0.1 or localhost."
    if origin not in (None, f"http://{host}"):
        return 403, f"Requests from {origin} are refused: only this machine's programs and this server's own pages may ask."
    if asked.path != PATH:
        return 404, f"{asked.path} is not here: the faults are at {PATH}."
    if asked.method not in ("GET", "PATCH", "POST"):
        return 405, f"{asked.method} is not for faults: GET tells them, PATCH and POST change them."
    # Which a plain form of a web page cannot send.
    if asked.method != "GET" and asked.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return 415, "A change must be JSON, with the header content-type: application/json."
    return None


def parse_changes(body: bytes, plan: Plan, parse: Parse) -> list[Change]:
    """What is asked to be changed about `plan`; all that is wrong with it is told together, as BadInput."""
    problems: list[str] = []
    table = Table("the change", _json(body), problems)
    by: dict[str, Any] = {"by": table.choice("by", HANDS[0], HANDS, "hand"), "why": table.text("why")}
    forms = [name for name in FORMS if name in table.values]
    if len(forms) == 1:
        read = {"fault": _read_fault, "plan": _read_plan, "stop": _read_stop}[forms[0]]
        found = read(table, plan, parse, by)
        table.close()
    elif not problems:
        problems.append(f"the change: must name one of fault, plan or stop, got {' and '.join(forms) or 'none of them'}")
    if problems:
        raise BadInput(*problems)
    return found


def _json(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"the change: not readable as JSON: {error}") from None


def _read_fault(table: Table, plan: Plan, parse: Parse, by: dict[str, Any]) -> list[Change]:
    name, names = table.text("fault"), [fault.name for fault in plan.faults]
    if isinstance(table.values["fault"], str) and name not in names:
        table.problem("fault", unknown("fault", name, names))
    share, on = table.number("share", 0.0, 0, 1), table.flag("on")
    changes = {"share": Change("share", name, share, **by), "on": Change("on" if on else "off", name, **by)}
    said = [key for key in changes if key in table.values]
    if not said:
        table.problem("", "must say on (true or false), share (0 to 1), or both")
    return [changes[key] for key in said]


def _read_plan(table: Table, plan: Plan, parse: Parse, by: dict[str, Any]) -> list[Change]:
    text, name = table.text("plan"), table.text("name", "pasted")
    if not NAME.fullmatch(name):
        table.problem("name", f"must be 1 to 80 letters, digits, blanks, _ and -, got {name!r}")
    try:
        return [Change("plan", plan=parse(text, f"{name}.toml"), **by)]
    except BadInput as error:
        table.problems.extend(error.problems)
        return []


def _read_stop(table: Table, plan: Plan, parse: Parse, by: dict[str, Any]) -> list[Change]:
    if not table.flag("stop", True):
        table.problem("stop", "must be true; chaos goes on with a new plan")
    return [Change("stop", **by)]
