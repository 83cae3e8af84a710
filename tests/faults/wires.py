"""Answers as providers send them, message by message, and what a fault makes of them, without a proxy."""

import json
from dataclasses import dataclass
from functools import partial

from faults.actions import Finish, Request, Sever
from faults.plan import Fault
from faults.script import Script


def line(**value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def event(name: str = "", **value: object) -> bytes:
    return (f"event: {name}\n".encode() if name else b"") + b"data: " + line(**value) + b"\n"


def ollama(said: dict[str, object], **more: object) -> bytes:
    said = {"role": "assistant", "content": "", **said}
    return line(**{"model": "m", "created_at": "2025-01-01T00:00:00Z", "message": said, "done": False, **more})


def openai(delta: dict[str, object], reason: str | None = None, **more: object) -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": reason}]
    return event(**{"id": "c-1", "object": "chat.completion.chunk", "model": "m", "choices": choices, **more})


def anthropic(type_: str, **more: object) -> bytes:
    return event(type_, type=type_, **more)


def called(arguments: str, **more: object) -> dict[str, object]:
    return {"tool_calls": [{"index": 0, **more, "function": {"arguments": arguments, **({"name": "f"} if more else {})}}]}


TEXTS = ("Grüße", " 世界", ' "done": true', "!")
OLLAMA = [*(ollama({"content": text}) for text in TEXTS), ollama({}, done=True, done_reason="stop", eval_count=4)]
OPENAI = [
    openai({"role": "assistant", "content": ""}),
    *(openai({"content": text}) for text in TEXTS),
    openai({}, "stop"),
    openai({}, choices=[], usage={"total_tokens": 9}),
    b"data: [DONE]\n\n",
]
ANTHROPIC = [
    anthropic("message_start", message={"id": "m-1", "role": "assistant", "content": [], "stop_reason": None}),
    anthropic("content_block_start", index=0, content_block={"type": "text", "text": ""}),
    anthropic("ping"),
    *(anthropic("content_block_delta", index=0, delta={"type": "text_delta", "text": text}) for text in TEXTS),
    anthropic("content_block_stop", index=0),
    anthropic("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 4}),
    anthropic("message_stop"),
]
OLLAMA_CALL = [
    ollama({"tool_calls": [{"function": {"name": "f", "arguments": {"city": "Köln", "n": 2}}}]}),
    ollama({}, done=True, done_reason="stop"),
]
OPENAI_CALL = [
    openai({"role": "assistant", "content": None, **called("", id="call-1", type="function")}),
    *(openai(called(text)) for text in ('{"ci', 'ty":"K', 'öln"', ',"n":2}')),
    openai({}, "tool_calls"),
    b"data: [DONE]\n\n",
]
ANTHROPIC_CALL = [
    anthropic("content_block_start", index=1, content_block={"type": "tool_use", "id": "t", "name": "f", "input": {}}),
    *(
        anthropic("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": text})
        for text in ('{"city":', '"Köln"}')
    ),
    anthropic("message_delta", delta={"stop_reason": "tool_use"}),
]
OLLAMA_BODY = [ollama({"content": "Grüße"}, done=True, done_reason="stop").strip()]
OPENAI_BODY = [
    b'{"id":"c-1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Gr\xc3\xbc\xc3\x9fe"},'
    b'"finish_reason":"stop"}]}'
]
ANTHROPIC_BODY = [b'{"id":"m-1","type":"message","content":[{"type":"text","text":"a"}],"stop_reason":"end_turn"}']
EMBEDDINGS = [b'{"object":"list","data":[{"embedding":[0.1]}]}']


@dataclass
class Wire:
    path: str
    content_type: str
    stream: list[bytes]


WIRES = {
    "ollama": Wire("/api/chat", "application/x-ndjson", OLLAMA),
    "openai": Wire("/v1/chat/completions", "text/event-stream; charset=utf-8", OPENAI),
    "anthropic": Wire("/v1/messages", "text/event-stream", ANTHROPIC),
}


SAID = {
    "said": {wire.path: wire.stream for wire in WIRES.values()},
    "said-call": {"/api/chat": OLLAMA_CALL, "/v1/chat/completions": OPENAI_CALL, "/v1/messages": ANTHROPIC_CALL},
    "said-json": {"/api/chat": OLLAMA_BODY, "/v1/chat/completions": OPENAI_BODY, "/v1/messages": ANTHROPIC_BODY},
}
"""What the provider of these tests says, by shape and route."""


@dataclass
class Played:
    actions: list[object]
    """All of them, up to the one that ends the response; what sends nothing is left out."""
    struck: list[dict[str, object]]

    @property
    def body(self) -> bytes:
        return b"".join(action for action in self.actions if isinstance(action, bytes))


def play(kind, stream, provider="openai", content_type=None, pieces=None, **params) -> Played:
    """What `kind` makes of a body of messages, which TCP cut into `pieces`."""
    wire = WIRES[provider]
    script = Script(Request("r", path=wire.path), [Fault(kind, params)], lambda: 0.0)
    list(script.on_headers({"content-type": content_type or wire.content_type}))
    done = []
    for step in [*(partial(script.on_data, piece) for piece in pieces or stream), script.on_end]:
        for action in step():
            done += [action] if action != b"" else []
            if isinstance(action, Sever | Finish):
                return Played(done, script.struck)
    return Played(done, script.struck)


def play_json(kind, body, provider="openai", **params) -> Played:
    """The same with a body that is one JSON object, in two reads."""
    (told,) = body
    return play(kind, body, provider, "application/json", [told[:7], told[7:]], **params)
