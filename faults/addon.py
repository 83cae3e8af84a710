"""The mitmproxy addon: decides about every call, performs what is due before the body, and writes the call's row.

mitmdump --mode reverse:http://127.0.0.1:11434 -s faults/addon.py --set faults_plan=plan.toml --set faults_rows=calls.jsonl
"""

import asyncio
import atexit
import logging
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import orjson
from mitmproxy import connection, ctx, exceptions, flow, http
from mitmproxy.addonmanager import Loader
from mitmproxy.proxy import layer

from faults.actions import Actions, Occupy, Pause, Refuse, Reply, Request, Sever
from faults.armed import Armed
from faults.call import Call, Reader, announced, plain, prompt_key_of
from faults.carrier import Playing, addon_named, answer_to, make_streams_ours, reset_all, reset_on_close
from faults.control import ROOM
from faults.live import Live
from faults.places import Places
from faults.plan import Fault, Plan
from faults.refusal import Refusal
from faults.script import Script
from records.bad_input import BadInput
from records.jsonl import RowFile
from records.prompts import Prompts, read_prompts

log = logging.getLogger(__name__)

NEEDED = frozenset({"proxyserver", "scriptloader", "nextlayer", "tlsconfig"})
"""The addons a reverse proxy cannot do without; every hook otherwise walks through all 36, which doubles the CPU of a call."""


