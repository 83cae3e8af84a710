"""Carries a script through mitmproxy: an HTTP stream that performs actions. Knows of mitmproxy what 9 to 13 have in common.

The stock way to touch a streamed body is a synchronous callable: waiting in it stalls every other call, and killing the
flow in it does nothing (mitmproxy#8103, #4711). So the stream itself performs the script, and waits by its own wakeups.
"""

import logging
import socket
import struct
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from http.client import responses
from typing import Any

from mitmproxy import ctx, http
from mitmproxy.connection import Client
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers import HttpLayer
from mitmproxy.proxy.layers.http import (  # type: ignore[attr-defined]
    HttpStream,
    RequestProtocolError,
    ResponseData,
    ResponseProtocolError,
    ResponseTrailers,
    SendHttp,
)

from faults.actions import Action, Finish, Pause, Reply, Sever
from faults.call import Call
from faults.control import ASKED_HOST, ROOM
from faults.script import Script

log = logging.getLogger(__name__)

Commands = layer.CommandGenerator[None]


class Playing:
    """Put into `flow.response.stream`: this response's body is sent by its script."""

    def __init__(self, call: Call, script: Script) -> None:
        self.call, self.script = call, script

    def __call__(self, data: bytes) -> bytes:
        raise RuntimeError("a scripted response met a stream that cannot play scripts")


class ScriptedStream(HttpStream):
    """Performs a response's script. Nothing here blocks, so an app that leaves a stalled response is noticed."""

    def __init__(self, context: Any, stream_id: int) -> None:
        super().__init__(context, stream_id)
        self.todo: deque[Iterator[Action | ResponseProtocolError]] = deque()
        self.asleep = self.heard_all = False
        self.playing: Playing | None = None

    # These are no generators, they pick one: a frame less for each event of each stream.
    def state_wait_for_request_headers(self, event: events.Event) -> Commands:
        request = event.request  # type: ignore[attr-defined]
        if request.path.startswith(ROOM):
            # mitmproxy is about to write the provider's name over it, before any hook.
            request.headers[ASKED_HOST] = request.host_header or ""
        return super().state_wait_for_request_headers(event)  # type: ignore[no-any-return]

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, events.Wakeup):
            self.asleep = False
            return self.perform()
        if self.todo and isinstance(event, ResponseProtocolError):
            # The provider broke off while we pause: first what it had sent, then the break.
            self.heard_all = True
            self.todo.append(iter([event]))
            return nothing()
        return super()._handle_event(event)  # type: ignore[no-any-return]

    def state_stream_response_body(self, event: events.Event) -> Commands:
        playing = self.flow.response.stream if self.flow.response else None
        if not isinstance(playing, Playing) or isinstance(event, ResponseTrailers):
            return super().state_stream_response_body(event)  # type: ignore[no-any-return]
        self.playing = playing
        try:
            if isinstance(event, ResponseData):
                if not self.todo and playing.script.lets_pass(event.data):
                    return self.pass_on(playing, event)
                self.todo.append(playing.script.on_data(event.data))
            else:
                self.heard_all = True
                self.todo += [playing.script.on_end(), iter([Finish()])]
        except Exception as error:
            return self.hang_up(error)
        return self.perform()

    def pass_on(self, playing: Playing, event: ResponseData) -> Commands:
        playing.call.sent += len(event.data)
        yield SendHttp(event, self.context.client)

    def perform(self) -> Commands:
        """Do what is to be done, up to the next pause."""
        assert self.playing
        try:
            while self.todo and not self.asleep and self.client_state != self.state_errored:
                for action in self.todo[0]:
                    if isinstance(action, bytes):
                        if action:  # an empty chunk would end the body
                            self.playing.call.sent += len(action)
                            yield SendHttp(ResponseData(self.stream_id, action), self.context.client)
                        continue
                    yield from self.act(action)
                    if self.asleep or not self.todo:
                        return
                self.todo.popleft()
        except Exception as error:
            yield from self.hang_up(error)

    def act(self, action: Action | ResponseProtocolError) -> Commands:
        if isinstance(action, Pause):
            self.asleep = True
            yield commands.RequestWakeup(action.seconds)
        elif isinstance(action, Finish):
            yield from self.leave(self.send_response(already_streamed=True))
        elif isinstance(action, Sever):
            yield from self.sever(action.reset)
        elif isinstance(action, ResponseProtocolError):
            self.todo.clear()
            yield from self.handle_protocol_error(action)

    def hang_up(self, error: Exception) -> Commands:
        """A bug of ours ends the call: unheard, mitmproxy would log it and leave the app waiting."""
        assert self.playing
        self.playing.call.bug(error, self.playing.script.now())
        try:
            yield from self.sever(reset=False)
        except Exception:
            log.exception("a call cannot even be severed, its connections are closed")
            self.todo.clear()
            self.asleep = True  # for good
            for connection in (self.context.server, self.context.client):
                yield commands.CloseConnection(connection)

    def sever(self, reset: bool) -> Commands:
        if reset:
            reset_on_close(self.context.client)
        # mitmproxy 12 demands the code: a number in 11, an enum in 12, and the class knows its own.
        severed = ResponseProtocolError(self.stream_id, "severed by a fault", ResponseProtocolError.code)
        yield from self.leave(self.handle_protocol_error(severed))

    def leave(self, ending: Commands) -> Commands:
        """Be done with this call: a provider that still talks is hung up on, and no longer listened to."""
        self.todo.clear()
        if not self.heard_all:
            abandoned = RequestProtocolError(self.stream_id, "abandoned", RequestProtocolError.code)
            yield SendHttp(abandoned, self.context.server)
        yield from ending
        # Or the next call on this connection meets a provider's connection that is still busy.
        self.client_state = self.server_state = self.state_errored


