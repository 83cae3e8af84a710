"""What of the faults can be said before and while calls come: reads plans, answers the control, writes changes, ends chaos."""

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from math import isfinite

import orjson
from mitmproxy import ctx, http
from mitmproxy.addonmanager import Loader

from faults.actions import Reply
from faults.armed import Armed, Change
from faults.call import Call, plain
from faults.carrier import answer_to
from faults.control import Asked, Control
from faults.found import find_kinds
from faults.kinds import KINDS
from faults.plan import Plan
from faults.reading import parse_plan, read_plan, read_shares
from records.jsonl import RowFile
from records.rows import ChangeRow

OPTIONS = {
    "faults_plan": "The plan of faults, a TOML file.",
    "faults_seed": "Another weather than that of the plan's own seed.",
    "faults_dir": "A folder with kinds of your own, which the plan may name beside ours.",
    "faults_shares": "A strata.json: larger shares for first attempts.",
    "faults_at_s": "Seconds of the plan that are over when the first call comes.",
    "faults_changes": "Where each change of the faults is appended, as JSON lines.",
}
JSON = {"content-type": "application/json", "cache-control": "no-store"}


class Live:
    """Arms plans, and changes what is armed while calls come; `on_end` is called when chaos ends."""

    def __init__(self, armed: Armed, on_end: Callable[[], None]) -> None:
        self._armed, self._on_end = armed, on_end
        self._control = Control(armed, self._parse, self._changed)
        self._kinds = KINDS
        self._rows: RowFile | None = None
        self._ending: asyncio.TimerHandle | None = None

    def load(self, loader: Loader) -> None:
        for name, told in OPTIONS.items():
            loader.add_option(name, str, "", told)

    def configure(self, updated: set[str]) -> None:
        """Raises BadInput for a plan that cannot be used."""
        options = ctx.options
        if "faults_plan" in updated and options.faults_plan:
            self._forget_end()
            self._kinds = find_kinds(options.faults_dir)
            plan = _seeded(read_plan(options.faults_plan, self._kinds))
            self._armed.arm(read_shares(options.faults_shares, plan) if options.faults_shares else plan)
        if "faults_changes" in updated and options.faults_changes:
            self._rows = RowFile(options.faults_changes, orjson.dumps)

    def _parse(self, text: str, where: str) -> Plan:
        """A plan that comes while calls do."""
        return _seeded(parse_plan(text, where, self._kinds))

    def begin(self, now_s: float) -> None:
        """The plan's clock starts. Its end is a row at its moment, whether or not a call comes just then."""
        skipped_s = float(ctx.options.faults_at_s or 0)
        self._armed.began_s, after_s = now_s - skipped_s, self._armed.plan.stop_after_s - skipped_s
        if isfinite(after_s):
            self._ending = asyncio.get_running_loop().call_later(after_s, self._end, now_s + after_s)

    def answer(self, flow: http.HTTPFlow, now_s: float, calls: Iterable[Call]) -> http.Response:
        """To what was asked of the proxy itself."""
        request, peer = flow.request, flow.client_conn.peername[0]
        body = request.get_content(strict=False) or b""
        asked = Asked(request.method, request.path, plain(request.headers.fields), body, peer)
        in_flight = [(call.started_s, call.script) for call in calls if call.script]
        status, told = self._control.answer(asked, now_s, in_flight)
        return answer_to(request, Reply(status, JSON, json.dumps(told).encode() + b"\n"))

    def _end(self, now_s: float) -> None:
        why = f"the plan ends after {self._armed.plan.stop_after_s:g} s"
        for row in self._armed.make(Change("stop", by="stop_after_s", why=why), now_s):
            self._changed(row)

    def _forget_end(self) -> None:
        if self._ending:
            self._ending.cancel()

    def _changed(self, row: ChangeRow) -> None:
        if row.action == "plan":
            self._forget_end()
        if row.action in ("plan", "stop"):
            self._on_end()
        if self._rows:
            self._rows.write(vars(row))


def _seeded(plan: Plan) -> Plan:
    return replace(plan, seed=int(ctx.options.faults_seed)) if ctx.options.faults_seed else plan