class Faults:
    """Faults given here are armed unless the option `faults_plan` names a plan."""

    def __init__(self, *faults: Fault, seed: int = 0, name: str = "script") -> None:
        self.armed = Armed(Plan(faults, seed, name if faults else "none"))
        self.refusal = Refusal()
        self.refused_by: Mapping[str, Any] = {}
        """What the row of the call says that the last refusal struck."""
        self.live = Live(self.armed, self.refusal.give_up)
        self.rows: RowFile | None = None
        self.prompts: Prompts | None = None
        """Told where the app may not pass its user's request id on."""
        self.calls: dict[str, Call] = {}
        self.reader = Reader()

    @property
    def plan(self) -> Plan:
        """What is armed now."""
        return self.armed.plan

    def load(self, loader: Loader) -> None:
        self.live.load(loader)
        loader.add_option("faults_rows", str, "", "Where each call's row is appended, as JSON lines.")
        loader.add_option("faults_prompts", str, "", "The prompts that rows tell calls by: JSON, texts by their keys.")
        loader.add_option("faults_lean", bool, False, "Leave out the addons and log lines a bare reverse proxy does not need.")
        loader.add_option("faults_scratch", str, "", "A folder to remove when the proxy ends.")

    def configure(self, updated: set[str]) -> None:
        if ctx.options.stream_large_bodies:
            refuse("stream_large_bodies asks the provider before a fault can answer: leave it out")
        try:
            self.live.configure(updated)
            if "faults_prompts" in updated and ctx.options.faults_prompts:
                self.prompts = read_prompts(ctx.options.faults_prompts)
        except BadInput as error:
            refuse(str(error))
        if "faults_rows" in updated and ctx.options.faults_rows:
            self.rows = RowFile(ctx.options.faults_rows, orjson.dumps)
        if "faults_scratch" in updated and ctx.options.faults_scratch:
            # Not in `done`: that one is not called where starting fails.
            atexit.register(shutil.rmtree, ctx.options.faults_scratch, ignore_errors=True)

    def running(self) -> None:
        if ctx.options.faults_lean:
            addons = ctx.master.addons
            addons.chain = [one for one in addons.chain if getattr(one, "name", type(one).__name__.lower()) in NEEDED]
            # Every INFO line is formatted, whether or not it is shown: 9 % of a call's CPU.
            logging.getLogger().setLevel(logging.WARNING)
        host, port = addon_named("proxyserver").listen_addrs()[0][:2]
        print(f"listening on http://{host}:{port} · {self.armed.in_words}", flush=True)

    def done(self) -> None:
        for call in self.calls.values():
            self.write(call)
        self.calls.clear()
        self.refusal.forget()

    def next_layer(self, next_layer: layer.NextLayer) -> None:
        make_streams_ours(next_layer)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        if flow.request.path.startswith(ROOM):
            return  # it is for us, and no call
        now_s = time.monotonic()
        if self.armed.begins_with(flow.request.method):
            self.live.begin(now_s)
        call = Call(flow.client_conn.id, now_s, announced(flow.request.path, plain(flow.request.headers.fields)))
        self.calls[flow.id] = call
        if self.refusal.on:  # its connection was being accepted when all were reset
            call.broken_by(self.refused_by, now_s)

    async def request(self, flow: http.HTTPFlow) -> None:
        with self.failing_closed(flow):
            if flow.request.path.startswith(ROOM):
                flow.response = self.live.answer(flow, time.monotonic(), self.calls.values())
                return
            call = self.calls[flow.id]
            call.request = self.describe(call, flow.request.get_content(strict=False) or b"")
            if self.prompts:
                self.tell_by_prompt(call, flow.request, self.prompts)
            if faults := self.armed.decide(call.request):
                call.script = Script(call.request, faults, time.monotonic)
                flow.request.anticomp()  # messages are found in plain text
                await self.perform(call, flow, call.script.on_request())
            call.passed_on = flow.response is None

    def describe(self, call: Call, body: bytes) -> Request:
        return self.reader.request(call.request, body, self.armed.at_s(call.started_s))

    def tell_by_prompt(self, call: Call, request: http.Request, prompts: Prompts) -> None:
        """Its row tells the prompt it holds; the provider is told the id that this row bears, so that its rows bear it too."""
        call.prompt_key = prompt_key_of(call.request.body, prompts)
        request.headers["x-request-id"] = call.request.id
        request.headers["x-attempt"] = str(call.request.attempt)

    async def responseheaders(self, flow: http.HTTPFlow) -> None:
        with self.failing_closed(flow):
            call, response = self.calls.get(flow.id), flow.response
            if call is None:
                return
            assert response
            response.stream = call.count
            if call.script and call.passed_on:
                await self.perform(call, flow, call.script.on_headers(plain(response.headers.fields)))
                if call.script.is_about("message"):
                    response.stream = Playing(call, call.script)
                    if response.headers.pop("content-length", None):
                        response.headers["transfer-encoding"] = "chunked"  # a fault may change the length
            if flow.client_conn.connected and not flow.error:
                call.status = response.status_code

    async def perform(self, call: Call, flow: http.HTTPFlow, actions: Actions) -> None:
        """What is to be done before there is a body: the layer waits for this hook, and no other call does."""
        for action in actions:
            if isinstance(action, Pause):
                await self.pause(call, action.seconds)
            elif isinstance(action, Occupy):
                await self.occupy(call, action.places)
            elif isinstance(action, dict) and flow.response:
                flow.response.headers.update(action)
            elif isinstance(action, Reply):
                flow.response = answer_to(flow.request, action)
                call.status, call.sent = action.status, len(flow.response.raw_content or b"")
            elif isinstance(action, Sever):
                sever(flow, action.reset)
            elif isinstance(action, Refuse):
                await self.refuse(call, flow, action.seconds)
            if isinstance(action, Reply | Sever | Refuse) or not flow.client_conn.connected:
                return

    async def pause(self, call: Call, seconds: float) -> None:
        call.wake = asyncio.Event()
        with suppress(TimeoutError):
            await asyncio.wait_for(call.wake.wait(), seconds)
        call.wake = None

    async def occupy(self, call: Call, places: Places) -> None:
        """Wait for a place, or until the app leaves; it is given back when the call ends, however that comes about."""
        call.wake = asyncio.Event()
        call.holding.append((places, call.wake.set))
        places.enter(call.wake.set)
        await call.wake.wait()
        call.wake = None

    async def refuse(self, call: Call, flow: http.HTTPFlow, seconds: float) -> None:
        """As if the provider's process died: whatever is connected is reset, the other calls' rows say by which fault."""
        sever(flow, reset=True)
        assert call.script
        self.refused_by = call.script.struck[-1]
        for other in self.calls.values():
            if other is not call:
                other.broken_by(self.refused_by, time.monotonic())
        reset_all(but=flow.client_conn)
        await self.refusal.begin(seconds)

    def client_connected(self, client: connection.Client) -> None:
        if self.refusal.on:  # it came while the listener was closing
            reset_on_close(client)
            client.error = "refused by a fault"

    def client_disconnected(self, client: connection.Client) -> None:
        for call in self.calls.values():
            if call.wake and call.connection == client.id:
                call.wake.set()

    def response(self, flow: http.HTTPFlow) -> None:
        self.finish(flow)

    def error(self, flow: http.HTTPFlow) -> None:
        call = self.calls.get(flow.id)
        if call and not call.status and flow.client_conn.connected and not was_killed(flow):
            # mitmproxy answers itself; its page is no provider's body, so its bytes are not counted.
            call.status = 502 if call.passed_on else 400
        self.finish(flow)

    def finish(self, flow: http.HTTPFlow) -> None:
        with self.failing_closed(flow):
            if call := self.calls.pop(flow.id, None):
                call.give_back()
                if call.script:
                    self.armed.count(call.started_s, call.script)
                self.write(call)

    def write(self, call: Call) -> None:
        if self.rows:
            self.rows.write(vars(call.row(time.monotonic())))

    @contextmanager
    def failing_closed(self, flow: http.HTTPFlow) -> Iterator[None]:
        """mitmproxy lets a call pass, without its faults, when a hook raises; here it is severed, and the row says why."""
        try:
            yield
        except Exception as error:
            log.exception("a bug of ours severs a call")
            if call := self.calls.get(flow.id):
                call.bug(error, time.monotonic())
            sever(flow)


def refuse(problem: str) -> NoReturn:
    raise exceptions.OptionsError(problem)  # type: ignore[no-untyped-call]


def sever(flow: http.HTTPFlow, reset: bool = False) -> None:
    """Close the app's connection without a word; only before a response begins does mitmproxy itself know how."""
    if flow.killable:
        if reset:
            reset_on_close(flow.client_conn)
        flow.kill()  # type: ignore[no-untyped-call]


def was_killed(flow_: http.HTTPFlow) -> bool:
    return flow_.error is not None and flow_.error.msg == flow.Error.KILLED_MESSAGE


addons = [Faults()]