def nothing() -> Commands:
    yield from ()


class ScriptedHttp(HttpLayer):
    """mitmproxy's HTTP layer, but its streams are ours."""

    def make_stream(self, stream_id: int) -> Commands:
        self.streams[stream_id] = ScriptedStream(self.context.fork(), stream_id)
        yield from self.event_to_child(self.streams[stream_id], events.Start())


class Closed(layer.Layer):
    """Hangs up at once: what we cannot watch over must not pass without its faults."""

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, events.Start):
            yield commands.CloseConnection(self.context.client)


def make_streams_ours(next_layer: layer.NextLayer) -> None:
    """Let mitmproxy choose the layers as ever, then make its HTTP layer play scripts."""
    try:
        addon_named("nextlayer").next_layer(next_layer)
        found: Any = next_layer.layer
        while found is not None and not isinstance(found, HttpLayer):
            found = getattr(found, "child_layer", None)
        if found is not None:
            found.__class__ = ScriptedHttp
    except Exception:
        next_layer.layer = Closed(next_layer.context)
        raise


def answer_to(request: http.Request, reply: Reply) -> http.Response:
    """As HTTP sends it: with the status's own words, which mitmproxy has not for all, and to HEAD without the body."""
    response = http.Response.make(reply.status, reply.body, dict(reply.headers))
    response.reason = responses.get(reply.status, response.reason)
    if request.method == "HEAD":
        response.raw_content = b""
    return response


def reset_on_close(client: Client) -> None:
    """Make the coming close of this connection a TCP reset; mitmproxy has no command for that, this reaches inside."""
    handler = addon_named("proxyserver").connections.get(client.id)
    if handler is not None and client in handler.transports:
        connection = handler.transports[client].writer.get_extra_info("socket")
        with suppress(OSError):  # the app has left, only mitmproxy has not told us yet
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def reset_all(but: Client) -> None:
    """Reset every connection of the app, busy or idle, except one."""
    for handler in list(addon_named("proxyserver").connections.values()):
        client = handler.client
        if client is not but and client in handler.transports:
            reset_on_close(client)
            handler.close_connection(client)
            # Which cancels the task that would close it: not enough where that one has not begun.
            handler.transports[client].writer.close()


def addon_named(name: str) -> Any:
    return ctx.master.addons.get(name)  # type: ignore[no-untyped-call]
